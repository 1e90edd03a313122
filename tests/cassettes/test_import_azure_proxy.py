"""Import of the Azure test proxy's sessions, as its `RecordEntry` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imported import PAYLOAD, STREAM, URL, body_of, error_of, import_text
from openai_mockserver import Head


def entry(kind: str | None, body: Any, **members: Any) -> dict[str, Any]:
    headers = {} if kind is None else {"Content-Type": kind}
    return {
        "RequestUri": URL,
        "RequestMethod": "POST",
        "RequestHeaders": {"Authorization": "Sanitized", "Content-Type": "application/json"},
        "RequestBody": PAYLOAD,
        "StatusCode": 200,
        "ResponseHeaders": headers | {"Date": "Sanitized", "Set-Cookie": ["a", "b"]},
        "ResponseBody": body,
        **members,
    }


@pytest.mark.parametrize(
    ("kind", "body", "sent"),
    [
        ("text/event-stream; charset=utf-8", STREAM.splitlines(keepends=True), STREAM.encode()),
        ("application/json", {"a": 1.0, "b": ["é", 0.0000069]}, '{"a":1.0,"b":["é",6.9e-06]}'),
        ("application/json", '[{"a": 1}]', '[{"a": 1}]'),
        ("application/problem+json", "a", "a"),
        ("text/plain; charset=iso-8859-1", "é", b"\xe9"),
        ("text/plain; charset=nonsense", ["é\r\n", "b"], "é\r\nb"),
        ("audio/mpeg", "//4=", b"\xff\xfe"),
        ("audio/mpeg", [], b""),
        ("audio/mpeg", "not base64", "not base64"),
        (None, "hello", "hello"),
        ("application/json", None, b""),
    ],
)
def test_the_content_type_says_how_a_body_is_stored(
    tmp_path: Path, kind: str | None, body: Any, sent: bytes | str
) -> None:
    (exchange,) = import_text(tmp_path, {"Entries": [entry(kind, body)], "Variables": {}})
    assert body_of(exchange) == (sent.encode() if isinstance(sent, str) else sent)
    names = [name for name, _ in exchange.script.head.headers]
    assert names[-4:-1] == ["Date", "Set-Cookie", "Set-Cookie"]


def test_entries_without_bodies_and_with_errors(tmp_path: Path) -> None:
    small = {"RequestUri": URL, "StatusCode": 404}
    refused = entry("application/json", {"error": {}}, StatusCode=429, RequestBody=None)
    first, second = import_text(tmp_path, {"Entries": [small, refused]})
    assert first.script.head == Head(404, (("Content-Length", "0"),))
    assert first.about["request"] == {"method": "GET", "url": URL, "headers": []}
    assert second.script.head.status == 429
    assert body_of(second) == b'{"error":{}}'
    assert second.about["request"]["headers"][0] == ["Authorization", "Sanitized"]


def test_an_error_names_the_entry(tmp_path: Path) -> None:
    for wrong, message in [
        (entry("text/plain", [1]), "entry 2 is invalid: a body must be a list of lines: "),
        (entry("text/plain", "", StatusCode=0), "entry 2 is invalid: 0 is not an HTTP status"),
        (entry("text/plain", "", ResponseHeaders=3), "entry 2 is invalid: headers must be pairs"),
        ({"RequestUri": URL}, "missing required field `StatusCode` - at `$.Entries[1]`"),
    ]:
        assert message in error_of(tmp_path, {"Entries": [entry("text/plain", ""), wrong]})
