"""A response's events or JSON body, back to the reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from openai_mockserver.api import errors
from openai_mockserver.api.decode import (
    DECODE_ERRORS,
    as_json_text,
    decode_body,
    decode_events,
    explain_error,
    is_stream,
    join_halves,
    read_string,
)
from openai_mockserver.api.logprobs import read_logprob
from openai_mockserver.api.responses.envelope import INCOMPLETE
from openai_mockserver.api.responses.items import (
    KINDS,
    PARTIAL,
    kind_of,
)
from openai_mockserver.api.responses.usage import read_usage
from openai_mockserver.dialects import usage as usages
from openai_mockserver.reply import (
    Annotation,
    ApiError,
    Choice,
    Item,
    Logprob,
    Message,
    Output,
    Reasoning,
    Reply,
    Text,
    ToolCall,
)
from openai_mockserver.reply.text import check_type
from openai_mockserver.script import Script

__all__ = ["Reader", "read", "read_item"]

# Reading back


class _Begun:
    """An item, as far as it has come."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        self.json = item
        self.pieces: dict[tuple[str, int], list[str]] = {}
        self.wholes: dict[tuple[str, int], str] = {}
        self.is_done = False
        self.annotations: list[Annotation] = []
        self.logprobs: list[tuple[Logprob, ...]] = []
        self.images: list[str] = []


# event stem: what its deltas are of, and the member that numbers them
_DELTAS: Mapping[str, tuple[str, str]] = {
    "output_text": ("text", "content_index"),
    "refusal": ("refusal", "content_index"),
    "reasoning_text": ("content", "content_index"),
    "reasoning_summary_text": ("summary", "summary_index"),
} | {kind.stem: (kind.streamed, "") for kind in KINDS.values() if kind.stem}


# Under which name events and parts tell a member that items hold under its own.
_SAID_IN: Mapping[str, str] = {"content": "text", "summary": "text"}

# type of part: of which member of its item it is
_PARTS: Mapping[str, str] = {
    "output_text": "text",
    "refusal": "refusal",
    "reasoning_text": "content",
    "summary_text": "summary",
}


class Reader:
    """Reads the events of items."""

    def __init__(self) -> None:
        self._items: dict[int, _Begun] = {}

    def feed(self, type_: str, event: Mapping[str, Any]) -> None:
        """Take an event."""
        name = type_.removeprefix("response.")
        if name in _READ:
            _READ[name](self, event)
            return
        stem, _, what = name.rpartition(".")
        if what == "delta" and stem in _DELTAS:
            member, numbered = _DELTAS[stem]
            begun = self._at(event)
            key = (member, _index(event, numbered))
            begun.pieces.setdefault(key, []).append(read_string(event, "delta"))
            if told := event.get("logprobs"):
                begun.logprobs.append(tuple(read_logprob(entry) for entry in told))
        elif what == "done" and stem in _DELTAS:
            member, numbered = _DELTAS[stem]
            self._whole(event, member, numbered, event.get(_SAID_IN.get(member, member)))
        elif what == "partial_image":
            self._at(event).images.append(read_string(event, "partial_image_b64"))

    def _at(self, event: Mapping[str, Any]) -> _Begun:
        return self._items.setdefault(_index(event, "output_index"), _Begun({}))

    def _item(self, event: Mapping[str, Any]) -> None:
        check_type(dict, event["item"], "item", optional=False)
        self._at(event).json = event["item"]

    def _item_done(self, event: Mapping[str, Any]) -> None:
        self._item(event)
        self._at(event).is_done = True

    def _whole(self, event: Mapping[str, Any], member: str, numbered: str, said: object) -> None:
        """Take a text that is told as a whole, of those who send no deltas."""
        if isinstance(said := as_json_text(said), str) and said:
            self._at(event).wholes[member, _index(event, numbered)] = said

    def _part_done(self, event: Mapping[str, Any]) -> None:
        part = event["part"]
        member = _PARTS.get(str(part.get("type")))
        if member is not None:
            numbered = "summary_index" if member == "summary" else "content_index"
            self._whole(event, member, numbered, part.get(_SAID_IN.get(member, member)))

    def complete(self, output: Sequence[Mapping[str, Any]]) -> None:
        """Take the items that the last event lists, for those that are not whole before it.

        Args:
            output: all items of the response, in order.
        """
        indices = sorted(self._items)
        if len(output) < len(indices):
            return
        for index, item in zip(indices, output, strict=False):
            if not self._items[index].is_done:
                self._items[index].json = item
        after = indices[-1] + 1 if indices else 0
        for index, item in enumerate(output[len(indices) :], after):
            self._items[index] = _Begun(item)

    def _annotation(self, event: Mapping[str, Any]) -> None:
        begun = self._at(event)
        spoken = begun.pieces.get(("text", _index(event, "content_index")), ())
        begun.annotations.append(Annotation(event["annotation"], len(spoken)))

    def output(self) -> list[Output]:
        """The items that have come, in order."""
        return [_read(self._items[index]) for index in sorted(self._items)]


def _index(event: Mapping[str, Any], name: str) -> int:
    """The place that an event states: the first if it states none."""
    check_type(int, index := event.get(name), name)
    return index or 0


_READ: Mapping[str, Callable[[Reader, Mapping[str, Any]], None]] = {
    "output_item.added": Reader._item,
    "output_item.done": Reader._item_done,
    "content_part.done": Reader._part_done,
    "reasoning_summary_part.done": Reader._part_done,
    "output_text.annotation.added": Reader._annotation,
}


