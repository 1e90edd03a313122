"""A call as something to copy: what is copied works."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

import httpx
import pytest
import yaml

from openai_mockserver import ApiError, MockOpenAI, Reply, ToolCall, cassettes
from openai_mockserver.control.highlights import show_fault
from openai_mockserver.faults import Fault, drop_done, malformed, reset, stall, truncate
from steered import Steered

HI = [{"role": "user", "content": "Hi there"}]
NASTY = 'It\'s """fine"""\n\\o/ ünï $HOME `id` <script>\x00\x1b[0m'


def send(steered: Steered, path: str = "chat/completions", **members: Any) -> httpx.Response | None:
    body: dict[str, Any] = {"model": "gpt-4o"}
    body |= {"input": "Hi there"} if path == "responses" else {}
    body |= {"messages": HI} if path == "chat/completions" else {}
    try:
        return steered.http.post(f"/v1/{path}", json=body | members, timeout=0.5)
    except httpx.HTTPError:
        return None


def get_copy(steered: Steered, kind: str, number: int = 1) -> str:
    response = steered.http.get(f"/_mock/calls/{number}/{kind}")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    return response.text


# A test


def run_test(code: str) -> MockOpenAI:
    """Run a copied test with another mock, and return that."""
    namespace: dict[str, Any] = {}
    exec(compile(code, "<copied>", "exec"), namespace)
    (test,) = (value for name, value in namespace.items() if name.startswith("test_"))
    with MockOpenAI() as mock:
        test(mock, mock.client(max_retries=0, timeout=5))
    return mock


@pytest.mark.slow
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", ["chat/completions", "responses", "completions"])
@pytest.mark.parametrize(
    "reply",
    [
        NASTY,
        Reply("cut", finish_reason="length"),
        ToolCall("f", {"a": 'b"c'}),
        ApiError(429, retry_after=2),
    ],
    ids=lambda reply: type(reply).__name__,
)
def test_a_copied_test_passes(steered: Steered, path: str, stream: bool, reply: object) -> None:
    if path == "completions" and isinstance(reply, ToolCall):
        pytest.skip("that endpoint has no tool calls")
    steered.mock.reply(reply)
    prompt = {"prompt": "Hi there"} if path == "completions" else {}
    send(steered, path, stream=stream, **prompt)
    code = get_copy(steered, "test")
    mock = run_test(code)
    assert mock.calls[0].json == steered.mock.calls[0].json
    assert mock.calls[0].status == steered.mock.calls[0].status
    assert "def test_call_1(mock_openai, openai_client):" in code


FAULTS = [reset(after=2), truncate(after=1), malformed(at=1), drop_done(), stall(after=2)]


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_a_copied_test_has_the_faults(steered: Steered, fault: Fault) -> None:
    steered.mock.reply("Hello, world", faults=[fault])
    send(steered, stream=True)
    code = get_copy(steered, "test")
    assert f"from openai_mockserver.faults import {fault.name}\n" in code
    assert "mock_openai.reply('Hello, world', faults=[" in code
    (call,) = run_test(code).calls
    assert [show_fault(one) for one in call.faults] == [show_fault(fault)]


def test_what_cannot_be_said_shortly_is_a_stream_file(steered: Steered) -> None:
    steered.mock.reply(NASTY, "other", faults=[malformed(at=1)])  # which of them is not known
    send(steered, stream=True)
    code = get_copy(steered, "test")
    assert "loads(STREAM.encode())" in code
    (call,) = run_test(code).calls
    assert call.script.events == steered.mock.calls[0].script.events


def test_a_copied_test_sends_parameters_that_the_sdk_does_not_know(steered: Steered) -> None:
    steered.mock.options = steered.mock.options.__class__(lenient=True)
    steered.mock.reply("Hello")
    send(steered, foo=[1, None])
    code = get_copy(steered, "test").replace(
        "mock_openai.reply", "mock_openai.lenient = True; \\\n    mock_openai.reply"
    )
    assert run_test(code).calls[0].json["foo"] == [1, None]


def test_a_copied_test_names_the_dialect(steered: Steered) -> None:
    steered.http.patch("/_mock/settings", json={"dialect": "groq"})
    steered.mock.reply("Hello")
    send(steered, stream=True)
    assert "mock_openai.reply('Hello', dialect='groq')" in get_copy(steered, "test")


# A rule


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "reply",
    [NASTY, ToolCall("f", {"a": 1}), ApiError(429, retry_after=2), Reply("a", reasoning="b")],
    ids=lambda reply: type(reply).__name__,
)
def test_a_copied_rule_answers_alike(steered: Steered, reply: object, stream: bool) -> None:
    steered.mock.reply(reply)
    send(steered, stream=stream)
    rules = yaml.safe_load(get_copy(steered, "rule"))
    assert steered.http.put("/_mock/rules", json=rules).status_code == 200
    send(steered, stream=stream)
    files = [steered.http.get(f"/_mock/calls/{n}/response").content for n in (1, 2)]
    first, second = (cassettes.loads(file)[0].as_reply() for file in files)
    assert first == second
    assert steered.mock.rules[0].use_count == 1


def test_a_copied_rule_has_the_faults(steered: Steered) -> None:
    steered.mock.reply("Hello, world", faults=[reset(after=2)])
    send(steered, stream=True)
    (rule,) = yaml.safe_load(get_copy(steered, "rule"))["rules"]
    assert rule == {
        "user": "Hi there",
        "reply": "Hello, world",
        "faults": [{"reset": {"after": 2}}],
    }
    response = steered.http.put(
        "/_mock/rules",
        content=get_copy(steered, "rule"),
        headers={"content-type": "application/yaml"},
    )
    assert response.status_code == 200, response.text


# curl


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("prefix", ["", "/s/w1"])
def test_a_copied_command_works(steered: Steered, prefix: str) -> None:
    if prefix:
        steered.http.post("/_mock/sandboxes", json={"id": "w1", "rules": [{"reply": "Hello"}]})
    steered.mock.reply("Hello")
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": NASTY}], "stream": True}
    steered.http.post(f"{prefix}/v1/chat/completions?a=b%20c", json=body)
    command = steered.http.get(f"{prefix}/_mock/calls/1/curl").text
    ran = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=True,
        env=os.environ | {"OPENAI_API_KEY": "any", "no_proxy": "*"},
    )  # fmt: skip
    assert ran.stdout.endswith("data: [DONE]\n\n")
    first, second = (
        steered.http.get(f"{prefix}/_mock/calls/{n}").json()["request"] for n in (1, 2)
    )
    assert first["json"] == second["json"] == body
    assert first["url"] == second["url"] == "/v1/chat/completions?a=b%20c"


def test_a_request_without_a_body(steered: Steered) -> None:
    steered.http.get("/v1/models")
    assert f"curl -N {steered.url}/v1/models -X GET" in get_copy(steered, "curl")
    response = steered.http.get("/_mock/calls/1/test")
    assert response.status_code == 409
    assert response.json()["detail"] == "the body of call 1 is not a JSON object"


def test_no_copy_has_a_secret(steered: Steered) -> None:
    key = "sk-1234567890abcdefABCDEF123456"
    steered.mock.reply("Hello")
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"my key is {key}"}]}
    steered.http.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"})
    for kind in ("curl", "test", "rule", "near-misses", "events", "response"):
        assert "sk-1234" not in steered.http.get(f"/_mock/calls/1/{kind}").text, kind
