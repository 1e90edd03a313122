"""Whole bodies, which are no streams: a JSON value, or bytes; and JSON that comes, decoded.

Rules of this file: a response's JSON is laid out as OpenAI's, indented by 2 and with a line's end.
No single call takes long for large JSON, since no other thread has a turn meanwhile.
"""

from __future__ import annotations

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
    """A copy of a JSON value, of plain values only and with nothing encoded in it.

    Args:
        value: the value.
        encode: what encodes it, if it holds what msgspec does not know.
    """
    return decode_json(encode(value))


_LONG = 100_000  # bytes of JSON that take a while to decode
_ITEMS = 200


def decode_json(data: bytes) -> Any:
    """The value that JSON means; what is long in it by and by, so that others go on.

    Raises `msgspec.DecodeError`, UnicodeError or RecursionError where it is none.

    >>> decode_json(b'{"a": [1, "b"]}')
    {'a': [1, 'b']}
    """
    return _decode(data if len(data) < _LONG else data.lstrip(), _DEPTH)


_DEPTH = 6  # levels that are taken apart: a chat's part of a message's content is in the fifth


def _decode(data: bytes | msgspec.Raw, depth: int) -> Any:
    view = memoryview(data)
    if len(view) < _LONG or not depth:
        return msgspec.json.decode(data)
    first = bytes(view[:1])
    if first == b"{":
        members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        return {name: _decode(raw, depth - 1) for name, raw in members.items()}
    if first == b"[":
        values: list[Any] = []
        for several in _group_raws(msgspec.json.decode(data, type=list[msgspec.Raw])):
            if len(several) == 1:
                values.append(_decode(several[0], depth - 1))
            else:
                values += msgspec.json.decode(b"[%b]" % b",".join(several))
        return values
    if first == b'"' and isinstance(data, msgspec.Raw):  # which is known to end in one, too
        return _decode_text(view)
    return msgspec.json.decode(data)


def _group_raws(raws: list[msgspec.Raw]) -> Iterator[list[msgspec.Raw]]:
    """Values in groups that are decoded at once; what is long is alone."""
    group: list[msgspec.Raw] = []
    size = 0
    for raw in raws:
        own = memoryview(raw).nbytes
        if group and (len(group) == _ITEMS or size + own > _LONG):
            yield group
            group, size = [], 0
        group.append(raw)
        size += own
    if group:
        yield group


_SLICE = 1 << 20
_NEAR = 1000  # places that are tried
_ESCAPES = 12  # bytes of two escapes that mean one character


def _can_cut(view: memoryview, place: int) -> bool:
    is_within_character = view[place] & 0xC0 == 0x80
    return not is_within_character and 0x5C not in view[place - _ESCAPES : place]


def _decode_text(view: memoryview) -> Any:
    """A long string, cut where no escape and no character is."""
    parts, at, end = [], 1, len(view) - 1
    while at < end:
        wanted = min(at + _SLICE, end)
        near = range(wanted, min(wanted + _NEAR, end))
        cut = next((place for place in near if _can_cut(view, place)), end)
        parts.append(msgspec.json.decode(b'"%b"' % bytes(view[at:cut])))
        at = cut
    return "".join(parts)


def json_response(value: Any, rng: Random, varying: Any = None) -> Script:
    """A JSON body.

    Args:
        value: the value.
        rng: where ids come from.
        varying: the part of the value that may be large, if the rest never is.

    >>> json_response({"a": 1}, Random()).steps[0].data
    b'{\\n  "a": 1\\n}\\n'
    """
    if is_small(value if varying is None else varying):
        body = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
        return Script(Head(200, headers.json_headers(len(body), rng)), (Raw(body),))
    steps = tuple(Raw(block, 0) for block in _join_blocks(_lay_out(value, b"\n")))
    size = sum(len(step.data) for step in steps)
    return Script(Head(200, headers.json_headers(size, rng)), steps)


_FEW = 4000
"""Values that are encoded at once, and 64 bytes of a text count as one."""

_BLOCK = 1 << 20


def encode_large(value: Any) -> Any:
    """A value that is encoded already if it is large, so that it takes less memory."""
    return value if is_small(value) else msgspec.Raw(msgspec.json.encode(value))


def is_small(value: Any) -> bool:
    """Whether a JSON value is encoded within a millisecond."""
    return _count_left(value, _FEW) > 0


def _count_left(value: Any, left: int) -> int:
    """What is left of so many values; 0 or less if these are more."""
    open_values = [value]
    while open_values:
        one = open_values.pop()
        left -= 1
        kind = type(one)
        if kind is str:
            left -= len(one) >> 6
        elif kind in _SCALARS:
            continue
        elif kind is dict or kind is list or kind is tuple:
            if len(one) > left:
                return 0
            open_values += one.values() if kind is dict else one
        elif kind is msgspec.Raw:
            left -= memoryview(one).nbytes >> 6
        elif isinstance(one, (str, bytes)):
            left -= len(one) >> 6
        if left <= 0:
            return left
    return left


_SCALARS = frozenset({int, float, bool, type(None)})


def _lay_out(value: Any, line: bytes) -> Iterator[bytes]:
    """Large JSON, indented, in parts.

    Args:
        value: what is encoded.
        line: the end of a line, and how far the next one is indented.
    """
    inside = line + b"  "
    if isinstance(value, dict) and value and all(isinstance(name, str) for name in value):
        start = b"{"
        for name, inner in value.items():
            yield b"%b%b%b: " % (start, inside, msgspec.json.encode(name))
            yield from _lay_out(inner, inside)
            start = b","
        yield line + b"}"
    elif isinstance(value, list | tuple) and value and not is_small(value):
        start = b"["
        for several in group_values(value):
            yield start
            if len(several) == 1:
                yield inside
                yield from _lay_out(several[0], inside)
            else:
                laid_out = msgspec.json.format(msgspec.json.encode(several), indent=2)
                yield laid_out[1:-2].replace(b"\n", line)
            start = b","
        yield line + b"]"
    else:
        yield msgspec.json.format(msgspec.json.encode(value), indent=2).replace(b"\n", line)


def group_values(values: Sequence[Any]) -> Iterator[list[Any]]:
    """Values in groups that are encoded at once; what is large is alone."""
    group: list[Any] = []
    left = _FEW
    for value in values:
        left = _count_left(value, left)
        if left <= 0 and group:
            yield group
            group, left = [], _count_left(value, _FEW)
        group.append(value)
    if group:
        yield group


def _join_blocks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, and a line's end, in blocks of about a megabyte."""
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
    """A body of bytes."""
    sent = headers.binary_headers(content_type, len(data), rng)
    if isinstance(data, DiskBytes):
        return Script(Head(200, sent), tuple(map(RawOnDisk, data.split())))
    return Script(Head(200, sent), (Raw(data, 0),) if data else ())
