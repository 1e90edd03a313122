"""Import of nock's definitions: those that nock 13 records, and their variants."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from imported import PAYLOAD, STREAM, URL, body_of, error_of, import_text
from openai_mockserver import Head

GZIP = gzip.compress(STREAM.encode(), mtime=0).hex()


def definition(response: Any, *raw_headers: str, **members: Any) -> dict[str, Any]:
    return {
        "scope": "https://api.example.org",
        "method": "POST",
        "path": "/v1/chat/completions",
        "body": PAYLOAD,
        "status": 200,
        "response": response,
        "rawHeaders": list(raw_headers),
        "reqheaders": {"content-type": "application/json"},
        "responseIsBinary": False,
        **members,
    }


def test_what_nock_records(tmp_path: Path) -> None:
    kind = ("Content-Type", "text/event-stream")
    stream, packed, refused, binary, none = import_text(
        tmp_path,
        [
            definition(STREAM, *kind, "Set-Cookie", "a", "Set-Cookie", "b"),
            definition([GZIP[:20], GZIP[20:]], *kind, "Content-Encoding", "gzip"),
            definition({"error": {"n": 1}}, "Retry-After", "1", status=429),
            definition("fffe0001", responseIsBinary=True),
            definition("", method="GET", body="", status=204),
        ],
    )
    cookies = (("Set-Cookie", "a"), ("Set-Cookie", "b"))
    chunked = ("Transfer-Encoding", "chunked")
    assert body_of(stream) == body_of(packed) == STREAM.encode()
    assert stream.script.head == Head(200, (kind, *cookies, chunked))
    assert packed.script.head == Head(200, (kind, chunked))
    assert stream.about["request"] == {
        "method": "POST",
        "url": URL,
        "headers": [["content-type", "application/json"]],
        "json": PAYLOAD,
    }
    assert body_of(refused) == b'{"error":{"n":1}}'
    assert refused.script.head.status == 429
    assert body_of(binary) == b"\xff\xfe\x00\x01"
    assert none.script.head.status == 204
    assert "json" not in none.about["request"]


@pytest.mark.parametrize(
    ("members", "sent"),
    [
        ({"response": [1, {"a": 2}]}, b'[1,{"a":2}]'),
        ({"response": [GZIP]}, STREAM.encode()),
        ({"response": ["fffe", "00"], "responseIsBinary": True}, b"\xff\xfe\x00"),
        ({"rawHeaders": {"content-encoding": "gzip"}, "response": [b"hi".hex()]}, b"hi"),
        ({"rawHeaders": [["a", "b"]], "response": None}, b""),
    ],
)
def test_variants_of_a_response(tmp_path: Path, members: dict[str, Any], sent: bytes) -> None:
    (exchange,) = import_text(tmp_path, [definition("") | members])
    assert body_of(exchange) == sent


def test_members_may_be_missing(tmp_path: Path) -> None:
    least = {"scope": "http://localhost", "port": "8080", "path": "/v1", "reply": "404"}
    (exchange,) = import_text(tmp_path, least | {"body": "*", "contentType": "text/plain"})
    headers = (("Content-Type", "text/plain"), ("Content-Length", "0"))
    assert exchange.script.head == Head(404, headers)
    assert exchange.about["request"] == {
        "method": "GET",
        "url": "http://localhost:8080/v1",
        "headers": [],
    }


def test_a_path_may_be_a_pattern(tmp_path: Path) -> None:
    (exchange,) = import_text(tmp_path, [definition("a", path={"regex": "/v1/.*"})])
    assert body_of(exchange) == b"a"
    assert "request" not in exchange.about


def test_an_error_names_the_entry(tmp_path: Path) -> None:
    for wrong, message in [
        (definition("", "a"), "entry 2 is invalid: rawHeaders has a name without a value"),
        (definition("x", responseIsBinary=True), "entry 2 is invalid: a body is not valid hex"),
        (definition({}, responseIsBinary=True), "entry 2 is invalid: a binary response must be"),
        (definition([1], "Content-Encoding", "gzip"), "a compressed response must be a list of"),
        (definition("", status=1), "entry 2 is invalid: 1 is not an HTTP status"),
        ({"path": "/"}, "missing required field `scope` - at `$[1]`"),
    ]:
        assert message in error_of(tmp_path, [definition(""), wrong])
