"""What is secret is shown nowhere: one list for reprs, messages and recordings."""

from __future__ import annotations

import pytest

from openai_mockserver import MockOpenAI, Request, UnmatchedRequest
from openai_mockserver.cassettes.redact import Redactor
from openai_mockserver.sensitive import is_secret_header, is_secret_parameter

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
    with pytest.raises(UnmatchedRequest) as told:
        mock.check()
    assert SECRET not in str(told.value)
    assert name.lower() in str(told.value).lower()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_shown_is_not_recorded_either(name: str) -> None:
    redaction = Redactor().stream([(name, SECRET)])
    assert SECRET not in str(redaction.headers([(name, SECRET)]))


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
