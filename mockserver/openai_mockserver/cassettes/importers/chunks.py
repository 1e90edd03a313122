"""Chunks, one on each line: JSON lines, and the ``.chunks.txt`` files of Vercel's AI SDK."""

from __future__ import annotations

from typing import Any

import msgspec
import msgspec.json

from openai_mockserver import sse
from openai_mockserver.cassettes.importers.exchange import FIELD
from openai_mockserver.cassettes.importers.file import BOM, RecordedFile
from openai_mockserver.cassettes.importers.recording import (
    STREAM_HEAD,
    ImportProblem,
    RecordedExchange,
    read_milliseconds,
)
from openai_mockserver.cassettes.stream_file import is_json
from openai_mockserver.script import Event

_CHUNK_MEMBERS = {"choices", "chunk", "data", "error", "object", "type"}
_COMPLETE_OBJECTS = ("chat.completion", "response", "list")


class _Wrapper(msgspec.Struct):
    chunk: msgspec.Raw = msgspec.Raw()
    data: msgspec.Raw = msgspec.Raw()
    event: str | None = None


class _Simulated(msgspec.Struct, rename="camel"):
    chunks: list[msgspec.Raw] = []
    initial_delay_in_ms: Any = None
    chunk_delay_in_ms: Any = None


_SIMULATED = set(_Simulated.__struct_encode_fields__)

_wrapper_decoder = msgspec.json.Decoder(_Wrapper)


def has_chunks(file: RecordedFile) -> bool:
    """Return whether the first line is a chunk, or a JSON string that contains one."""
    line = file.lines[0][1]
    if line.startswith(b"data:"):  # events without blank lines; a single one may be cut off
        return len(file.lines) > 1 or is_json(line.removeprefix(b"data:"))
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError):
        return False
    if isinstance(value, str):
        return FIELD.match(value.encode()) is not None
    return isinstance(value, dict) and bool(_CHUNK_MEMBERS & set(value)) and _is_chunk(value)


def _is_chunk(value: dict[str, Any]) -> bool:
    """Return whether an object is a chunk and not a complete answer on one line."""
    return value.get("object") not in _COMPLETE_OBJECTS


def has_named_chunks(file: RecordedFile) -> bool:
    """Return whether the file has the name and content of the AI SDK's chunks."""
    return file.path.name.lower().endswith(".chunks.txt") and has_chunks(file)


def has_array(file: RecordedFile) -> bool:
    """Return whether the file is a JSON array of chunks, or of strings that contain them.

    It may be the ``chunks`` of an object, as `simulateReadableStream` of the AI SDK takes it.
    """
    document = file.document
    if isinstance(document, dict) and document.keys() <= _SIMULATED:
        document = document.get("chunks")
    if not isinstance(document, list) or not document:
        return False
    return all(
        FIELD.match(one.encode("utf-8", "replace"))
        if isinstance(one, str)
        else isinstance(one, dict) and bool(_CHUNK_MEMBERS & set(one)) and _is_chunk(one)
        for one in document
    )


def read_array(file: RecordedFile) -> list[RecordedExchange]:
    """Read a JSON array of chunks as one stream."""
    # Each chunk keeps the spelling of its numbers and the order of its members.
    content = file.content.removeprefix(BOM)
    simulated = _Simulated()
    if isinstance(file.document, dict):
        simulated = msgspec.json.decode(content, type=_Simulated)
        lines = simulated.chunks
    else:
        lines = msgspec.json.decode(content, type=list[msgspec.Raw])
    body: list[bytes] = []
    for number, line in enumerate(lines, 1):
        try:
            body.append(_encode_line(_remove_layout(bytes(line))))
        except (msgspec.DecodeError, ValueError) as error:
            raise ImportProblem(f"entry {number} is invalid: {error}") from None
    delay = read_milliseconds(_read_number(simulated.initial_delay_in_ms))
    pause = read_milliseconds(_read_number(simulated.chunk_delay_in_ms))
    return [RecordedExchange(b"".join(body), STREAM_HEAD, delay=delay, duration=pause * len(body))]


def _read_number(value: Any) -> float | None:
    return value if isinstance(value, int | float) else None


def _remove_layout(line: bytes) -> bytes:
    """Remove line breaks and indentation between members; strings stay as they are."""
    return msgspec.json.format(line, indent=-1) if b"\n" in line else line


def read_chunks(file: RecordedFile) -> list[RecordedExchange]:
    """Read chunks on lines as one stream."""
    body: list[bytes] = []
    for number, line in file.lines:
        try:
            body.append(_encode_line(line))
        except (msgspec.DecodeError, ValueError) as error:
            raise ImportProblem(f"line {number} is invalid: {error}") from None
    return [RecordedExchange(b"".join(body), STREAM_HEAD)]


def _encode_line(line: bytes) -> bytes:
    """Return the bytes of the event on a line."""
    if line == b"[DONE]" or line.startswith(b"data:"):
        return _encode_text(line.decode(), None)
    value = msgspec.json.decode(line)
    if isinstance(value, dict) and "choices" not in value and {"chunk", "data"} & set(value):
        wrapper = _wrapper_decoder.decode(line)
        inner = bytes(wrapper.chunk) or bytes(wrapper.data)
        value = msgspec.json.decode(inner)
        return _encode_payload(value, inner.decode(), wrapper.event)
    return _encode_payload(value, line.decode(), None)


def _encode_payload(value: Any, text: str, event: str | None) -> bytes:
    if isinstance(value, str):
        return _encode_text(value, event)
    if not isinstance(value, dict):
        raise ValueError(f"not a chunk: {text[:40]}")
    return sse.encode(Event(text, event or find_event_name(value)))


def find_event_name(payload: dict[str, Any]) -> str | None:
    """Return the event name: the Responses API names every event by its type."""
    kind = payload.get("type")
    if not isinstance(kind, str):
        return None
    return kind if kind.startswith("response.") or "sequence_number" in payload else None


def _encode_text(text: str, event: str | None) -> bytes:
    """Return the bytes of an event from its fields, or from its data alone."""
    if not FIELD.match(text.encode()):
        return sse.encode(Event(text, event))
    is_complete = text.endswith(("\n\n", "\r\n\r\n", "\r\r"))
    return (text if is_complete else text.rstrip("\r\n") + "\n\n").encode()
