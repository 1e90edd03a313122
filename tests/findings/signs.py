"""Signs: properties of a stream that a consumer may mishandle, which link it to a finding.

Rules of this file: functions of a stream that read its bytes, and its error if there is one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import h11
import msgspec.json

from openai_mockserver import sse
from openai_mockserver.judge import AnsweredStream, get_answer

__all__ = [
    "Sign",
    "block_without_data",
    "call_index_again",
    "call_index_ahead",
    "call_type_null",
    "call_without_index",
    "calls_interleaved",
    "calls_together",
    "carriage_returns",
    "choice_without_delta",
    "content_in_parts",
    "created_with_decimals",
    "arguments_cut_off",
    "ends_with_cr",
    "finish_not_last",
    "id_empty",
    "id_in_every_fragment",
    "message_beside_delta",
    "nothing_after_id",
    "object_differs",
    "arrives_in_pieces",
    "says",
    "several_choices",
    "starts_with_bom",
    "think_tag",
    "last_event_unended",
    "body_incomplete",
    "usage_again",
    "usage_elsewhere",
    "without_call_type",
    "without_role",
]

Sign = Callable[[AnsweredStream], bool]
Chunk = dict[str, Any]

BOM = b"\xef\xbb\xbf"


def body(stream: AnsweredStream) -> bytes:
    """Return the body, as far as it arrives, without HTTP's framing."""
    script = stream.script
    data = sse.body(script.steps)
    if script.raw:
        return _of_response(data)
    if "Content-Encoding" not in dict(script.head.headers):
        return data
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(data)


def _of_response(data: bytes) -> bytes:
    """Return the body of a raw response, as far as h11 can parse it."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "mockserver")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    content = b""
    try:
        while not isinstance(event := client.next_event(), type | h11.EndOfMessage):
            content += event.data if isinstance(event, h11.Data) else b""
    except h11.RemoteProtocolError:
        pass
    return content


def chunks(stream: AnsweredStream) -> Iterator[Chunk]:
    """Yield the complete chunks of a chat."""
    for event in sse.decode(body(stream) + b"\n\n"):
        try:
            chunk = msgspec.json.decode(event.data)
        except (msgspec.DecodeError, UnicodeError):
            continue
        if isinstance(chunk, dict):
            yield chunk


def choices(stream: AnsweredStream) -> Iterator[Chunk]:
    """Return the choices of all chunks."""
    return chain.from_iterable(chunk.get("choices") or () for chunk in chunks(stream))


def deltas(stream: AnsweredStream) -> Iterator[Chunk]:
    """Return the deltas of all choices."""
    return (choice.get("delta") or {} for choice in choices(stream))


def fragments(stream: AnsweredStream) -> Iterator[Chunk]:
    """Return the fragments of tool calls."""
    return chain.from_iterable(delta.get("tool_calls") or () for delta in deltas(stream))


def starts_with_bom(stream: AnsweredStream) -> bool:
    """The body begins with a byte order mark."""
    return body(stream).startswith(BOM)


def carriage_returns(stream: AnsweredStream) -> bool:
    """A line ends with CR, or with CR and LF."""
    return b"\r" in body(stream)


def block_without_data(stream: AnsweredStream) -> bool:
    """A blank line ends a block of fields that has no data."""
    return any(block and b"data" not in block for block in _blocks(stream))


def nothing_after_id(stream: AnsweredStream) -> bool:
    """After an event with an id, a blank line ends a block that has a comment, or nothing."""
    blocks = _blocks(stream)
    return any(b"id" in block for block in blocks) and not all(
        blocks[next(n for n, block in enumerate(blocks) if b"id" in block) :]
    )


def _blocks(stream: AnsweredStream) -> list[set[bytes]]:
    """Return the names of the fields of each block that a blank line ends."""
    blocks: list[set[bytes]] = [set()]
    for line in re.split(rb"\r\n|\r|\n", body(stream).removeprefix(BOM))[:-1]:
        if line:
            blocks[-1] |= {line.partition(b":")[0]} - {b""}
        else:
            blocks.append(set())
    return blocks[:-1]


def last_event_unended(stream: AnsweredStream) -> bool:
    """All is well, but no blank line ends the last event, which is not ``[DONE]``."""
    last = re.split(rb"(?:\r\n|\r|\n){2}", body(stream))[-1]
    return stream.error is None and b"data" in last and b"[DONE]" not in last


def body_incomplete(stream: AnsweredStream) -> bool:
    """The body ends before the answer does."""
    return stream.error == "incomplete"


def object_differs(stream: AnsweredStream) -> bool:
    """A chunk's ``object`` is missing or different."""
    return any(chunk.get("object") != "chat.completion.chunk" for chunk in chunks(stream))


def content_in_parts(stream: AnsweredStream) -> bool:
    """The content of a delta is a list."""
    return any(isinstance(delta.get("content"), list) for delta in deltas(stream))


