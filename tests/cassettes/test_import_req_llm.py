"""Import of req_llm's fixtures, in the forms that its `Transcript` writes and reads."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from imported import PAYLOAD, STREAM, URL, body_of, error_of, import_text
from openai_mockserver import Head, Raw


def encode(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def fixture(response: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    request = {
        "method": "POST",
        "url": URL,
        "headers": {"accept": "text/event-stream"},
        "canonical_json": PAYLOAD,
        "body": {"b64": encode('{"model":"m","stream":true}')},
    }
    return {
        "captured_at": "2025-10-15T12:47:55.517619Z",
        "request": request,
        "response": {
            "status": 200,
            "headers": {"content-type": "text/event-stream", "x": ["a", "b"]},
            "body": None,
        }
        | (response or {}),
        **members,
    }


def test_a_stream_is_its_chunks(tmp_path: Path) -> None:
    data = STREAM.encode()
    pieces = [data[:45], data[45:46], b"", data[46:]]  # a read may end within a character
    chunks = [{"b64": encode(piece), "decoded": "…"} for piece in pieces]
    (exchange,) = import_text(tmp_path, fixture(chunks=chunks))
    assert body_of(exchange) == data
    assert exchange.script.head.headers[1:3] == (("x", "a"), ("x", "b"))
    assert exchange.about == {
        "name": "x",
        "description": "imported from req_llm fixture",
        "request": {
            "method": "POST",
            "url": URL,
            "headers": [["accept", "text/event-stream"]],
            "json": PAYLOAD,
        },
    }


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"id": "a", "n": 1.0}, b'{"id":"a","n":1.0}'),
        ({"b64": "//4="}, b"\xff\xfe"),
        ("plain", b"plain"),
        ([1, 2], b"[1,2]"),
        (None, b""),
    ],
)
def test_a_response_that_is_no_stream(tmp_path: Path, body: Any, sent: bytes) -> None:
    response = {"status": 429, "headers": {"content-type": "x/y"}, "body": body}
    (exchange,) = import_text(tmp_path, fixture(response, provider="openai", streaming=False))
    headers = (("content-type", "x/y"), ("Content-Length", str(len(sent))))
    assert exchange.script.head == Head(429, headers)
    assert exchange.script.steps == ((Raw(sent),) if sent else ())


def test_older_fixtures_lack_members(tmp_path: Path) -> None:
    text = '{"model":"m","stream":true}'
    for request in (
        {"method": "post", "url": URL, "canonical_json": text},
        {"method": "post", "url": URL, "body": {"b64": encode(text)}},
    ):
        document = {"request": request, "response": {"body": {"error": {}}, "status": 400}}
        (exchange,) = import_text(tmp_path, document)
        assert exchange.about["request"]["json"] == PAYLOAD
        assert exchange.about["request"]["method"] == "POST"
        assert body_of(exchange) == b'{"error":{}}'


def test_the_first_form_has_events(tmp_path: Path) -> None:
    events = [
        {"type": "status", "value": 201},
        {"type": "headers", "value": [["content-type", "text/event-stream"]]},
        *({"type": "data", "b64": encode(part)} for part in (STREAM[:9], STREAM[9:])),
        {"type": "done"},
    ]
    (exchange,) = import_text(tmp_path, fixture({"status": None, "headers": []}, events=events))
    assert body_of(exchange) == STREAM.encode()
    assert exchange.script.head.status == 201
    assert exchange.script.head.headers[0] == ("content-type", "text/event-stream")


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    assert "a body is not valid base64" in error_of(tmp_path, fixture(chunks=[{"b64": "!"}]))
    assert "`$.chunks[1].b64`" in error_of(tmp_path, fixture(chunks=[{}, {"b64": []}]))
    for value in (-1, "a"):
        events = [{"type": "status", "value": value}]
        assert f"{value} is not an HTTP status" in error_of(tmp_path, fixture(events=events))


def test_a_session_over_a_websocket_is_no_http_exchange(tmp_path: Path) -> None:
    session = {
        "format": "responses_websocket_v1",
        "request": {"url": "wss://api.openai.com/v1/responses"},
        "frames": [{"direction": "client", "event": {"type": "response.create"}}],
    }
    assert "WebSocket" in error_of(tmp_path, session)
