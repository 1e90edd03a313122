"""Cassettes of Braintrust's seinfeld (``.cassette.json``): a body says of which kind it is."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from openai_mockserver.cassettes.importers.file import RecordedFile, decode_content, has_keys
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    convert_entries,
    decode_base64,
    encode_value,
)


class _Body(msgspec.Struct):
    kind: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    chunks: list[str] = []


class _Request(msgspec.Struct):
    method: str
    url: str
    headers: Any = None
    body: _Body | None = None


class _Response(msgspec.Struct):
    status: int
    headers: Any = None
    body: _Body | None = None


class _Entry(msgspec.Struct):
    request: _Request
    response: _Response


class _Cassette(msgspec.Struct):
    entries: list[_Entry]


def is_seinfeld(file: RecordedFile) -> bool:
    """Return whether the entries of the file have a request and a response."""
    entries = file.document.get("entries") if has_keys("entries")(file) else None
    if not isinstance(entries, list):
        return False
    first = entries[0] if entries else {"request": None, "response": None}
    return isinstance(first, dict) and {"request", "response"} <= first.keys()


def read_seinfeld(file: RecordedFile) -> list[RecordedExchange]:
    """Read a cassette of seinfeld."""
    return convert_entries(decode_content(file, _Cassette).entries, _convert_entry)


def _convert_entry(entry: _Entry) -> RecordedExchange:
    request, response = entry.request, entry.response
    built_request = build_request(
        request.method, request.url, check_headers(request.headers), _decode_body(request.body)
    )
    return RecordedExchange(
        _decode_body(response.body),
        check_headers(response.headers),
        check_status(response.status),
        built_request,
    )


def _decode_body(body: _Body | None) -> bytes:
    """Return the bytes of a body."""
    if body is None or body.kind in ("empty", "none"):
        return b""
    if body.kind == "sse":
        return _join_chunks(body.chunks).encode()
    if body.kind in ("json", "text"):
        return _encode_value(body)
    if body.kind == "base64":
        return decode_base64(encode_value(body.value).decode())
    raise ImportProblem(
        f"a body must be of the kind json, text, sse, base64 or empty, not {body.kind!r}"
    )


def _join_chunks(chunks: list[str]) -> str:
    """Join the chunks of a stream: events without blank lines, or reads in older cassettes."""
    if any(_BLANK_LINE.search(chunk) for chunk in chunks):
        return "".join(chunks)
    return "".join(f"{chunk}\n\n" for chunk in chunks)


_BLANK_LINE = re.compile(r"\r?\n\r?\n")


def _encode_value(body: _Body) -> bytes:
    """Return a text as it is, and any other value as JSON."""
    value = bytes(body.value)
    is_text = body.kind == "text" or not value.startswith(b'"')
    return encode_value(body.value) if is_text else value
