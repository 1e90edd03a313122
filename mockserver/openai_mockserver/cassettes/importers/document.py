"""Recording documents: one JSON object with ``schema``, ``request`` and ``response``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, convert_document
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    Recorded,
    check_status,
    decode_base64,
    header_pairs,
    request_json,
)


class _Asked(msgspec.Struct):
    method: str
    url: str
    headers: list[tuple[str, str]] | None = None
    json: Any = None
    text: str | None = None


class _Answered(msgspec.Struct):
    status: int
    body: str
    headers: list[tuple[str, str]] | None = None
    body_encoding: str = "utf-8"


class _Document(msgspec.Struct):
    schema: int
    request: _Asked
    response: _Answered


_BODY_ENCODINGS: dict[str, Callable[[str], bytes]] = {"utf-8": str.encode, "base64": decode_base64}


def read_document(file: RecordedFile) -> list[Recorded]:
    document: _Document = convert_document(file.document, _Document)
    if document.schema != 1:
        raise ImportProblem(f"this is schema {document.schema} of the document; 1 is known")
    asked, answer = document.request, document.response
    if (decode := _BODY_ENCODINGS.get(answer.body_encoding)) is None:
        raise ImportProblem(f"body_encoding {answer.body_encoding!r} is not utf-8 or base64")
    request = request_json(asked.method, asked.url, header_pairs(asked.headers), b"")
    if asked.json is not None:
        request["json"] = asked.json
    elif asked.text is not None:
        request["text"] = asked.text
    status = check_status(answer.status)
    return [Recorded(decode(answer.body), header_pairs(answer.headers), status, request)]
