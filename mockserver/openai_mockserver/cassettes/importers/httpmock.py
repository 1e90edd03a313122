"""Mocks of httpmock, the Rust library, in YAML: one in each document.

rig records in this form, and collects the replies without their requests in banks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec

from openai_mockserver.cassettes.importers.file import RecordedFile, convert_document
from openai_mockserver.cassettes.importers.recording import (
    HAS_SESSION,
    ImportProblem,
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    convert_entries,
    decode_base64,
    encode_json,
    read_milliseconds,
)


class _When(msgspec.Struct):
    method: str | None = None
    scheme: str | None = None
    host: str | None = None
    port: str | None = None
    path: str | None = None
    query_param: Any = None
    header: Any = None
    body: str | None = None
    body_base64: str | None = None
    body_encoding: str = "utf8"
    json_body: Any = None


class _Then(msgspec.Struct):
    status: int | None = None
    header: Any = None
    body: str | None = None
    body_base64: str | None = None
    body_encoding: str = "utf8"
    delay: float | None = None


class _Mock(msgspec.Struct):
    then: _Then
    when: _When | None = None
    encoder: str | None = None


def is_httpmock(file: RecordedFile) -> bool:
    """Return whether the first document of a YAML file is a mock, or a reply of a bank."""
    first = next(_list_documents(file), None)
    if not isinstance(first, dict) or not isinstance(first.get("then"), dict):
        return False
    return first.keys() == {"when", "then"} or "encoder" in first


def _list_documents(file: RecordedFile) -> Iterator[Any]:
    """Yield the documents, without an empty one after the last ``---``."""
    return (one for one in file.yaml_documents if one is not None)


def read_httpmock(file: RecordedFile) -> list[RecordedExchange]:
    """Read the mocks of httpmock."""
    return convert_entries(list(_list_documents(file)), _convert_document)


def _convert_document(document: Any) -> RecordedExchange:
    mock: _Mock = convert_document(document, _Mock)
    when, then = mock.when or _read_encoder(mock.encoder), mock.then
    request = None
    if when.path is not None:
        request = build_request(
            when.method or "GET",
            _build_url(when),
            check_headers(when.header),
            _encode_body(when) or (b"" if when.json_body is None else encode_json(when.json_body)),
        )
    status = 200 if then.status is None else then.status
    if status == 101:
        raise ImportProblem(HAS_SESSION)
    return RecordedExchange(
        _encode_body(then),
        check_headers(then.header),
        check_status(status),
        request,
        delay=read_milliseconds(then.delay),
    )


def _read_encoder(encoder: str | None) -> _When:
    """Return what a bank says of a request, as in ``POST /v1/chat/completions``."""
    method, _, path = (encoder or "").partition(" ")
    return _When(method, path=path) if path else _When()


def _build_url(when: _When) -> str:
    query = urlencode(check_headers(when.query_param))
    path = f"{when.path}?{query}" if query else str(when.path)
    if when.host is None:
        return path
    port = f":{when.port}" if when.port else ""
    return f"{when.scheme or 'https'}://{when.host}{port}{path}"


def _encode_body(part: _When | _Then) -> bytes:
    """Return a body: text, or base64 under the name that httpmock or rig gives to it."""
    if part.body_base64 is not None:
        return decode_base64(part.body_base64)
    if part.body_encoding not in ("utf8", "base64"):
        raise ImportProblem(f"body_encoding must be utf8 or base64, not {part.body_encoding!r}")
    body = part.body or ""
    return body.encode() if part.body_encoding == "utf8" else decode_base64(body)
