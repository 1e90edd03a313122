"""What a list of calls shows of a response: its first event, its end and its faults."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from openai_mockserver import ApiError, Reply, ToolCall
from openai_mockserver.faults import truncate
from steered import Steered


def read_calls(steered: Steered) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = steered.http.get("/_mock/calls").json()["calls"]
    return calls


def test_ttft_of_a_paced_stream(steered: Steered) -> None:
    steered.mock.reply("Hello", pace="0.05,0")
    steered.ask(stream=True)
    steered.ask()
    stream, whole = read_calls(steered)
    assert 0.049999 < stream["ttft"] <= stream["seconds"]
    assert whole["ttft"] is None


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", ["chat/completions", "responses"])
def test_finish_reasons(steered: Steered, path: str, stream: bool) -> None:
    trap = '"finish_reason":"length","type":"response.failed"'
    steered.mock.reply(trap, ToolCall("f", {}), Reply("cut", finish_reason="length"), ApiError(429))
    body = {"model": "gpt-4o", "stream": stream}
    if path == "responses":
        body |= {"input": "Hi"}
    else:
        body |= {"messages": [{"role": "user", "content": "Hi"}]}
    for _ in range(4):
        steered.http.post(f"/v1/{path}", json=body)
    expected = ["stop", "tool_calls", "length", None]
    if path == "responses":
        expected = ["completed", "completed", "incomplete", None]
    assert [call["finish_reason"] for call in read_calls(steered)] == expected


def test_an_end_that_was_never_received_is_not_shown(steered: Steered) -> None:
    steered.mock.reply("Hello", faults=[truncate(after=2)])
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with pytest.raises(httpx.RemoteProtocolError):
        steered.http.post("/v1/chat/completions", json=body)
    (call,) = read_calls(steered)
    assert call["finish_reason"] is None
    assert call["faults"] == ["truncate(after=2)"]


def test_only_faults_that_happened_are_listed(steered: Steered) -> None:
    steered.http.patch(
        "/_mock/settings", json={"faults": ["drop_done", {"truncate": {"after": 99}}]}
    )
    steered.mock.reply("Hello", faults=[])
    steered.ask(stream=True)
    (call,) = read_calls(steered)
    assert call["faults"] == ["drop_done()"]
    assert len(call["warnings"]) == 1
