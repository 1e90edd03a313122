"""Errors before the stream, as OpenAI words them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import MockOpenAI, Request, sse
from openai_mockserver.api import chat, errors
from openai_mockserver.api.validation.parameters import parameters_of
from openai_mockserver.dialects import find_dialect
from openai_mockserver.journal import Call
from openai_mockserver.reply import ApiError, Reply

MESSAGES = [{"role": "user", "content": "Hi"}]
GOOD = {"model": "gpt-4o", "messages": MESSAGES}


def respond(
    body: Any = GOOD, method: str = "POST", path: str = "/v1/chat/completions", **options: Any
) -> Call:
    """What a mock that says hello answers."""
    mock = MockOpenAI(**options)
    mock.reply("hello")
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return mock.respond(Request(method, path, (("Authorization", "Bearer sk-1"),), raw))


def error_of(call: Call) -> dict[str, Any]:
    """The error in a call's answer."""
    error: dict[str, Any] = json.loads(sse.body(call.script.steps))["error"]
    assert list(error) == ["message", "type", "param", "code"]
    return error


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'"x"', b"null"])
def test_a_body_that_is_no_json_object(body: bytes) -> None:
    call = respond(body)
    assert call.status == 400
    assert error_of(call)["message"].startswith("We could not parse the JSON body of your request.")
    assert call.problem is None, "the application's fault, not the test's"


BAD = [
    ({"messages": MESSAGES}, "you must provide a model parameter", None, None),
    (
        {"model": "m"},
        "Missing required parameter: 'messages'.",
        "messages",
        "missing_required_parameter",
    ),
    (GOOD | {"foo": 1}, "Unrecognized request argument supplied: foo", None, None),
    (
        GOOD | {"foo": 1, "bar": 2},
        "Unrecognized request arguments supplied: foo, bar",
        None,
        None,
    ),
    (
        GOOD | {"temperature": "hot"},
        "Invalid type for 'temperature': expected a decimal, but got a string instead.",
        "temperature",
        "invalid_type",
    ),
    (
        GOOD | {"stream": "yes"},
        "Invalid type for 'stream': expected a boolean, but got a string instead.",
        "stream",
        "invalid_type",
    ),
    (
        GOOD | {"n": 1.5},
        "Invalid type for 'n': expected an integer, but got a decimal instead.",
        "n",
        "invalid_type",
    ),
    (
        GOOD | {"n": True},
        "Invalid type for 'n': expected an integer, but got a boolean instead.",
        "n",
        "invalid_type",
    ),
    (
        GOOD | {"messages": "Hi"},
        "Invalid type for 'messages': expected an array of objects, but got a string instead.",
        "messages",
        "invalid_type",
    ),
    (
        GOOD | {"messages": []},
        "Invalid 'messages': empty array. "
        "Expected an array with minimum length 1, but got an empty array instead.",
        "messages",
        "empty_array",
    ),
    (
        GOOD | {"messages": [{"content": "Hi"}]},
        "Missing required parameter: 'messages[0].role'.",
        "messages[0].role",
        "missing_required_parameter",
    ),
    (
        GOOD | {"messages": [*MESSAGES, {"role": "robot", "content": "Hi"}]},
        "Invalid value: 'robot'. Supported values are: 'system', 'assistant', 'user', "
        "'function', 'tool', and 'developer'.",
        "messages[1].role",
        "invalid_value",
    ),
    (
        GOOD | {"messages": [{"role": "user", "content": 7}]},
        "Invalid type for 'messages[0].content': expected one of a string or array of objects, "
        "but got an integer instead.",
        "messages[0].content",
        "invalid_type",
    ),
    (
        GOOD | {"temperature": 3},
        "Invalid 'temperature': decimal above maximum value. "
        "Expected a value <= 2, but got 3 instead.",
        "temperature",
        "decimal_above_max_value",
    ),
    (
        GOOD | {"n": 0},
        "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        "n",
        "integer_below_min_value",
    ),
]


@pytest.mark.parametrize(("body", "message", "param", "code"), BAD)
def test_bad_parameters(body: Any, message: str, param: str | None, code: str | None) -> None:
    call = respond(body)
    assert call.status == 400
    assert error_of(call) == {
        "message": message,
        "type": "invalid_request_error",
        "param": param,
        "code": code,
    }


def test_every_parameter_of_the_sdk_is_known() -> None:
    from openai.types.chat import completion_create_params as sdk

    known = set(sdk.CompletionCreateParamsBase.__annotations__) | {"stream"}
    assert known == set(parameters_of("POST", chat.PATH).schema["properties"])


def test_null_is_as_good_as_absent() -> None:
    assert respond(GOOD | {"temperature": None, "tools": None, "stream": None}).status == 200


def test_lenient_lets_unknown_parameters_pass() -> None:
    assert respond(GOOD | {"foo": 1}, lenient=True).status == 200
    assert respond(GOOD | {"n": "x"}, lenient=True).status == 400