def created_with_decimals(stream: AnsweredStream) -> bool:
    """A chunk's ``created`` is not an integer."""
    return any(isinstance(chunk.get("created"), float) for chunk in chunks(stream))


def id_empty(stream: AnsweredStream) -> bool:
    """A chunk's ``id`` is empty or missing."""
    return any(not chunk.get("id") for chunk in chunks(stream))


def call_without_index(stream: AnsweredStream) -> bool:
    """A fragment of a call has no index."""
    return any(fragment.get("index") is None for fragment in fragments(stream))


def call_index_ahead(stream: AnsweredStream) -> bool:
    """The index of a call is larger than the number of calls before it."""
    indexes: set[int] = set()
    for fragment in fragments(stream):
        index = fragment.get("index") or 0
        if index > len(indexes):
            return True
        indexes.add(index)
    return False


def call_index_again(stream: AnsweredStream) -> bool:
    """Calls with different ids have the same index."""
    ids: dict[int | None, str] = {}
    return any(
        ids.setdefault(fragment.get("index"), fragment["id"]) != fragment["id"]
        for fragment in fragments(stream)
        if fragment.get("id")
    )


def id_in_every_fragment(stream: AnsweredStream) -> bool:
    """The id of a call is repeated in later fragments."""
    ids = [fragment["id"] for fragment in fragments(stream) if fragment.get("id")]
    return len(ids) > len(set(ids))


def choice_without_delta(stream: AnsweredStream) -> bool:
    """A choice has no delta."""
    return any(choice.get("delta") is None for choice in choices(stream))


def message_beside_delta(stream: AnsweredStream) -> bool:
    """A choice also has a message."""
    return any(choice.get("message") is not None for choice in choices(stream))


def arrives_in_pieces(*members: str) -> Sign:
    """Several deltas have one of these members."""

    def sign(stream: AnsweredStream) -> bool:
        return any(sum(bool(delta.get(name)) for delta in deltas(stream)) > 1 for name in members)

    return sign


def says(member: str) -> Sign:
    """A delta has this member."""
    return lambda stream: any(delta.get(member) for delta in deltas(stream))


def without_role(stream: AnsweredStream) -> bool:
    """No delta has a role."""
    return not any(delta.get("role") for delta in deltas(stream))


def several_choices(stream: AnsweredStream) -> bool:
    """There is more than one choice."""
    return any(choice.get("index") for choice in choices(stream))


def usage_again(stream: AnsweredStream) -> bool:
    """More than one chunk has usage."""
    return sum(bool(chunk.get("usage")) for chunk in chunks(stream)) > 1


def usage_elsewhere(stream: AnsweredStream) -> bool:
    """The usage is only in a member of the provider's own, as in Groq's streams of 2024."""
    all_chunks = list(chunks(stream))
    has_own = any((chunk.get("x_groq") or {}).get("usage") for chunk in all_chunks)
    return has_own and not any(chunk.get("usage") for chunk in all_chunks)


def finish_not_last(stream: AnsweredStream) -> bool:
    """A choice occurs again after its finish reason."""
    finished_choices: set[int] = set()
    for choice in choices(stream):
        if choice.get("index", 0) in finished_choices:
            return True
        if choice.get("finish_reason"):
            finished_choices.add(choice.get("index", 0))
    return False


def calls_together(stream: AnsweredStream) -> bool:
    """A delta has fragments of several calls."""
    return any(len(delta.get("tool_calls") or ()) > 1 for delta in deltas(stream))


def calls_interleaved(stream: AnsweredStream) -> bool:
    """A call continues after another has begun."""
    indexes = [fragment.get("index") for fragment in fragments(stream)]
    return len([1 for n, index in enumerate(indexes) if [index] != indexes[n - 1 : n]]) > len(
        set(indexes)
    )


def without_call_type(stream: AnsweredStream) -> bool:
    """Some call has no type."""
    return not all(fragment.get("type") for fragment in fragments(stream) if fragment.get("id"))


def call_type_null(stream: AnsweredStream) -> bool:
    """A fragment of a call has the type null."""
    return any(fragment.get("type", "") is None for fragment in fragments(stream))


def ends_with_cr(stream: AnsweredStream) -> bool:
    """The body's last blank line ends with CR."""
    return body(stream).endswith(b"\r")


def think_tag(stream: AnsweredStream) -> bool:
    """A piece of text contains a think tag."""
    return any("think>" in str(delta.get("content")) for delta in deltas(stream))


def arguments_cut_off(stream: AnsweredStream) -> bool:
    """The arguments of a call are not valid JSON."""
    return any(not is_json(call.arguments) for call in get_answer(stream).tool_calls)


def is_json(text: str) -> bool:
    try:
        msgspec.json.decode(str(text) or "{}")
    except (msgspec.DecodeError, UnicodeError):
        return False
    return True
