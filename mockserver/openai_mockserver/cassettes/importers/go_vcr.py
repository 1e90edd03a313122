"""go-vcr's cassettes."""

from __future__ import annotations

from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, convert_document, has_keys
from openai_mockserver.cassettes.importers.recording import (
    Recorded,
    body_bytes,
    check_status,
    checked_pairs,
    request_json,
)

# go-vcr


class _GoRequest(msgspec.Struct):
    method: str
    url: str
    headers: Any = None
    body: Any = None


class _GoResponse(msgspec.Struct):
    code: int
    headers: Any = None
    body: Any = None


class _GoInteraction(msgspec.Struct):
    request: _GoRequest
    response: _GoResponse


class _GoVcr(msgspec.Struct):
    interactions: list[_GoInteraction]


def read_go_vcr(file: RecordedFile) -> list[Recorded]:
    return [_recorded(one) for one in convert_document(file.document, _GoVcr).interactions]


def _recorded(one: _GoInteraction) -> Recorded:
    asked, answer = one.request, one.response
    request = request_json(
        asked.method, asked.url, checked_pairs(asked.headers), body_bytes(asked.body)
    )
    headers = checked_pairs(answer.headers)
    return Recorded(body_bytes(answer.body), headers, check_status(answer.code), request)


def is_go_vcr(file: RecordedFile) -> bool:
    """Both have interactions; that of Go has a code where the other has a status."""
    interactions = file.document.get("interactions") if has_keys("interactions")(file) else None
    first = interactions[0] if isinstance(interactions, list) and interactions else None
    answer = first.get("response") if isinstance(first, dict) else None
    return isinstance(answer, dict) and "code" in answer