def test_a_path_that_is_none() -> None:
    call = respond(path="/v1/chat/completion")
    assert call.status == 404
    assert error_of(call)["message"] == "Invalid URL (POST /v1/chat/completion)"


def test_a_method_that_is_not_taken() -> None:
    call = respond(method="DELETE")
    assert call.status == 405
    assert error_of(call)["code"] == "method_not_supported"
    assert call.script.head.header("allow") == "POST, GET"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("sk-1", None),
        (
            "sk-other",
            "Incorrect API key provided: sk-1. You can find your API key at "
            "https://platform.openai.com/account/api-keys.",
        ),
    ],
)
def test_the_key_is_checked_where_one_is_set(key: str, message: str | None) -> None:
    call = respond(api_key=key)
    assert call.status == (401 if message else 200)
    if message:
        assert error_of(call)["message"] == message


def test_a_long_key_is_masked_as_openai_masks_it() -> None:
    """WIRE.md §6: recorded of keys of 11, 15 and 17 characters."""
    for key, shown in [
        ("invalid_key", "invalid_key"),
        ("FAKE-OPENAI-KEY", "FAKE-OPE***-KEY"),
        ("invalid-key-12345", "invalid-*****2345"),
    ]:
        assert f"provided: {shown}." in str(errors.invalid_api_key(key).message)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
def test_reading_an_error_gives_it_back(status: int) -> None:
    error = ApiError(status, param="x")
    assert chat.read(errors.render(error)) == error


def test_retry_after_and_own_headers_are_sent() -> None:
    error = ApiError(429, retry_after=2, headers=(("X-Request-ID", "req_1"), ("x-more", "1")))
    sent = [(k.lower(), v) for k, v in errors.render(error).head.headers]
    assert ("retry-after", "2") in sent
    assert ("x-more", "1") in sent
    assert [v for k, v in sent if k == "x-request-id"] == ["req_1"]


def test_bodies_are_those_that_were_recorded(shared: Path) -> None:
    """WIRE.md §6: the gateway indents by 4 and ends the line, the engine by 2 and does not."""
    seen = 0
    for line in (shared / "wire" / "errors_before_stream.jsonl").read_text().splitlines():
        recorded = json.loads(line)
        headers = {name.lower(): value for name, value in recorded["headers"]}
        exact = recorded["body"].startswith("{\n") and headers.get("server") == "cloudflare"
        if not exact or "openai" not in recorded["host"] or "responses" in recorded["url"]:
            continue
        error = json.loads(recorded["body"])["error"]
        said = ApiError(
            recorded["status"],
            error["message"],
            error["type"],
            error["code"] or "",
            error["param"],
        )
        rendered = errors.render(said)
        assert sse.body(rendered.steps).decode() == recorded["body"]
        assert rendered.head.header("content-type") == headers["content-type"]
        seen += 1
    assert seen >= 3


def test_members_of_a_providers_own_are_stated_and_read_back() -> None:
    """As recorded at Groq: a call that its model could not form."""
    own = {"failed_generation": "f(x)", "status_code": 400}
    error = ApiError(400, "Failed to call a function.", code="tool_use_failed", extra=own)
    script = chat.render(Reply("a", error=error), dialect="groq")
    assert '"failed_generation":"f(x)","status_code":400}}' in script.events[-1].data
    again = chat.read(script)
    assert isinstance(again, Reply)
    assert again.error is not None
    assert again.error.extra == own
    assert eval(repr(again.error)) == again.error


LIMITS = ("limit-requests", "limit-tokens", "remaining-requests", "remaining-tokens")


def limits(error: ApiError, dialect: str | None = None) -> list[str | None]:
    """What an error states of the limits, and when there is more of either."""
    head = errors.render(error, None, find_dialect(dialect)).head
    return [head.header(f"x-ratelimit-{name}") for name in (*LIMITS, "reset-requests")]


def test_an_error_at_a_limit_states_the_limits() -> None:
    assert limits(ApiError(429, retry_after=2)) == ["10000", "2000000", "0", "1999989", "2s"]
    tokens = ApiError(429, "Too many.", "tokens", retry_after=61.5)
    assert limits(tokens) == ["10000", "2000000", "9999", "0", "6ms"]
    assert errors.render(tokens).head.header("x-ratelimit-reset-tokens") == "1m1.5s"
    own = ApiError(429, headers=(("X-RateLimit-Remaining-Requests", "7"),))
    assert limits(own)[2] == "7"
    assert limits(ApiError(429), "groq")[:4] == ["14400", "15000", "0", "14985"]
    assert limits(ApiError(429), "azure")[:4] == ["10000", "2000000", "0", "1999989"]


@pytest.mark.parametrize("error", [ApiError(401), ApiError(429, code="insufficient_quota")])
def test_other_errors_of_the_gateway_state_none(error: ApiError) -> None:
    assert set(limits(error)) == {None}
