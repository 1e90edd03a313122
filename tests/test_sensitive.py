"""Secrets: reprs, messages and recordings hide what the one list names."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import MockOpenAI, Request, UnmatchedRequest
from openai_mockserver.cassettes.matching import AS_RECORDED, IsRecorded, explain_difference
from openai_mockserver.cassettes.recorded_request import RequestKey
from openai_mockserver.cassettes.recorder import Recorder
from openai_mockserver.cassettes.redact import Redactor
from openai_mockserver.script import Head
from openai_mockserver.sensitive import is_secret_header, is_secret_parameter, spell_controls

SECRET = "s3cret-value-0123456789"
NAMES = [
    "Authorization",
    "Proxy-Authorization",
    "api-key",
    "x-goog-api-key",
    "x-amz-security-token",
    "Cookie",
    "llm_provider-set-cookie",
    "ocp-apim-subscription-key",
]
BODY = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'


@pytest.mark.parametrize("name", NAMES)
def test_no_repr_and_no_message_shows_a_secret_header(name: str) -> None:
    mock = MockOpenAI()
    mock.on(headers={name: f"{SECRET}-other"}).reply("Hi")
    request = Request("POST", "/v1/chat/completions", [(name, SECRET)], BODY)
    call = mock.respond(request)
    assert SECRET not in repr(call.headers)
    assert call.headers[name] == SECRET
    with pytest.raises(UnmatchedRequest) as error:
        mock.check()
    assert SECRET not in str(error.value)
    assert name.lower() in str(error.value).lower()


@pytest.mark.parametrize("name", NAMES)
def test_a_header_that_is_not_shown_is_not_recorded_either(name: str) -> None:
    redaction = Redactor().begin([(name, SECRET)])
    assert SECRET not in str(redaction.redact_headers([(name, SECRET)]))


def test_a_key_in_a_header_of_any_name_is_not_shown() -> None:
    request = Request("POST", "/", [("x-note", "use sk-abcdefghijklmnop1234 today")])
    assert repr(request.headers) == "Headers({'x-note': 'use … today'})"


@pytest.mark.parametrize("name", ["content-type", "x-request-id", "accept", "user-agent"])
def test_other_headers_are_shown(name: str) -> None:
    assert not is_secret_header(name)
    assert "plain" in repr(Request("GET", "/", [(name, "plain")]).headers)


def test_secret_parameters_of_a_query() -> None:
    assert is_secret_parameter("API-Key")
    assert not is_secret_parameter("limit")


# Text from outside stays on its line of the log and cannot control a terminal

HOSTILE = "\n\r\t\x1b[2J\x00\x7f\x9b\u202e\u2028\ufeff"
ESCAPED = r"\n\r\t\x1b[2J\x00\x7f\x9b\u202e\u2028\ufeff"


def has_controls(text: str) -> bool:
    """Return whether a terminal would break the line or interpret a part of it."""
    return any(char in text for char in HOSTILE if char not in "[2J")


@given(st.text())
def test_an_escaped_text_is_one_line_and_stays_the_same_if_escaped_again(text: str) -> None:
    line = spell_controls(text)
    assert len(line.splitlines()) <= 1
    assert not has_controls(line)
    assert spell_controls(line) == line


def test_visible_characters_stay() -> None:
    assert spell_controls("größe 日本 🎉 a\\n") == "größe 日本 🎉 a\\n"
    assert spell_controls(HOSTILE) == ESCAPED
    assert spell_controls("\u200d\u200c", but="\u200d") == "\u200d\\u200c"


@pytest.mark.parametrize(
    ("name", "model"),
    [("a%0a12:00:00%20%232", "a 12:00:00 #2"), ("%1b[2J%c2%9b%e2%80%ae", r"\x1b[2J\x9b\u202e")],
)
def test_the_path_of_a_request_stays_on_its_line(
    name: str, model: str, mock_openai: MockOpenAI
) -> None:
    mock_openai.on(model="another").reply("x")
    place = mock_openai.base_url.removeprefix("http://").removesuffix("/v1")
    host, port = place.split(":")
    body = b'{"messages": [{"role": "user", "content": "\\u009b"}]}'
    path = f"/openai/deployments/{name}/chat/completions?api-version=2024-10-21"
    with socket.create_connection((host, int(port)), 5) as client:
        head = f"Host: {place}\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(f"POST {path} HTTP/1.1\r\n{head}".encode() + body)
        assert client.recv(1)
    (call,) = mock_openai.calls
    assert call.ended
    line = call.line()
    assert not has_controls(line)
    escaped_name = spell_controls(unquote(name))
    assert f"/openai/deployments/{escaped_name}/chat/completions {model} '" in line
    with pytest.raises(AssertionError, match="no rule matches") as error:
        mock_openai.check()
    assert not has_controls(str(error.value).replace("\n", ""))
    mock_openai.calls.clear()


def test_messages_about_recordings_stay_on_their_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = RequestKey("POST", f"/v1/{HOSTILE}", body=f"{HOSTILE}\u202e")
    assert repr(IsRecorded(key)) == f"the recorded POST /v1/{ESCAPED}"
    difference = explain_difference(RequestKey("POST", "/v1/x"), [key], AS_RECORDED)
    assert not has_controls(difference.replace("\n", ""))
    with caplog.at_level(logging.WARNING, "openai_mockserver"):
        exchange = Recorder(tmp_path).begin(Request("POST", f"/v1/{HOSTILE}"), "http://up")
        exchange.record_head(Head(200, (("Content-Encoding", "compress"),)))
        exchange.close()
    (record,) = caplog.records
    assert f"response body of /v1/{ESCAPED} is" in record.getMessage()
