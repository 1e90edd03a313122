"""Import of httpmock's YAML, in the form of its `StaticMockDefinition`."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from imported import PAYLOAD, STREAM, body_of, error_of, import_text
from openai_mockserver import Event, Head, Raw

FIRST = """\
when:
  path: /v1/chat/completions
  method: POST
  query_param: []
  header:
  - name: content-type
    value: application/json
  body: '{"model":"m","stream":true}'
then:
  status: 200
  header:
  - name: content-type
    value: text/event-stream
  - {name: x, value: 1.10}
  body: |+
    data: {"a": "é"}

    data: [DONE]

"""
SECOND = """\
when:
  scheme: https
  host: api.example.org
  port: 8443
  path: /v1/files
  method: GET
  query_param:
  - {name: after, value: a b}
  json_body: {model: m, stream: true, n: 1, stop: null, user: '1'}
then:
  status: 429
  body_base64: //4=
  delay: 1500
"""


@pytest.mark.parametrize("start", ["", "---\n", "\ufeff", "\ufeff---\n", "# written by rig\n---\n"])
@pytest.mark.parametrize("between", ["---\n", "---\n\ufeff", "...\n---\n"])
@pytest.mark.parametrize("name", ["x.yaml", "x"])
def test_each_document_is_an_exchange(tmp_path: Path, start: str, between: str, name: str) -> None:
    stream, plain = import_text(tmp_path, start + FIRST + between + SECOND + "---\n", name)
    assert stream.script.steps == (Event('{"a": "é"}'), Event("[DONE]"))
    assert stream.script.head.headers[:2] == (("content-type", "text/event-stream"), ("x", "1.10"))
    assert stream.about["request"] == {
        "method": "POST",
        "url": "/v1/chat/completions",
        "headers": [["content-type", "application/json"]],
        "json": PAYLOAD,
    }
    assert plain.script.head == Head(429, (("Content-Length", "2"),), 1.5)
    assert plain.script.steps == (Raw(b"\xff\xfe"),)
    assert plain.about["name"] == "x-2"
    assert plain.about["request"] == {
        "method": "GET",
        "url": "https://api.example.org:8443/v1/files?after=a+b",
        "headers": [],
        "json": PAYLOAD | {"n": 1, "stop": None, "user": "1"},
    }


def test_lines_may_end_with_crlf(tmp_path: Path) -> None:
    (exchange,) = import_text(tmp_path, FIRST.replace("\n", "\r\n"), "x.yml")
    assert exchange.script.steps == (Event('{"a": "é"}'), Event("[DONE]"))


def test_a_long_body_on_a_single_line(tmp_path: Path) -> None:
    body = STREAM * 2000
    encoded = base64.b64encode(body.encode()).decode()
    text = f"when: {{}}\nthen: {{status: 200, body_base64: {encoded}}}\n"
    (exchange,) = import_text(tmp_path, text, "x.yaml")
    assert body_of(exchange) == body.encode()
    assert "request" not in exchange.about


def test_an_error_names_the_document(tmp_path: Path) -> None:
    for wrong, message in [
        (SECOND.replace("//4=", "'#'"), "entry 2 is invalid: a body is not valid base64"),
        (SECOND.replace("429", "9"), "entry 2 is invalid: 9 is not an HTTP status"),
        ("when: {}\n", "entry 2 is invalid: it does not have the expected shape: "),
    ]:
        text = f"{FIRST}---\n{wrong}"
        assert error_of(tmp_path, text, "x.yaml").startswith(
            f"it looks like a httpmock file, but {message}"
        )


def test_rig_says_how_a_body_is_encoded(tmp_path: Path) -> None:
    """A body that is no UTF-8, as the audio of speech, is base64 under the same name."""
    text = "when: {path: /v1/audio/speech, method: POST, body: /w==, body_encoding: base64}\n"
    text += "then:\n  status: 200\n  body: //4=\n  body_encoding: base64\n"
    (exchange,) = import_text(tmp_path, text, "x.yaml")
    assert body_of(exchange) == b"\xff\xfe"
    assert exchange.about["request"]["base64"] == "/w=="
    assert "body_encoding must be utf8 or base64, not 'hex'" in error_of(
        tmp_path, text.replace("encoding: base64", "encoding: hex"), "x.yaml"
    )


def test_a_bank_of_rig_has_replies_without_requests(tmp_path: Path) -> None:
    bank = "# The reply bank\nprovider: x\nencoder: POST /v1/chat/completions\nshape: a1\n"
    bank += "calls: []\nends: [stop]\n" + FIRST[FIRST.index("then:") :]
    (exchange,) = import_text(tmp_path, bank, "x.yaml")
    assert exchange.script.steps == (Event('{"a": "é"}'), Event("[DONE]"))
    request = {"method": "POST", "url": "/v1/chat/completions", "headers": []}
    assert exchange.about["request"] == request


def test_a_turn_on_a_websocket_is_refused(tmp_path: Path) -> None:
    """rig records a turn as a response with the status 101, whose events are the messages."""
    turn = FIRST.replace("status: 200", "status: 101")
    assert "entry 2 is invalid: it contains a WebSocket session" in error_of(
        tmp_path, f"{FIRST}---\n{turn}", "x.yaml"
    )
