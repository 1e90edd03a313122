"""The parts that every format records of an exchange: body, headers, status and request.

Rules of this file: a body keeps every byte; only a compressed one is decompressed if possible.
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import msgspec.json

from openai_mockserver import script
from openai_mockserver.bounded_input import MOST_UNPACKED, InputProblem, is_deeper, unpack

Pairs = tuple[tuple[str, str], ...]

STREAM_HEAD: Pairs = script.STREAM_HEAD.headers
"""The headers for a stream whose recording has only the body."""


ImportProblem = InputProblem
"""Raised with a sentence that says what is wrong with a file, without its name."""


HAS_SESSION = (
    "it contains a WebSocket session: `serve` and replay_sessions() replay it, and `show` draws it"
)
"""What is wrong with a recording of a WebSocket: an exchange is one response to one request."""


@dataclass(frozen=True)
class RecordedExchange:
    """An exchange as every format records it.

    Args:
        body: the body of the response.
        headers: the headers of the response.
        status: the status of the response.
        request: the request, as a head line has it.
        delay: seconds before the response.
        duration: seconds over which the body is spread.
        frames: the reads of the body, each with the seconds before it, if they are known.
        note: what the description adds to the name of the format.
    """

    body: bytes
    headers: Pairs
    status: int = 200
    request: dict[str, Any] | None = None
    delay: float = 0.0
    duration: float = 0.0
    frames: tuple[tuple[float, bytes], ...] = ()
    note: str = ""


GZIP = b"\x1f\x8b"


# Entries


Entry = TypeVar("Entry")


def convert_entries(
    entries: Sequence[Entry], convert: Callable[[Entry], RecordedExchange]
) -> list[RecordedExchange]:
    """Convert the entries of a file; if one of several is invalid, the error has its number."""
    exchanges: list[RecordedExchange] = []
    for number, entry in enumerate(entries, 1):
        try:
            exchanges.append(convert(entry))
        except ImportProblem as error:
            if len(entries) == 1:
                raise
            raise ImportProblem(f"entry {number} is invalid: {error}") from None
    return exchanges


# Bodies and headers


def encode_value(value: msgspec.Raw) -> bytes:
    """Return a body that a tool has stored as a JSON value: text, or any other value as JSON.

    The JSON is compact, as the tools replay it, and its numbers and strings keep their spelling.
    """
    text = bytes(value)
    if text in (b"", b"null"):
        return b""
    if text.startswith(b'"'):
        return msgspec.json.decode(text, type=str).encode()
    return msgspec.json.format(text, indent=-1)


def encode_json(value: Any) -> bytes:
    """Encode a value as compact JSON. Raises ImportProblem if that is impossible."""
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError) as error:
        raise ImportProblem(f"a body cannot be encoded as JSON: {error}") from None


def decode_hex(text: str) -> bytes:
    """Decode hexadecimal digits. Raises ImportProblem."""
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise ImportProblem(f"a body is not valid hex: {error}") from None


def read_milliseconds(number: float | None) -> float:
    """Return a time in seconds; 0 if it is missing or no time."""
    return number / 1000 if number is not None and 0 < number < math.inf else 0.0


def read_body(body: Any) -> bytes:
    """Return the bytes of a cassette's body: text, bytes, None, or a mapping with one of them."""
    if isinstance(body, Mapping):
        if "base64_string" in body:
            return decode_base64(str(body["base64_string"]))
        return _encode_body(body.get("string"), body.get("encoding"))
    return _encode_body(body, None)


# Ruby's names of encodings for which a cassette's text is UTF-8.
_UTF8 = (None, "", "UTF-8", "ASCII-8BIT", "US-ASCII")


def _encode_body(body: Any, encoding: Any) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    if not isinstance(body, str):
        raise ImportProblem(f"a body must be text or bytes, not {type(body).__name__}")
    if encoding not in _UTF8:
        with suppress(LookupError, UnicodeError):
            return body.encode(str(encoding))
    return body.encode()


def decode_base64(text: str) -> bytes:
    """Decode base64 with any white space. Raises ImportProblem."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImportProblem(f"a body is not valid base64: {error}") from None


def decompress(body: bytes) -> bytes | None:
    """Decompress a body; None if it is not compressed, or not complete.

    The first bytes decide, because the content-encoding of a recording is often out of date.
    """
    is_zlib = body[:1] == b"\x78" and int.from_bytes(body[:2], "big") % 31 == 0  # RFC 1950
    if not is_zlib and not body.startswith(GZIP):
        return None
    room = _unpacking_room.get()
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


# Bytes to which the remaining bodies of the current file may still unpack.
_unpacking_room: ContextVar[list[int]] = ContextVar("_room")


@contextmanager
def limit_unpacking() -> Iterator[None]:
    """Limit the unpacked size of all bodies of one file."""
    token = _unpacking_room.set([MOST_UNPACKED])
    try:
        yield
    finally:
        _unpacking_room.reset(token)


def read_headers(headers: Any) -> Pairs:
    """Return headers as pairs, in order, from pairs or from a mapping to values or to lists."""
    items = headers.items() if isinstance(headers, Mapping) else headers or ()
    pairs: list[tuple[str, str]] = []
    for item in items:
        name, values = (item.get("name"), item.get("value")) if isinstance(item, Mapping) else item
        for value in values if isinstance(values, list | tuple) else [values]:
            # Browsers join several values of one name with line ends.
            pairs += [(_read_header_text(name), line.strip("\r")) for line in _split_lines(value)]
    return tuple(pairs)


def _split_lines(value: Any) -> list[str]:
    return _read_header_text(value).split("\n")


def _read_header_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return "" if value is None else str(value)


def build_request(method: str, url: str, headers: Pairs, body: bytes) -> dict[str, Any]:
    """Return a request as a head line has it; a body that is a JSON object or list is ``json``.

    JSON that is nested too deeply stays text.
    """
    decoded_body = decompress(body)
    content = describe_body(body if decoded_body is None else decoded_body)
    return {"method": method.upper(), "url": url, "headers": [list(h) for h in headers], **content}


# A body with more values stays text, because decoded it would take many times its size.
_MOST_VALUES = 4_000_000


def describe_body(body: bytes) -> dict[str, Any]:
    """Return a body as a head line has it: ``json``, ``text``, ``base64``, or nothing."""
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


def has_coding(headers: Pairs) -> bool:
    """Return whether the headers name a content coding."""
    return any(name.lower() == "content-encoding" and value for name, value in headers)


def get_media_type(headers: Pairs) -> str:
    """Return the content type in lower case, without parameters; "" if there is none."""
    value = next((value for name, value in headers if name.lower() == "content-type"), "")
    return value.partition(";")[0].strip().lower()


def check_headers(headers: Any) -> Pairs:
    """Read headers as `read_headers` does. Raises ImportProblem if they have another shape."""
    try:
        return read_headers(headers)
    except (TypeError, ValueError):
        raise ImportProblem(
            f"headers must be pairs of names and values, not {str(headers)[:80]}"
        ) from None


def check_status(status: int) -> int:
    """Return an HTTP status. Raises ImportProblem if it is out of range."""
    if not 100 <= status <= 999:
        raise ImportProblem(f"{status} is not an HTTP status")
    return status
