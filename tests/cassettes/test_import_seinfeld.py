"""Import of Braintrust's cassettes, in the form of those in its SDK's repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imported import PAYLOAD, URL, body_of, error_of, import_text
from openai_mockserver import Head


def entry(body: Any, **response: Any) -> dict[str, Any]:
    return {
        "callIndex": 0,
        "id": "b07479a2600fb868",
        "matchKey": "POST api.example.org/v1/chat/completions",
        "recordedAt": "2026-08-04T03:13:09.677Z",
        "request": {
            "body": {"kind": "json", "value": PAYLOAD},
            "headers": {},
            "method": "POST",
            "url": URL,
        },
        "response": {"body": body, "headers": {"x": "y"}, "status": 200, **response},
    }


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (
            {"kind": "sse", "chunks": ["event: a\ndata: é", ": ping", "data: [DONE]"]},
            "event: a\ndata: é\n\n: ping\n\ndata: [DONE]\n\n",
        ),
        (
            {"kind": "sse", "chunks": ["data: a\n\nda", "ta: b\n\n", "data: c\n\n"]},
            "data: a\n\ndata: b\n\ndata: c\n\n",
        ),
        ({"kind": "json", "value": {"a": [1.0, 0.10]}}, '{"a":[1.0,0.1]}'),
        ({"kind": "json", "value": "a"}, '"a"'),
        ({"kind": "json", "value": [1]}, "[1]"),
        ({"kind": "text", "value": "é\n"}, "é\n"),
        ({"kind": "base64", "value": "//4=", "contentType": "a/b"}, b"\xff\xfe"),
        ({"kind": "empty"}, ""),
        (None, ""),
    ],
)
def test_bodies_of_each_kind(tmp_path: Path, body: Any, sent: str | bytes) -> None:
    document = {"entries": [entry(body)], "meta": {"createdAt": "2026-07-06T14:01:28.587Z"}}
    (exchange,) = import_text(tmp_path, document, "agent-v0.cassette.json")
    assert body_of(exchange) == (sent.encode() if isinstance(sent, str) else sent)
    assert exchange.about["name"] == "agent-v0"
    assert exchange.about["request"] == {
        "method": "POST",
        "url": URL,
        "headers": [],
        "json": PAYLOAD,
    }


def test_the_coding_of_the_wire_is_gone(tmp_path: Path) -> None:
    """The cassette holds what `fetch` returned, with the headers as they were sent."""
    headers = {"content-encoding": "gzip", "content-length": "9"}
    body = {"kind": "json", "value": {"error": {"message": "é"}}}
    (exchange,) = import_text(tmp_path, {"entries": [entry(body, status=429, headers=headers)]})
    assert exchange.script.head == Head(429, (("content-length", "26"),))


def test_an_error_names_the_entry(tmp_path: Path) -> None:
    good = entry({"kind": "empty"})
    for wrong, message in [
        (entry({"kind": "form"}), "entry 2 is invalid: a body must be of the kind json, text, sse"),
        (entry({"kind": "base64", "value": "#"}), "entry 2 is invalid: a body is not valid base64"),
        (entry(None, status=1), "entry 2 is invalid: 1 is not an HTTP status"),
        ({"request": {}, "response": {}}, "at `$.entries[1].request`"),
    ]:
        assert message in error_of(tmp_path, {"entries": [good, wrong]})
    assert "contains no response" in error_of(tmp_path, {"entries": []})
