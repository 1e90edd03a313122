"""Chunks, one a line: JSON lines, and the ``.chunks.txt`` of Vercel's AI SDK."""

from __future__ import annotations

from typing import Any

import msgspec
import msgspec.json

from openai_mockserver import sse
from openai_mockserver.cassettes.importers.exchange import FIELD
from openai_mockserver.cassettes.importers.file import BOM, RecordedFile
from openai_mockserver.cassettes.importers.recording import STREAM_HEAD, ImportProblem, Recorded
from openai_mockserver.cassettes.stream_file import is_json
from openai_mockserver.script import Event

# Chunks, a line each


_CHUNK = {"choices", "chunk", "data", "error", "object", "type"}
_WHOLE = ("chat.completion", "response", "list")


class _Wrapper(msgspec.Struct):
    chunk: msgspec.Raw = msgspec.Raw()
    data: msgspec.Raw = msgspec.Raw()
    event: str | None = None


_wrapper_decoder = msgspec.json.Decoder(_Wrapper)


def has_chunks(file: RecordedFile) -> bool:
    """Whether the first line is a chunk, or text that holds one."""
    line = file.lines[0][1]
    if line.startswith(b"data:"):  # events without blank lines; one alone may be one cut off
        return len(file.lines) > 1 or is_json(line.removeprefix(b"data:"))
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError):
        return False
    if isinstance(value, str):
        return FIELD.match(value.encode()) is not None
    return isinstance(value, dict) and bool(_CHUNK & set(value)) and _is_part(value)


def _is_part(value: dict[str, Any]) -> bool:
    """A whole answer on one line is no chunk."""
    return value.get("object") not in _WHOLE


def has_named_chunks(file: RecordedFile) -> bool:
    return file.path.name.lower().endswith(".chunks.txt") and has_chunks(file)


def has_array(file: RecordedFile) -> bool:
    """Whether this is one list of chunks, or of texts that hold them."""
    if not isinstance(file.document, list) or not file.document:
        return False
    return all(
        FIELD.match(one.encode("utf-8", "replace"))
        if isinstance(one, str)
        else isinstance(one, dict) and bool(_CHUNK & set(one)) and _is_part(one)
        for one in file.document
    )


def read_array(file: RecordedFile) -> list[Recorded]:
    # Each as it is written, with its numbers and its order of members.
    lines = msgspec.json.decode(file.content.removeprefix(BOM), type=list[msgspec.Raw])
    body: list[bytes] = []
    for number, line in enumerate(lines, 1):
        try:
            body.append(_line_event(_on_one_line(bytes(line))))
        except (msgspec.DecodeError, ValueError) as error:
            raise ImportProblem(f"entry {number} is wrong: {error}") from None
    return [Recorded(b"".join(body), STREAM_HEAD)]


def _on_one_line(line: bytes) -> bytes:
    """Without the layout between members, if there is any; what is within a text stays."""
    return msgspec.json.format(line, indent=-1) if b"\n" in line else line


def read_chunks(file: RecordedFile) -> list[Recorded]:
    body: list[bytes] = []
    for number, line in file.lines:
        try:
            body.append(_line_event(line))
        except (msgspec.DecodeError, ValueError) as error:
            raise ImportProblem(f"line {number} is wrong: {error}") from None
    return [Recorded(b"".join(body), STREAM_HEAD)]


def _line_event(line: bytes) -> bytes:
    """The bytes of the event that a line stands for."""
    if line == b"[DONE]" or line.startswith(b"data:"):
        return _text_event(line.decode(), None)
    value = msgspec.json.decode(line)
    if isinstance(value, dict) and "choices" not in value and {"chunk", "data"} & set(value):
        wrapper = _wrapper_decoder.decode(line)
        inner = bytes(wrapper.chunk) or bytes(wrapper.data)
        value = msgspec.json.decode(inner)
        return _payload_event(value, inner.decode(), wrapper.event)
    return _payload_event(value, line.decode(), None)


def _payload_event(value: Any, text: str, event: str | None) -> bytes:
    if isinstance(value, str):
        return _text_event(value, event)
    if not isinstance(value, dict):
        raise ValueError(f"this is no chunk: {text[:40]}")
    return sse.encode(Event(text, event or _event_name(value)))


def _event_name(payload: dict[str, Any]) -> str | None:
    """The Responses API names each event by its type, its errors and keep-alives too."""
    kind = payload.get("type")
    if not isinstance(kind, str):
        return None
    return kind if kind.startswith("response.") or "sequence_number" in payload else None


def _text_event(text: str, event: str | None) -> bytes:
    """Text is an event's fields, or else its data."""
    if not FIELD.match(text.encode()):
        return sse.encode(Event(text, event))
    whole = text.endswith(("\n\n", "\r\n\r\n", "\r\r"))
    return (text if whole else text.rstrip("\r\n") + "\n\n").encode()
