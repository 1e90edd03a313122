"""Import of single exchanges: of the Datadog test agent and llmock (in Rust), and whole bodies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imported import PAYLOAD, STREAM, URL, body_of, error_of, import_text
from openai_mockserver import Event, Head, Pause, Raw


def datadog(body: Any, code: Any = 200) -> dict[str, Any]:
    """What `CassetteData.to_dict` of the test agent returns."""
    request = {
        "method": "POST",
        "url": URL,
        "headers": {"Accept": "*/*"},
        "body": '{"model": "m", "stream": true}',
    }
    headers = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}
    status = {"code": code, "message": "OK"}
    return {"request": request, "response": {"status": status, "headers": headers, "body": body}}


@pytest.mark.parametrize(
    ("body", "sent"),
    [(STREAM, STREAM.encode()), ("base64://4=", b"\xff\xfe"), ("base64: //4=", b"\xff\xfe"),
     ("", b""), (None, b"")],
)  # fmt: skip
def test_a_cassette_of_datadog(tmp_path: Path, body: Any, sent: bytes) -> None:
    (exchange,) = import_text(tmp_path, datadog(body))
    assert body_of(exchange) == sent
    assert exchange.about["description"] == "imported from Datadog cassette"
    assert exchange.about["request"]["headers"] == [["Accept", "*/*"]]
    assert exchange.about["request"]["json"] == PAYLOAD


def test_errors_of_a_cassette_of_datadog(tmp_path: Path) -> None:
    assert "a body is not valid base64" in error_of(tmp_path, datadog("base64:#"))
    assert "99 is not an HTTP status" in error_of(tmp_path, datadog("", 99))
    assert "at `$.response.status.code`" in error_of(tmp_path, datadog("", "x"))


def llmock(**response: Any) -> dict[str, Any]:
    return {
        "endpoint": "openai.chat",
        "stream": True,
        "match": {"model": "gpt-4o", "user_contains": "hello"},
        "response": {"status": 200, "content_type": "text/event-stream", **response},
    }


def test_a_cassette_of_llmock_has_times(tmp_path: Path) -> None:
    frames = [{"delay_ms": 500, "data": "data: 1\n\n"}, {"data": "data: 2\n\ndata: 3\n\n"},
              {"delay_ms": 20, "data": "data: 4"}]  # fmt: skip
    (exchange,) = import_text(tmp_path, llmock(frames=frames))
    assert exchange.script.steps == (
        Pause(0.5), Event("1"), Event("2"), Event("3"), Pause(0.02), Raw(b"data: 4"),
    )  # fmt: skip
    assert "request" not in exchange.about


def test_a_whole_response_of_llmock(tmp_path: Path) -> None:
    whole = llmock(status=429, content_type="application/json", body="{}", delay_ms=1500)
    (exchange,) = import_text(tmp_path, whole)
    headers = (("Content-Type", "application/json"), ("Content-Length", "2"))
    assert exchange.script.head == Head(429, headers, 1.5)
    assert "1 is not an HTTP status" in error_of(tmp_path, llmock(status=1))


# Bodies

OLLAMA = """\
{"model":"m","created_at":"x","message":{"role":"assistant","content":"Hé"},"done":false}
{"model":"m","created_at":"x","message":{"role":"assistant","content":""},"done":true,"eval_count":1}
"""


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.txt"])
def test_a_stream_of_ollama_keeps_its_lines(tmp_path: Path, name: str) -> None:
    (exchange,) = import_text(tmp_path, OLLAMA, name)
    assert body_of(exchange) == OLLAMA.encode()
    assert exchange.script.head.header("content-type") == "application/x-ndjson"


@pytest.mark.parametrize(
    "answer",
    [
        {"object": "chat.completion", "choices": [{"message": {"content": "é"}}]},
        {"object": "response", "output": [{"type": "message"}]},
        {"object": "text_completion", "choices": [{"text": "a"}]},
    ],
)
def test_an_answer_in_json_is_a_body(tmp_path: Path, answer: Any) -> None:
    text = json.dumps(answer, indent=4)
    (exchange,) = import_text(tmp_path, b"\xef\xbb\xbf" + text.encode())
    length = ("Content-Length", str(len(text)))
    assert exchange.script.head == Head(200, (("Content-Type", "application/json"), length))
    assert body_of(exchange) == text.encode()
