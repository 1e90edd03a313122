"""Cassettes of the Datadog test agent: one request and its response, in JSON.

Its older cassettes are vcrpy's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from openai_mockserver.cassettes.importers.file import RecordedFile, decode_content, has_keys
from openai_mockserver.cassettes.importers.recording import (
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    decode_base64,
)


class _Status(msgspec.Struct):
    code: int


class _Request(msgspec.Struct):
    method: str
    url: str
    headers: Any = None
    body: str | None = None


class _Response(msgspec.Struct):
    status: _Status
    headers: Any = None
    body: str | None = None


class _Cassette(msgspec.Struct):
    request: _Request
    response: _Response


def is_datadog(file: RecordedFile) -> bool:
    """Return whether the file has a request, and a response whose status has a code."""
    response = file.document["response"] if has_keys("request", "response")(file) else None
    return isinstance(response, dict) and isinstance(response.get("status"), dict)


def read_datadog(file: RecordedFile) -> list[RecordedExchange]:
    """Read a cassette of the Datadog test agent."""
    cassette = decode_content(file, _Cassette)
    request, response = cassette.request, cassette.response
    built_request = build_request(
        request.method, request.url, check_headers(request.headers), _decode_body(request.body)
    )
    body, headers = _decode_body(response.body), check_headers(response.headers)
    return [RecordedExchange(body, headers, check_status(response.status.code), built_request)]


def _decode_body(body: str | None) -> bytes:
    """Return a body; bytes that are not UTF-8, or contain a NUL, are base64."""
    text = body or ""
    if text.startswith("base64:"):
        return decode_base64(text.removeprefix("base64:"))
    return text.encode()
