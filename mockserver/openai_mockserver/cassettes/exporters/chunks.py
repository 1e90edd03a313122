r"""JSON lines: one chunk on each line, in a file for each exchange.

A line is the data of an event, if that is a chunk. Whatever is not one becomes a line with a JSON
string that contains its bytes, such as ``"[DONE]"`` or ``": keep-alive\n\n"``, so that no byte is
lost. A chunk whose event has another name than its type is ``{"event": …, "data": …}``.

Rules of this file: the import of JSON lines reads each line as exactly the bytes it was made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver import sse
from openai_mockserver.cassettes.exporters.event_stream import select_streams
from openai_mockserver.cassettes.exporters.recording import (
    Export,
    ExportProblem,
    add_number,
    decode_response,
)
from openai_mockserver.cassettes.importers.chunks import find_event_name
from openai_mockserver.cassettes.importers.exchange import FIELD
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.script import Event, Raw, Step

__all__ = ["write_chunks"]


def write_chunks(exchanges: Sequence[Exchange], stem: str) -> Export:
    """Write the chunks of the event streams."""
    streams, notes = select_streams(exchanges)
    files, unfinished = {}, []
    for number, exchange in streams:
        lines, rest = _split_lines(decode_response(exchange)[0])
        files[f"{add_number(stem, number)}.chunks.jsonl"] = b"".join(lines)
        if rest:
            unfinished.append(
                f"exchange {number} has bytes that JSON lines cannot express; they are left out"
            )
    return Export(files, (*notes, *unfinished))


def _split_lines(body: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines, and the bytes that no line can express.

    The import recognizes a string by its first field, and completes its last line. So a block that
    begins with anything else belongs to the line before it; blank lines at the beginning belong to
    the first one.
    """
    parts: list[tuple[bytes, bytes | None]] = []  # the bytes, and the line of a chunk
    pending = lost = b""
    for step in sse.parse(body):
        block = pending + sse.encode(step)
        is_whole = block.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))
        pending = b""
        if is_whole and FIELD.match(block):
            parts.append((block, _write_chunk(step) if block == sse.encode(step) else None))
        elif is_whole and parts:
            parts[-1] = (parts[-1][0] + block, None)
        elif is_whole and block.strip(b"\r\n"):
            lost += block
        else:
            pending = block
    lines = [_write_text(block) if line is None else line for block, line in parts]
    return lines, lost + pending.strip(b"\r\n")


def _write_text(text: bytes) -> bytes:
    if text == b"data: [DONE]\n\n":
        return b'"[DONE]"\n'
    try:
        return msgspec.json.encode(text.decode()) + b"\n"
    except UnicodeDecodeError:
        raise ExportProblem("it is not UTF-8 text, which JSON lines need") from None


def _write_chunk(step: Step) -> bytes | None:
    """Return the line of an event whose data is a chunk; None for anything else."""
    if isinstance(step, Raw) or not isinstance(step, Event):
        return None
    value = _decode_object(step.data)
    if value is None or step.id is not None or step.retry is not None:
        return None
    if step.event == find_event_name(value) and _is_chunk(value):
        return step.data.encode() + b"\n"
    if step.event is None:
        return None
    name = msgspec.json.encode(step.event)
    return b'{"event":%b,"data":%b}\n' % (name, step.data.encode())


# The import takes an object with one of these for a wrapper, unless it has choices.
_WRAPPED = {"chunk", "data"}
# It recognizes JSON lines by the first of them.
_RECOGNIZED = {"choices", "error", "object", "type"}
_COMPLETE = ("chat.completion", "response", "list")


def _is_chunk(value: dict[str, Any]) -> bool:
    if "choices" not in value and _WRAPPED & value.keys():
        return False
    return bool(_RECOGNIZED & value.keys()) and value.get("object") not in _COMPLETE


def _decode_object(data: str) -> dict[str, Any] | None:
    """Return the JSON object in an event's data; None if a line cannot hold it as it is."""
    if "\n" in data or data != data.strip():
        return None
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
