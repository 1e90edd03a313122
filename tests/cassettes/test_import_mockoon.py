"""Import of Mockoon's environments, with the members that its commons library gives to new ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imported import STREAM, body_of, error_of, import_text
from openai_mockserver import Head


def response(**members: Any) -> dict[str, Any]:
    return {
        "uuid": "u",
        "body": STREAM,
        "latency": 0,
        "statusCode": 200,
        "label": "",
        "headers": [{"key": "Content-Type", "value": "text/event-stream"}],
        "bodyType": "INLINE",
        "filePath": "",
        "databucketID": "",
        "sendFileAsBody": False,
        "rules": [],
        "disableTemplating": False,
        "default": True,
        **members,
    }


def environment(*responses: dict[str, Any], **route: Any) -> dict[str, Any]:
    http_route = {
        "uuid": "u",
        "type": "http",
        "method": "post",
        "endpoint": "chat/completions",
        "responses": list(responses),
        **route,
    }
    return {
        "uuid": "u",
        "lastMigration": 33,
        "name": "e",
        "endpointPrefix": "v1",
        "latency": 100,
        "port": 3000,
        "routes": [http_route, {"type": "ws", "endpoint": "", "responses": [response()]}],
        "headers": [
            {"key": "content-type", "value": "application/json"},
            {"key": "X", "value": "y"},
            {"key": "", "value": ""},
        ],
        "data": [{"uuid": "u", "id": "b1", "name": "b", "value": '{"a": 1}'}],
    }


def test_the_responses_of_http_routes(tmp_path: Path) -> None:
    bucket = response(bodyType="DATABUCKET", databucketID="b1", statusCode=429, latency=400)
    stream, plain = import_text(tmp_path, environment(response(), bucket))
    headers = (("Content-Type", "text/event-stream"), ("X", "y"))
    assert body_of(stream) == STREAM.encode()
    assert stream.script.head == Head(200, (*headers, ("Transfer-Encoding", "chunked")), 0.1)
    assert stream.about["description"] == "imported from Mockoon environment"
    assert stream.about["request"] == {
        "method": "POST",
        "url": "/v1/chat/completions",
        "headers": [],
    }
    assert body_of(plain) == b'{"a": 1}'
    assert (plain.script.head.status, plain.script.head.delay) == (429, 0.5)


def test_templates_stay_text_with_a_note(tmp_path: Path) -> None:
    body = "{{ faker 'person.firstName' }}"
    first, second = import_text(
        tmp_path, environment(response(body=body), response(body=body, disableTemplating=True))
    )
    assert body_of(first) == body_of(second) == body.encode()
    assert first.about["description"].endswith(": its templates are not filled in")
    assert second.about["description"] == "imported from Mockoon environment"


def test_a_body_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "body.sse").write_bytes(STREAM.encode())
    document = environment(response(bodyType="FILE", filePath="./body.sse"), method="all")
    (exchange,) = import_text(tmp_path, document)
    assert body_of(exchange) == STREAM.encode()
    assert "request" not in exchange.about
    outside = environment(response(bodyType="FILE", filePath="/etc/hostname"))
    assert "/etc/hostname is outside of the folder" in error_of(tmp_path, outside)


def test_an_export_of_an_old_version(tmp_path: Path) -> None:
    item = {"type": "environment", "item": environment({"body": STREAM, "filePath": ""})}
    document = {"source": "mockoon:1.18.0", "data": [{"type": "route", "item": None}, item]}
    (exchange,) = import_text(tmp_path, document)
    assert body_of(exchange) == STREAM.encode()


def test_an_error_names_the_entry(tmp_path: Path) -> None:
    for wrong, message in [
        (response(bodyType="DATABUCKET"), "entry 2 is invalid: there is no data bucket ''"),
        (response(statusCode=1), "entry 2 is invalid: 1 is not an HTTP status"),
        (response(body=1), "at `$.routes[0].responses[1].body`"),
    ]:
        assert message in error_of(tmp_path, environment(response(), wrong))
