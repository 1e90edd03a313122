"""Test an application that streams from OpenAI, offline and unchanged."""

from __future__ import annotations

import openai
import pytest
from openai import OpenAI

from openai_mockserver import ApiError, MockOpenAI, Pace, Reply, ToolCall
from openai_mockserver.faults import reset


def ask(question: str) -> str:
    """Ask a question, as the application does in production."""
    answer = ""
    stream = OpenAI().chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": question}], stream=True
    )
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            answer += chunk.choices[0].delta.content
    return answer


def test_it_answers(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello, world")
    assert ask("Hi") == "Hello, world"
    assert mock_openai.calls[0].messages[-1]["content"] == "Hi"


def test_it_retries(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(ApiError(429), "second try works")
    assert ask("Hi") == "second try works"


def test_it_notices_a_broken_connection(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello, world", faults=[reset(after=3)])
    with pytest.raises(openai.APIConnectionError):
        ask("Hi")
    assert mock_openai.calls[0].delivered.events == 3


def test_a_slow_stream_takes_no_time(mock_openai: MockOpenAI, openai_client: OpenAI) -> None:
    mock_openai.on(user="story").reply(Reply("Once upon a time", finish_reason="length"))
    mock_openai.on(user="weather").reply(ToolCall("get_weather", {"city": "Paris"}))
    mock_openai.pace = Pace(ttft=4, itl=2)
    for question, finish_reason in [("story", "length"), ("weather", "tool_calls")]:
        stream = openai_client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": question}], stream=True
        )
        *_, last = stream
        assert last.choices[0].finish_reason == finish_reason
    assert mock_openai.clock.now > 15
