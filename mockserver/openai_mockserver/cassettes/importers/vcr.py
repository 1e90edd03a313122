"""vcrpy's cassettes, pydantic-ai's variant of them, and those of Ruby's VCR."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, convert_document
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    Recorded,
    body_bytes,
    check_status,
    checked_pairs,
    request_json,
)

# vcrpy, and pydantic-ai's variant of it


class _Code(msgspec.Struct):
    code: int


class _VcrRequest(msgspec.Struct):
    method: str
    uri: str
    headers: Any = None
    body: Any = None
    parsed_body: Any = None


class _VcrResponse(msgspec.Struct):
    status: _Code | None = None
    status_code: int | None = None
    headers: Any = None
    body: Any = None
    content: Any = None
    parsed_body: Any = None


class _VcrInteraction(msgspec.Struct):
    request: _VcrRequest
    response: _VcrResponse


class _Vcr(msgspec.Struct):
    interactions: list[_VcrInteraction]


class _RubyVcr(msgspec.Struct):
    http_interactions: list[_VcrInteraction]


def read_vcr(file: RecordedFile) -> list[Recorded]:
    return [_recorded(one) for one in convert_document(file.document, _Vcr).interactions]


def read_ruby_vcr(file: RecordedFile) -> list[Recorded]:
    return [_recorded(one) for one in convert_document(file.document, _RubyVcr).http_interactions]


def _recorded(one: _VcrInteraction) -> Recorded:
    asked, answer = one.request, one.response
    status = answer.status.code if answer.status else answer.status_code
    if status is None:
        raise ImportProblem(f"the response to {asked.method} {asked.uri} has no status")
    body = _vcr_body(answer.body if answer.content is None else answer.content, answer.parsed_body)
    question = _vcr_body(asked.body, asked.parsed_body)
    request = request_json(asked.method, asked.uri, checked_pairs(asked.headers), question)
    return Recorded(body, checked_pairs(answer.headers), check_status(status), request)


def _vcr_body(body: Any, parsed: Any) -> bytes:
    """The body; of one that was parsed the bytes are lost, and these are what its tool replays."""
    if parsed is None:
        return body_bytes(body)
    try:
        return json.dumps(parsed).encode()
    except (TypeError, ValueError) as error:
        raise ImportProblem(f"a parsed_body is not JSON: {error}") from None
