"""Replies read back from what has been said in a Live session."""

from __future__ import annotations

import pytest

from live_player import LivePlayer
from openai_mockserver import ApiError, MockOpenAI, Reply, ToolCall
from openai_mockserver.api import read
from openai_mockserver.api.live import reader
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.script import Event, Script

REPLIES = [
    Reply(["Hel", "lo"]),
    Reply("Let me see.", tool_calls=ToolCall("delegate")),
    Reply(tool_calls=ToolCall("delegate")),
    Reply("Hel", error=ApiError(500, "Broken.", "server_error", "broken")),
    ApiError(500, "Broken.", "server_error", "broken"),
]


@pytest.mark.parametrize("reply", REPLIES, ids=repr)
def test_a_reply_is_read_back(reply: Reply | ApiError) -> None:
    mock = MockOpenAI()
    mock.on(endpoint="audio/transcriptions").reply("How are you?")
    mock.on(endpoint="live").reply(reply)
    player = LivePlayer(mock)
    player.start()
    player.ask()
    hearing, answer = mock.calls
    assert read(hearing.script) == Reply("How are you?")
    assert reader.read(answer.script) == reply


def test_what_says_nothing_is_an_error() -> None:
    with pytest.raises(ReplyError, match="nothing is said"):
        reader.read(Script(steps=(Event('{"type":"session.started"}'),)))
