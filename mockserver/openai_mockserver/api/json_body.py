"""Whole bodies, which are no streams: a JSON value, or bytes; and JSON that comes, decoded.

Rules of this file: a response's JSON is laid out as OpenAI's, indented by 2 and with a line's end.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.api import headers
from openai_mockserver.api.disk_bytes import DiskBytes, RawOnDisk
from openai_mockserver.script import Head, Raw, Script

__all__ = ["binary_response", "decode_json", "json_response"]

_LONG = 100_000  # bytes of JSON that take a while to decode
_ITEMS = 200


def decode_json(data: bytes) -> Any:
    """The value that JSON means; long arrays in its members by and by, so that others go on.

    Raises `msgspec.DecodeError`, UnicodeError or RecursionError where it is none.

    >>> decode_json(b'{"a": [1, "b"]}')
    {'a': [1, 'b']}
    """
    if len(data) < _LONG:
        return msgspec.json.decode(data)
    if data.lstrip()[:1] == b"{":
        members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        return {name: _decode_member(bytes(raw)) for name, raw in members.items()}
    return _decode_member(data)


def _decode_member(data: bytes) -> Any:
    if len(data) < _LONG or data.lstrip()[:1] != b"[":
        return msgspec.json.decode(data)
    raws = msgspec.json.decode(data, type=list[msgspec.Raw])
    values: list[Any] = []
    for at in range(0, len(raws), _ITEMS):
        values += msgspec.json.decode(b"[%b]" % b",".join(raws[at : at + _ITEMS]))
    return values


def json_response(value: Any, rng: Random) -> Script:
    """A JSON body.

    >>> json_response({"a": 1}, Random()).steps[0].data
    b'{\\n  "a": 1\\n}\\n'
    """
    body = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    return Script(Head(200, headers.json_headers(len(body), rng)), (Raw(body),))


def binary_response(
    data: bytes | DiskBytes, rng: Random, content_type: str = "application/octet-stream"
) -> Script:
    """A body of bytes."""
    sent = headers.binary_headers(content_type, len(data), rng)
    if isinstance(data, DiskBytes):
        return Script(Head(200, sent), tuple(map(RawOnDisk, data.split())))
    return Script(Head(200, sent), (Raw(data, 0),) if data else ())
