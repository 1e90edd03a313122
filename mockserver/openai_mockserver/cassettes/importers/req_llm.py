"""Fixtures of req_llm: a response's reads in base64, its events, or its whole body."""

from __future__ import annotations

from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, decode_content, has_keys
from openai_mockserver.cassettes.importers.recording import (
    HAS_SESSION,
    ImportProblem,
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    decode_base64,
    encode_value,
)


class _Base64(msgspec.Struct, forbid_unknown_fields=True):
    b64: str


class _Request(msgspec.Struct):
    method: str | None = None
    url: str | None = None
    headers: Any = None
    body: msgspec.Raw = msgspec.Raw(b"null")
    canonical_json: msgspec.Raw = msgspec.Raw(b"null")


class _Response(msgspec.Struct):
    status: int | None = None
    headers: Any = None
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Chunk(msgspec.Struct):
    b64: str | None = None
    decoded: str | None = None


class _Event(msgspec.Struct):
    type: str
    value: Any = None
    b64: str = ""


class _Fixture(msgspec.Struct):
    request: _Request
    response: _Response
    chunks: list[_Chunk] | None = None
    events: list[_Event] | None = None


def is_req_llm(file: RecordedFile) -> bool:
    """Return whether the file is a fixture of req_llm, in its present or its first form."""
    if _is_session(file):
        return True
    if not has_keys("request", "response")(file):
        return False
    document = file.document
    request = document["request"]
    if isinstance(request, dict):
        body = request.get("body")
        if "canonical_json" in request or (isinstance(body, dict) and body.keys() == {"b64"}):
            return True
    lists = [document.get("chunks"), document.get("events")]
    return "captured_at" in document and (
        "model_spec" in document or any(isinstance(one, list) for one in lists)
    )


def read_req_llm(file: RecordedFile) -> list[RecordedExchange]:
    """Read a fixture of req_llm."""
    if _is_session(file):
        raise ImportProblem(HAS_SESSION)
    return [_convert_fixture(decode_content(file, _Fixture))]


def _is_session(file: RecordedFile) -> bool:
    name = file.document.get("format") if has_keys("format", "frames")(file) else None
    return isinstance(name, str) and "websocket" in name


def _convert_fixture(fixture: _Fixture) -> RecordedExchange:
    request, response = fixture.request, fixture.response
    status, headers = response.status, check_headers(response.headers)
    if fixture.chunks is not None:
        body = b"".join(map(_decode_chunk, fixture.chunks))
    elif fixture.events is not None:
        body = b"".join(decode_base64(one.b64) for one in fixture.events if one.type == "data")
        values = {one.type: one.value for one in fixture.events}
        status = values.get("status", status)
        headers = check_headers(values["headers"]) if "headers" in values else headers
        if not isinstance(status, int | None):
            raise ImportProblem(f"{status} is not an HTTP status")
    else:
        body = _decode_body(response.body)
    content = _decode_body(request.body) or encode_value(request.canonical_json)
    built_request = None
    if request.url is not None:
        built_request = build_request(
            request.method or "POST", request.url, check_headers(request.headers), content
        )
    return RecordedExchange(body, headers, check_status(status or 200), built_request)


def _decode_chunk(chunk: _Chunk) -> bytes:
    if chunk.b64 is not None:
        return decode_base64(chunk.b64)
    return (chunk.decoded or "").encode()


def _decode_body(body: msgspec.Raw) -> bytes:
    """Return a body: base64 in an object, or the value that was sent as JSON."""
    try:
        return decode_base64(msgspec.json.decode(body, type=_Base64).b64)
    except msgspec.ValidationError:
        return encode_value(body)