def read_item(item: Mapping[str, Any]) -> Output:
    """An item of a body that is no stream."""
    return _read(_Begun(item))


def _read(begun: _Begun) -> Output:
    item = begun.json
    type_ = item.get("type")
    if type_ == "message" or (not item and ("text", 0) in {*begun.pieces, *begun.wholes}):
        return _message(begun)
    if type_ == "reasoning":
        encrypted = item.get("encrypted_content")
        return Reasoning(
            _texts(begun, "summary", item.get("summary") or ()),
            content=_texts(begun, "content", item.get("content") or ()),
            encrypted=encrypted if isinstance(encrypted, str) else None,
        )
    if type_ in ("function_call", "custom_tool_call"):
        custom = type_ == "custom_tool_call"
        said = "input" if custom else "arguments"
        return ToolCall(
            item.get("name") or "?",
            _streamed(begun, said, str(as_json_text(item.get(said) or ""))),
            item.get("call_id") or "",
            custom=custom,
            namespace=item.get("namespace"),
        )
    kind = kind_of(str(type_))
    members = {k: v for k, v in item.items() if k not in ("id", "type")}
    if kind.streamed and isinstance(members.get(kind.streamed), str):
        members[kind.streamed] = _streamed(begun, kind.streamed, members[kind.streamed])
    if begun.images:
        members[PARTIAL] = begun.images
    return Item(str(type_ or "?"), members)


def _streamed(begun: _Begun, member: str, whole: str, at: int = 0) -> Text:
    """A text in the pieces it came in, or as far as it came."""
    pieces = begun.pieces.get((member, at))
    if pieces is None:
        return Text(whole or begun.wholes.get((member, at), ""))
    return Text(join_halves(pieces))


def _texts(begun: _Begun, member: str, parts: Any) -> list[Text]:
    told = {at: part.get("text") or "" for at, part in enumerate(parts)}
    came = {at: "" for name, at in (*begun.pieces, *begun.wholes) if name == member}
    texts = came | told  # an index may be far beyond the others: no gap is filled
    return [_streamed(begun, member, texts[at], at) for at in sorted(texts)]


def _message(begun: _Begun) -> Message:
    parts = list(_parts(begun))
    annotations = tuple(begun.annotations)
    text: list[str] | None = None
    refusal: list[str] | None = None
    logprobs: list[tuple[Logprob, ...]] | None = begun.logprobs or None
    for at, part in parts:
        if part.get("type") == "refusal":
            said = _streamed(begun, "refusal", part.get("refusal") or "", at)
            refusal = (refusal or []) + list(said.pieces)
        elif "text" in part:
            said = _streamed(begun, "text", part.get("text") or "", at)
            text = (text or []) + list(said.pieces)
            if not annotations:
                annotations = tuple(map(Annotation, part.get("annotations") or ()))
            if logprobs is None and part.get("logprobs"):
                logprobs = [(read_logprob(entry),) for entry in part["logprobs"]]
    return Message(
        text,
        refusal=refusal,
        annotations=annotations,
        phase=begun.json.get("phase"),
        logprobs=logprobs,
    )


def _parts(begun: _Begun) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The parts of a message's content, also of one that was broken off."""
    content = begun.json.get("content") or []
    if content:
        yield from enumerate(content)
        return
    for member, at in sorted({*begun.pieces, *begun.wholes}, key=lambda key: (key[1], key[0])):
        yield (
            at,
            {"type": "refusal"} if member == "refusal" else {"type": "output_text", "text": ""},
        )


# Reading back


def read(script: Script) -> Reply | ApiError:
    """What a response says: the reply as far as it goes, or the error it is instead.

    Events that are not JSON objects are passed over.
    """
    if not is_stream(script):
        return decode_body(script, "a response", "output", _read_whole)
    reader, last, error = Reader(), dict[str, Any](), None
    for said, event, number in decode_events(script):
        type_ = str(said.get("type") or event.event or "")
        try:
            reader.feed(type_, said)
            error = _error_of(type_, said)
        except DECODE_ERRORS as wrong:
            raise explain_error(f"event {number} is none of a response", wrong, said) from None
        if isinstance(said.get("response"), dict):
            last = said["response"]
        if error is not None:
            break
    try:
        reader.complete(last.get("output") or ())
        return build_reply(reader.output(), last, error)
    except DECODE_ERRORS as wrong:
        raise explain_error("what the events tell is no response", wrong, last) from None


def _error_of(type_: str, event: Mapping[str, Any]) -> ApiError | None:
    if type_ == "error" and "error" not in event:
        return ApiError(
            500,
            str(event.get("message") or ""),
            code=event.get("code") or "",
            param=event.get("param"),
        )
    return errors.read_error(event)


def build_reply(output: list[Output], response: Mapping[str, Any], error: ApiError | None) -> Reply:
    failed = response.get("error") if response.get("status") == "failed" else None
    if error is None and isinstance(failed, dict):
        error = ApiError(500, str(failed.get("message") or ""), code=failed.get("code") or "")
    status = response.get("status")
    finish: str | None = "auto"
    if error is not None or status not in ("completed", "incomplete"):
        finish = None
    elif status == "incomplete":
        why = (response.get("incomplete_details") or {}).get("reason")
        finish = next((k for k, v in INCOMPLETE.items() if v == why), "length")
    usage = response.get("usage")
    return Reply(
        choices=[Choice(output=output, finish_reason=finish)],
        usage=read_usage(usage) if usages.has_counts(usage) else None,
        error=error,
    )


def _read_whole(value: dict[str, Any]) -> Reply:
    return build_reply([read_item(item) for item in value["output"]], value, None)
