"""Recording documents: a JSON object with ``schema``, ``request`` and ``response``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, convert_document
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    RecordedExchange,
    build_request,
    check_status,
    decode_base64,
    read_headers,
)


class _Request(msgspec.Struct):
    method: str
    url: str
    headers: list[tuple[str, str]] | None = None
    json: Any = None
    text: str | None = None


class _Response(msgspec.Struct):
    status: int
    body: str
    headers: list[tuple[str, str]] | None = None
    body_encoding: str = "utf-8"


class _Document(msgspec.Struct):
    schema: int
    request: _Request
    response: _Response


_BODY_ENCODINGS: dict[str, Callable[[str], bytes]] = {"utf-8": str.encode, "base64": decode_base64}


def read_document(file: RecordedFile) -> list[RecordedExchange]:
    """Read a recording document."""
    document: _Document = convert_document(file.document, _Document)
    if document.schema != 1:
        raise ImportProblem(f"its schema is version {document.schema}; only version 1 is supported")
    request, response = document.request, document.response
    if (decode := _BODY_ENCODINGS.get(response.body_encoding)) is None:
        raise ImportProblem(
            f"body_encoding must be utf-8 or base64, not {response.body_encoding!r}"
        )
    built_request = build_request(request.method, request.url, read_headers(request.headers), b"")
    if request.json is not None:
        built_request["json"] = request.json
    elif request.text is not None:
        built_request["text"] = request.text
    status = check_status(response.status)
    return [
        RecordedExchange(
            decode(response.body), read_headers(response.headers), status, built_request
        )
    ]
