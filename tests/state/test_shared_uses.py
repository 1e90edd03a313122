"""Rules with several replies: they come in turn, whichever process answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec.json
import pytest

from openai_mockserver import ApiError, MockOpenAI, Request, sse
from redis_server import needs_redis, running_redis


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=needs_redis)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "sqlite":
        yield tmp_path / "state.sqlite"
    else:
        with running_redis(tmp_path) as server:
            yield server.url


@pytest.fixture
def mocks(place: Any) -> list[MockOpenAI]:
    """Two mocks as in two processes."""
    return [MockOpenAI(state=place) for _ in range(2)]


def ask(mock: MockOpenAI, text: str = "Hi") -> str:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    call = mock.respond(Request("POST", "/v1/chat/completions", body=msgspec.json.encode(body)))
    call.end()
    value = msgspec.json.decode(sse.body(call.script.steps))
    if "error" in value:
        return str(value["error"]["message"])
    return str(value["choices"][0]["message"]["content"])


def test_replies_come_in_turn_and_the_last_repeats(mocks: list[MockOpenAI]) -> None:
    rules = [mock.reply("one", "two", "three") for mock in mocks]
    assert [ask(mocks[number % 2]) for number in range(5)] == [
        "one",
        "two",
        "three",
        "three",
        "three",
    ]
    assert [rule.use_count for rule in rules] == [5, 4], "as many as it knows of"


def test_a_limit_holds_for_all(mocks: list[MockOpenAI]) -> None:
    for mock in mocks:
        mock.reply("older")
        mock.reply("one", "two", times=3)
    answers = [ask(mocks[number % 2]) for number in range(5)]
    assert answers == ["one", "two", "two", "older", "older"]


def test_rules_with_the_same_patterns_count_for_themselves(mocks: list[MockOpenAI]) -> None:
    for mock in mocks:
        mock.on(user="Hi").reply("a", "b")
        mock.on(user="Hi").reply("c", "d", times=2)
        mock.on(user="Ho").reply("e", "f")
    assert [ask(mocks[number % 2]) for number in range(4)] == ["c", "d", "a", "b"]
    assert [ask(mocks[1], "Ho"), ask(mocks[0], "Ho")] == ["e", "f"]


def test_other_replies_begin_again(mocks: list[MockOpenAI]) -> None:
    mocks[0].reply(ApiError(500, "one"), "two")
    assert ask(mocks[0]) == "one"
    mocks[1].reply(ApiError(500, "first"), "second")
    assert ask(mocks[1]) == "first"


def test_a_reset_begins_again(mocks: list[MockOpenAI]) -> None:
    for mock in mocks:
        mock.reply("one", "two")
        mock.rules.pin()
    assert [ask(mock) for mock in mocks] == ["one", "two"]
    mocks[0].reset()
    assert [ask(mock) for mock in mocks] == ["one", "two"]
    mocks[1].rules.clear()
    assert [ask(mock) for mock in mocks] == ["one", "two"]


def test_functions_are_counted_too(mocks: list[MockOpenAI]) -> None:
    for mock in mocks:
        mock.reply(lambda request: "one", "two")
    assert [ask(mock) for mock in mocks] == ["one", "two"]


@needs_redis
def test_a_rule_with_one_reply_asks_nobody(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        mock = MockOpenAI(state=server.url)
        mock.reply("always")
        server.stop()
        assert ask(mock) == "always"
