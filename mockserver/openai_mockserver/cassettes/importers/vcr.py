"""Cassettes of vcrpy, of pydantic-ai's variant of it, and of Ruby's VCR."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, convert_document
from openai_mockserver.cassettes.importers.recording import (
    HAS_SESSION,
    ImportProblem,
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    convert_entries,
    read_body,
)


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


def read_vcr(file: RecordedFile) -> list[RecordedExchange]:
    """Read a cassette of vcrpy or pydantic-ai."""
    interactions = file.document["interactions"]
    if isinstance(interactions, list) and any(map(_is_message, interactions)):
        raise ImportProblem(HAS_SESSION)
    cassette: _Vcr = convert_document(file.document, _Vcr)
    return convert_entries(cassette.interactions, _convert_interaction)


def _is_message(interaction: Any) -> bool:
    """Return whether an interaction is a message on a WebSocket, as pydantic-ai records them."""
    return (
        isinstance(interaction, dict)
        and "direction" in interaction
        and "request" not in interaction
    )


def read_ruby_vcr(file: RecordedFile) -> list[RecordedExchange]:
    """Read a cassette of Ruby's VCR."""
    cassette: _RubyVcr = convert_document(file.document, _RubyVcr)
    return convert_entries(cassette.http_interactions, _convert_interaction)


def _convert_interaction(interaction: _VcrInteraction) -> RecordedExchange:
    request, response = interaction.request, interaction.response
    status = response.status.code if response.status else response.status_code
    if status is None:
        raise ImportProblem(f"the response to {request.method} {request.uri} has no status")
    body = _encode_body(
        response.body if response.content is None else response.content, response.parsed_body
    )
    request_body = _encode_body(request.body, request.parsed_body)
    built_request = build_request(
        request.method, request.uri, check_headers(request.headers), request_body
    )
    return RecordedExchange(
        body, check_headers(response.headers), check_status(status), built_request
    )


def _encode_body(body: Any, parsed_body: Any) -> bytes:
    """Return a body; a parsed body has lost its bytes and is encoded as its tool replays it."""
    if parsed_body is None:
        return read_body(body)
    try:
        return json.dumps(parsed_body).encode()
    except (TypeError, ValueError) as error:
        raise ImportProblem(f"a parsed_body cannot be encoded as JSON: {error}") from None
