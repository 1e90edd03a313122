"""Import of Postman collections, in the form of its schema of version 2.1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imported import PAYLOAD, STREAM, URL, body_of, error_of, import_text
from openai_mockserver import Head

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
REQUEST = {
    "method": "POST",
    "header": [
        {"key": "Content-Type", "value": "application/json"},
        {"key": "X-Off", "value": "1", "disabled": True},
    ],
    "body": {"mode": "raw", "raw": '{"model": "m", "stream": true}'},
    "url": {"raw": URL, "protocol": "https", "host": ["api", "example", "org"], "path": ["v1"]},
}


def example(**members: Any) -> dict[str, Any]:
    return {
        "name": "a stream",
        "originalRequest": REQUEST,
        "status": "OK",
        "code": 200,
        "_postman_previewlanguage": "plain",
        "header": [{"key": "Content-Type", "value": "text/event-stream", "name": "Content-Type"}],
        "cookie": [],
        "responseTime": None,
        "body": STREAM,
        **members,
    }


def collection(*examples: Any, **members: Any) -> dict[str, Any]:
    item = {"name": "chat", "request": REQUEST, "response": list(examples), **members}
    folder = {"name": "folder", "item": [item, {"name": "no examples", "request": URL}]}
    return {"info": {"name": "c", "schema": SCHEMA}, "item": [folder]}


@pytest.mark.parametrize("wrap", [lambda document: document, lambda d: {"collection": d}])
def test_examples_in_folders(tmp_path: Path, wrap: Any) -> None:
    refused = example(code=429, header="Retry-After: 1\nX: y", body='{"error": {}}')
    document = wrap(collection(example(), refused, None, {"name": "empty", "body": None}))
    first, second = import_text(tmp_path, document)
    assert body_of(first) == STREAM.encode()
    assert first.script.head.headers[0] == ("Content-Type", "text/event-stream")
    assert first.about["request"] == {
        "method": "POST",
        "url": URL,
        "headers": [["Content-Type", "application/json"]],
        "json": PAYLOAD,
    }
    headers = (("Retry-After", "1"), ("X", "y"), ("Content-Length", "13"))
    assert second.script.head == Head(429, headers)


@pytest.mark.parametrize(
    ("request_part", "method", "url"),
    [
        (URL, "GET", URL),
        ({"url": "{{base}}/v1"}, "GET", "{{base}}/v1"),
        ({"method": "POST", "url": {"host": ["a", "b"], "path": ["c", "d"]}}, "POST",
         "https://a.b/c/d"),
        ({"method": "POST"}, None, None),
        (None, "POST", URL),  # that of the item
    ],
)  # fmt: skip
def test_forms_of_a_request(
    tmp_path: Path, request_part: Any, method: str | None, url: str | None
) -> None:
    (exchange,) = import_text(tmp_path, collection(example(originalRequest=request_part)))
    request = exchange.about.get("request", {})
    assert (request.get("method"), request.get("url")) == (method, url)


def test_an_error_names_the_example(tmp_path: Path) -> None:
    for wrong, message in [
        (example(code=1), "entry 2 is invalid: 1 is not an HTTP status"),
        (example(header=3), "entry 2 is invalid: headers must be pairs of names and values"),
        (example(body=3), "at `$.item[0].item[0].response[1].body`"),
    ]:
        assert message in error_of(tmp_path, collection(example(), wrong))
    assert "this Postman collection contains no response" in error_of(tmp_path, collection())
