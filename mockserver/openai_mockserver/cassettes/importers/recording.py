"""What every format states of a recorded exchange: a body, headers, a status, the request.

Rules of this file: a body keeps every byte, except for a compression that can be undone.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.bounded_input import MOST_UNPACKED, InputProblem, is_deeper, unpack

Pairs = tuple[tuple[str, str], ...]

STREAM_HEAD: Pairs = (
    ("Content-Type", "text/event-stream; charset=utf-8"),
    ("Transfer-Encoding", "chunked"),
)
"""The head of a stream of which only the body was recorded."""


ImportProblem = InputProblem
"""What is wrong with a file, without its name."""


@dataclass(frozen=True)
class Recorded:
    """What every format says of an exchange."""

    body: bytes
    headers: Pairs
    status: int = 200
    request: dict[str, Any] | None = None


GZIP = b"\x1f\x8b"


# Bodies and headers


def body_bytes(body: Any) -> bytes:
    """A body as cassettes write it: text, bytes, nothing, or a mapping that holds one of them."""
    if isinstance(body, Mapping):
        if "base64_string" in body:
            return decode_base64(str(body["base64_string"]))
        return _encoded(body.get("string"), body.get("encoding"))
    return _encoded(body, None)


# Of these names of Ruby's, text that is in a cassette is UTF-8.
_UTF8 = (None, "", "UTF-8", "ASCII-8BIT", "US-ASCII")


def _encoded(body: Any, encoding: Any) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    if not isinstance(body, str):
        raise ImportProblem(f"a body is text or bytes, not {type(body).__name__}")
    if encoding not in _UTF8:
        with suppress(LookupError, UnicodeError):
            return body.encode(str(encoding))
    return body.encode()


def decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImportProblem(f"a body is not base64: {error}") from None


def decompress(body: bytes) -> bytes | None:
    """What a compressed body says, or nothing where it is not compressed, or not wholly there.

    Its first bytes tell; of recordings, content-encoding often says what was and is no more.
    """
    is_zlib = body[:1] == b"\x78" and int.from_bytes(body[:2], "big") % 31 == 0  # RFC 1950
    if not is_zlib and not body.startswith(GZIP):
        return None
    room = _room.get()
    try:
        plain = unpack(body, room[0])
    except (EOFError, zlib.error):
        return None
    except InputProblem:
        raise ImportProblem(
            f"its compressed bodies unpack to more than {MOST_UNPACKED // 2**20} MiB"
        ) from None
    room[0] -= len(plain)
    return plain


# How many bytes the bodies of the file that is read may yet unpack to.
_room: ContextVar[list[int]] = ContextVar("_room")


@contextmanager
def bounded_unpacking() -> Iterator[None]:
    """Bound what all bodies of one file unpack to."""
    token = _room.set([MOST_UNPACKED])
    try:
        yield
    finally:
        _room.reset(token)


def header_pairs(headers: Any) -> Pairs:
    """Headers in their order, from a mapping to values or lists of them, or from pairs."""
    items = headers.items() if isinstance(headers, Mapping) else headers or ()
    found: list[tuple[str, str]] = []
    for item in items:
        name, values = (item.get("name"), item.get("value")) if isinstance(item, Mapping) else item
        for value in values if isinstance(values, list | tuple) else [values]:
            # Browsers join the values of one name with line ends.
            found += [(_header_text(name), line.strip("\r")) for line in _lines_of(value)]
    return tuple(found)


def _lines_of(value: Any) -> list[str]:
    return _header_text(value).split("\n")


def _header_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return "" if value is None else str(value)


def request_json(method: str, url: str, headers: Pairs, body: bytes) -> dict[str, Any]:
    """A request for the head line: its body is ``json`` where it is an object or a list.

    What is nested as no request is stays text.
    """
    inflated = decompress(body)
    said = body_json(body if inflated is None else inflated)
    return {"method": method.upper(), "url": url, "headers": [list(h) for h in headers], **said}


# A body of more stays text: as values it would take many times its size.
_MOST_VALUES = 4_000_000


def body_json(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    if body.count(b",") + body.count(b"[") + body.count(b"{") < _MOST_VALUES:
        with suppress(msgspec.DecodeError, UnicodeError, RecursionError):
            value = msgspec.json.decode(body)
            if isinstance(value, dict | list) and not is_deeper(value):
                return {"json": value}
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def checked_pairs(headers: Any) -> Pairs:
    try:
        return header_pairs(headers)
    except (TypeError, ValueError):
        raise ImportProblem(f"these are no headers: {str(headers)[:80]}") from None


def check_status(status: int) -> int:
    if not 100 <= status <= 999:
        raise ImportProblem(f"{status} is no status of HTTP")
    return status
