"""Bodies that are not streams: JSON and bytes to send, and JSON to decode.

Rules of this file: the JSON of a response is indented by 2 and ends in a newline, as OpenAI's is.
Large JSON is split into several short calls of msgspec, because each call holds the GIL.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.api import headers
from openai_mockserver.api.disk_bytes import DiskBytes, RawOnDisk
from openai_mockserver.script import Head, Raw, Script

__all__ = [
    "binary_response",
    "copy_plain",
    "decode_json",
    "encode_large",
    "group_values",
    "is_small",
    "json_response",
]


def copy_plain(value: Any, encode: Callable[[Any], bytes] = msgspec.json.encode) -> Any:
    """Return a copy of a JSON value that consists of plain values, with no encoded parts.

    Args:
        value: the value.
        encode: the encoder, if the value contains types that msgspec does not support.
    """
    return decode_json(encode(value))


_LONG = 100_000  # bytes of JSON that one call decodes at most
_ITEMS = 200  # items that one call decodes at most


def decode_json(data: bytes) -> Any:
    """Decode JSON; long JSON in several steps, so that other threads can run in between.

    Raises:
        msgspec.DecodeError, UnicodeError, RecursionError: if the data is not valid JSON.

    >>> decode_json(b'{"a": [1, "b"]}')
    {'a': [1, 'b']}
    """
    return _decode(data if len(data) < _LONG else data.lstrip(), _DEPTH)


_HUGE = 4 << 20  # bytes of JSON that stop all threads for milliseconds while they are scanned
_PAUSE = 0.001  # seconds in which a stream writes its event

_DEPTH = 6  # levels that are decoded one by one: content parts of chat messages are in the fifth


def _decode(data: bytes | msgspec.Raw, depth: int) -> Any:
    view = memoryview(data)
    if len(view) < _LONG or not depth:
        return msgspec.json.decode(data)
    if len(view) > _HUGE:
        time.sleep(_PAUSE)  # the calls before and after this one hold the GIL for long
    first = bytes(view[:1])
    if first == b"{":
        members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        return {name: _decode(raw, depth - 1) for name, raw in members.items()}
    if first == b"[":
        values: list[Any] = []
        for group in _group_raws(msgspec.json.decode(data, type=list[msgspec.Raw])):
            if len(group) == 1:
                values.append(_decode(group[0], depth - 1))
            else:
                values += msgspec.json.decode(b"[%b]" % b",".join(group))
        return values
    if first == b'"' and isinstance(data, msgspec.Raw):  # a Raw is complete: it ends in a quote
        return _decode_text(view)
    return msgspec.json.decode(data)


def _group_raws(raws: list[msgspec.Raw]) -> Iterator[list[msgspec.Raw]]:
    """Group values that are decoded in one call; a long value is a group by itself."""
    group: list[msgspec.Raw] = []
    size = 0
    for raw in raws:
        raw_size = memoryview(raw).nbytes
        if group and (len(group) == _ITEMS or size + raw_size > _LONG):
            yield group
            group, size = [], 0
        group.append(raw)
        size += raw_size
    if group:
        yield group


_SLICE = 1 << 20  # bytes of a string that one call decodes
_NEAR = 1000  # places where a cut is tried
_ESCAPES = 12  # bytes of two escapes that encode one character


def _can_cut(view: memoryview, place: int) -> bool:
    is_within_character = view[place] & 0xC0 == 0x80
    return not is_within_character and 0x5C not in view[place - _ESCAPES : place]


def _decode_text(view: memoryview) -> Any:
    """Decode a long string in slices that split neither an escape nor a character."""
    parts, at, end = [], 1, len(view) - 1
    while at < end:
        target = min(at + _SLICE, end)
        near = range(target, min(target + _NEAR, end))
        cut = next((place for place in near if _can_cut(view, place)), end)
        parts.append(msgspec.json.decode(b'"%b"' % bytes(view[at:cut])))
        at = cut
    if len(view) > _HUGE:
        time.sleep(_PAUSE)
    return "".join(parts)


def json_response(value: Any, rng: Random, varying: Any = None) -> Script:
    """Return a response with a JSON body.

    Args:
        value: the value.
        rng: the source of ids.
        varying: the only part of the value that may be large, if the caller knows it; by default
            the whole value.

    >>> json_response({"a": 1}, Random()).steps[0].data
    b'{\\n  "a": 1\\n}\\n'
    """
    if is_small(value if varying is None else varying):
        body = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
        return Script(Head(200, headers.json_headers(len(body), rng)), (Raw(body),))
    steps = tuple(Raw(block, 0) for block in _join_blocks(_indent_json(value, b"\n")))
    size = sum(len(step.data) for step in steps)
    return Script(Head(200, headers.json_headers(size, rng)), steps)


_FEW = 4000
"""Values that one call encodes at most; 64 bytes of a text count as one value."""

_BLOCK = 1 << 20  # bytes of one step of a large body


def encode_large(value: Any) -> Any:
    """Return the value, encoded if it is large, which takes less memory."""
    return value if is_small(value) else msgspec.Raw(msgspec.json.encode(value))


def is_small(value: Any) -> bool:
    """Whether a JSON value can be encoded within a millisecond."""
    return _subtract_values(value, _FEW) > 0


def _subtract_values(value: Any, budget: int) -> int:
    """Return the budget minus the number of values in this one; 0 or less if it is exceeded."""
    open_values = [value]
    while open_values:
        inner = open_values.pop()
        budget -= 1
        kind = type(inner)
        if kind is str:
            budget -= len(inner) >> 6
        elif kind in _SCALARS:
            continue
        elif kind is dict or kind is list or kind is tuple:
            if len(inner) > budget:
                return 0
            open_values += inner.values() if kind is dict else inner
        elif kind is msgspec.Raw:
            budget -= memoryview(inner).nbytes >> 6
        elif isinstance(inner, (str, bytes)):
            budget -= len(inner) >> 6
        if budget <= 0:
            return budget
    return budget


_SCALARS = frozenset({int, float, bool, type(None)})


def _indent_json(value: Any, newline: bytes) -> Iterator[bytes]:
    """Encode large JSON with indentation, part by part.

    Args:
        value: the value to encode.
        newline: a newline and the indentation of the next line.
    """
    inner_newline = newline + b"  "
    if isinstance(value, dict) and value and all(isinstance(name, str) for name in value):
        start = b"{"
        for name, inner in value.items():
            yield b"%b%b%b: " % (start, inner_newline, msgspec.json.encode(name))
            yield from _indent_json(inner, inner_newline)
            start = b","
        yield newline + b"}"
    elif isinstance(value, list | tuple) and value and not is_small(value):
        start = b"["
        for group in group_values(value):
            yield start
            if len(group) == 1:
                yield inner_newline
                yield from _indent_json(group[0], inner_newline)
            else:
                text = msgspec.json.format(msgspec.json.encode(group), indent=2)
                yield text[1:-2].replace(b"\n", newline)
            start = b","
        yield newline + b"]"
    else:
        yield msgspec.json.format(msgspec.json.encode(value), indent=2).replace(b"\n", newline)


def group_values(values: Sequence[Any]) -> Iterator[list[Any]]:
    """Group values that are encoded in one call; a large value is a group by itself."""
    group: list[Any] = []
    budget = _FEW
    for value in values:
        budget = _subtract_values(value, budget)
        if budget <= 0 and group:
            yield group
            group, budget = [], _subtract_values(value, _FEW)
        group.append(value)
    if group:
        yield group


def _join_blocks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Join the parts, and a final newline, into blocks of about a megabyte."""
    block = bytearray()
    for part in parts:
        block += part
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block) + b"\n"


def binary_response(
    data: bytes | DiskBytes, rng: Random, content_type: str = "application/octet-stream"
) -> Script:
    """Return a response with a body of bytes."""
    head = Head(200, headers.binary_headers(content_type, len(data), rng))
    if isinstance(data, DiskBytes):
        return Script(head, tuple(map(RawOnDisk, data.split())))
    return Script(head, (Raw(data, 0),) if data else ())
