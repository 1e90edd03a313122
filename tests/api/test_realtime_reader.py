"""Replies read back from the events of Realtime responses."""

from __future__ import annotations

from typing import Any

import pytest

from openai_mockserver import ApiError, MockOpenAI, Reply, ToolCall, Usage
from openai_mockserver.api import read
from openai_mockserver.api.realtime import reader
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.script import Event, Script
from realtime_player import RealtimePlayer

REPLIES = [
    Reply("Hello, world", usage=Usage(9, 30, prompt_audio_tokens=4)),
    Reply(
        ["Hel", "lo"], tool_calls=[ToolCall("get_weather", {"city": "Paris"})], usage=Usage(9, 8)
    ),
    Reply("Hel", finish_reason="length", usage=Usage(9, 8)),
    Reply("Hel", error=ApiError(500, "Broken.", "server_error", "broken")),
]


@pytest.mark.parametrize("dialect", [None, "azure", "azure-voice-live"])
@pytest.mark.parametrize("reply", REPLIES, ids=repr)
def test_a_reply_is_read_back(reply: Reply, dialect: str | None) -> None:
    mock = MockOpenAI()
    mock.reply(reply)
    player = RealtimePlayer(mock, dialect)
    player.say("response.create")
    player.run(0)
    assert read(mock.calls[-1].script) == reply


def test_another_provider_does_not_cut_arguments() -> None:
    mock = MockOpenAI()
    mock.reply(ToolCall("get_weather", {"city": "Paris"}, "call_1"))
    player = RealtimePlayer(mock, "xai")
    player.say("response.create")
    player.run(0)
    result: Any = read(mock.calls[-1].script)
    assert result.tool_calls == (ToolCall("get_weather", ['{"city":"Paris"}'], "call_1"),)
    assert result.usage.prompt_tokens > 0


def test_what_is_no_response_is_an_error() -> None:
    with pytest.raises(ReplyError, match="no events of a Realtime response"):
        reader.read(Script(steps=(Event('{"type":"error"}'),)))
