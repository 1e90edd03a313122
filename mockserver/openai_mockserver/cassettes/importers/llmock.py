"""Cassettes of llmock, the server in Rust: one response, with the times of its reads."""

from __future__ import annotations

import msgspec

from openai_mockserver.cassettes.importers.file import RecordedFile, decode_content, has_keys
from openai_mockserver.cassettes.importers.recording import (
    RecordedExchange,
    check_status,
    read_milliseconds,
)


class _Frame(msgspec.Struct):
    data: str
    delay_ms: float = 0


class _Response(msgspec.Struct):
    status: int = 200
    content_type: str = "application/json"
    body: str | None = None
    delay_ms: float = 0
    frames: list[_Frame] = []


class _Cassette(msgspec.Struct):
    response: _Response


def is_llmock(file: RecordedFile) -> bool:
    """Return whether the file is a cassette: the names of an endpoint and of what it matches."""
    if not has_keys("endpoint", "match", "response")(file):
        return False
    endpoint, response = file.document["endpoint"], file.document["response"]
    return isinstance(endpoint, str) and isinstance(response, dict)


def read_llmock(file: RecordedFile) -> list[RecordedExchange]:
    """Read a cassette, which does not contain the request."""
    response = decode_content(file, _Cassette).response
    frames = tuple(
        (read_milliseconds(frame.delay_ms), frame.data.encode()) for frame in response.frames
    )
    body = b"".join(data for _, data in frames) or (response.body or "").encode()
    headers = (("Content-Type", response.content_type),)
    delay = read_milliseconds(response.delay_ms)
    return [
        RecordedExchange(body, headers, check_status(response.status), delay=delay, frames=frames)
    ]
