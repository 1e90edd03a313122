"""Import of WireMock's mappings: those that WireMock 3.13 records, and written ones."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from imported import PAYLOAD, STREAM, body_of, error_of, import_text
from openai_mockserver import Event, Head, Pause
from openai_mockserver.cassettes.importers import find_recordings, import_file


def mapping(response: dict[str, Any], **request: Any) -> dict[str, Any]:
    return {
        "id": "63cbbd4e-8b75-4fd7-862f-4515bb43dc10",
        "name": "chat",
        "request": {
            "url": "/v1/chat/completions",
            "method": "POST",
            "headers": {
                "Content-Type": {"equalTo": "application/json"},
                "Accept": {"contains": "json"},
            },
            "bodyPatterns": [{"equalToJson": json.dumps(PAYLOAD), "ignoreArrayOrder": True}],
            **request,
        },
        "response": {"status": 200, **response},
        "uuid": "63cbbd4e-8b75-4fd7-862f-4515bb43dc10",
        "persistent": True,
    }


def test_a_recorded_mapping(tmp_path: Path) -> None:
    headers = {"Set-Cookie": ["a=1", "b=2"], "Content-Type": "text/event-stream"}
    (exchange,) = import_text(tmp_path, mapping({"body": STREAM, "headers": headers}))
    assert body_of(exchange) == STREAM.encode()
    assert exchange.script.head.headers[:3] == (
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Content-Type", "text/event-stream"),
    )
    assert exchange.about == {
        "name": "x",
        "description": "imported from WireMock mapping",
        "request": {
            "method": "POST",
            "url": "/v1/chat/completions",
            "headers": [["Content-Type", "application/json"]],
            "json": PAYLOAD,
        },
    }


@pytest.mark.parametrize(
    ("response", "sent"),
    [
        ({"jsonBody": {"a": [1.0]}}, b'{"a":[1.0]}'),
        ({"jsonBody": "a"}, b'"a"'),
        ({"base64Body": "//4="}, b"\xff\xfe"),
        ({"body": "é"}, "é".encode()),
        ({}, b""),
    ],
)
def test_kinds_of_bodies(tmp_path: Path, response: dict[str, Any], sent: bytes) -> None:
    (exchange,) = import_text(tmp_path, mapping(response | {"status": 404}))
    assert body_of(exchange) == sent
    assert exchange.script.head == Head(404, (("Content-Length", str(len(sent))),))


def test_delays_become_times(tmp_path: Path) -> None:
    dribble = {"numberOfChunks": 5, "totalDuration": 1000}
    response = {
        "body": "data: 1\n\ndata: 2\n\n",
        "fixedDelayMilliseconds": 250,
        "chunkedDribbleDelay": dribble,
    }
    (exchange,) = import_text(tmp_path, mapping(response))
    assert exchange.script.head.delay == 0.25
    assert exchange.script.steps == (Pause(0.5), Event("1"), Pause(0.5), Event("2"))


@pytest.mark.parametrize(
    ("request_members", "url", "method", "content"),
    [
        ({"url": None, "urlPath": "/a", "queryParameters": {"b": {"equalTo": "c d"}}},
         "/a?b=c+d", "POST", PAYLOAD),
        ({"host": {"equalTo": "h"}, "scheme": "http", "port": 81},
         "http://h:81/v1/chat/completions", "POST", PAYLOAD),
        ({"method": "ANY", "bodyPatterns": [{"matches": ".*"}]},
         "/v1/chat/completions", "GET", None),
        ({"bodyPatterns": [{"equalToJson": PAYLOAD}]}, "/v1/chat/completions", "POST", PAYLOAD),
        ({"url": None, "urlPathPattern": "/v1/chat"}, "/v1/chat", "POST", PAYLOAD),
        ({"url": None, "urlPattern": "/v1/.*"}, None, None, None),
    ],
)  # fmt: skip
def test_what_a_request_must_be(
    tmp_path: Path,
    request_members: dict[str, Any],
    url: str | None,
    method: str | None,
    content: Any,
) -> None:
    (exchange,) = import_text(tmp_path, mapping({}, **request_members))
    request = exchange.about.get("request", {})
    assert (request.get("url"), request.get("method")) == (url, method)
    assert request.get("json") == content


def test_several_mappings_without_those_of_proxies(tmp_path: Path) -> None:
    proxy = mapping({"proxyBaseUrl": "https://api.example.org"})
    any_request = {"response": {"body": "b"}}
    mappings = [mapping({"body": "a"}), proxy, any_request]
    first, second = import_text(tmp_path, {"mappings": mappings, "meta": {"total": 3}})
    assert [body_of(first), body_of(second)] == [b"a", b"b"]
    assert "contains no response" in error_of(tmp_path, {"mappings": [proxy]})


def test_what_is_left_out_is_noted(tmp_path: Path) -> None:
    template = {"body": "{{request.url}}", "transformers": ["response-template"]}
    (exchange,) = import_text(tmp_path, mapping(template))
    assert exchange.about["description"].endswith(": its templates are not filled in")
    (exchange,) = import_text(tmp_path, mapping({"fault": "EMPTY_RESPONSE"}))
    assert exchange.about["description"].endswith(": without its fault EMPTY_RESPONSE")


def test_a_body_is_in_the_folder_beside_the_mappings(tmp_path: Path) -> None:
    mappings, files = tmp_path / "mappings" / "chat", tmp_path / "__files" / "bodies"
    for folder in (mappings, files):
        folder.mkdir(parents=True)
    (files / "stream.json").write_bytes(STREAM.encode())
    (tmp_path / "secret.txt").write_text("secret")
    good = mappings / "one.json"
    good.write_text(json.dumps(mapping({"bodyFileName": "bodies/stream.json"})))
    assert find_recordings(tmp_path) == [good]
    (exchange,) = import_file(good)
    assert body_of(exchange) == STREAM.encode()
    missing = mapping({"bodyFileName": "x.json"})
    assert "the body's file x.json cannot be read: No such file" in error_of(mappings, missing)
    outside = mapping({"bodyFileName": "../secret.txt"})
    assert "../secret.txt is outside of the folder __files" in error_of(mappings, outside)


def test_an_error_names_the_entry(tmp_path: Path) -> None:
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"base64Body": "#"}, "entry 2 is invalid: a body is not valid base64"),
        ({"status": 1}, "entry 2 is invalid: 1 is not an HTTP status"),
        ({"headers": 1}, "entry 2 is invalid: headers must be pairs"),
        ({"status": "x"}, "at `$.mappings[1].response.status`"),
    ]
    for wrong, message in mistakes:
        mappings = {"mappings": [mapping({}), mapping(wrong)]}
        assert message in error_of(tmp_path, mappings)


def test_binary_requests(tmp_path: Path) -> None:
    encoded = base64.b64encode(b"\xff").decode()
    (exchange,) = import_text(tmp_path, mapping({}, bodyPatterns=[{"binaryEqualTo": encoded}]))
    assert exchange.about["request"]["base64"] == encoded
