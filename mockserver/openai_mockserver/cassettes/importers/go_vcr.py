"""Cassettes of go-vcr."""

from __future__ import annotations

from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, convert_document, has_keys
from openai_mockserver.cassettes.importers.recording import (
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    convert_entries,
    read_body,
)


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


def read_go_vcr(file: RecordedFile) -> list[RecordedExchange]:
    """Read a cassette of go-vcr."""
    cassette: _GoVcr = convert_document(file.document, _GoVcr)
    return convert_entries(cassette.interactions, _convert_interaction)


def _convert_interaction(interaction: _GoInteraction) -> RecordedExchange:
    request, response = interaction.request, interaction.response
    built_request = build_request(
        request.method, request.url, check_headers(request.headers), read_body(request.body)
    )
    headers = check_headers(response.headers)
    return RecordedExchange(
        read_body(response.body), headers, check_status(response.code), built_request
    )


def is_go_vcr(file: RecordedFile) -> bool:
    """Return whether the interactions have go-vcr's ``code`` and not vcrpy's ``status``."""
    interactions = file.document.get("interactions") if has_keys("interactions")(file) else None
    first = interactions[0] if isinstance(interactions, list) and interactions else None
    response = first.get("response") if isinstance(first, dict) else None
    return isinstance(response, dict) and "code" in response
