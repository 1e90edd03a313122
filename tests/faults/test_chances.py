"""Replies and faults by chance, and errors that a request's header asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openai_mockserver import (
    ApiError,
    Call,
    FaultError,
    MockOpenAI,
    Request,
    ScenarioError,
    faulty,
    scenario,
)
from openai_mockserver.faults import chance, latency, parse, reset, truncate
from openai_mockserver.script import Script

COUNT = 60


def ask(mock: MockOpenAI, **headers: str) -> Call:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    names = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return mock.respond(Request("POST", "/v1/chat/completions", names, json.dumps(body).encode()))


def count_resets(mock: MockOpenAI, **headers: str) -> int:
    return sum(ask(mock, **headers).script.end == "reset" for _ in range(COUNT))


# Replies


def test_a_rule_answers_by_chance_and_an_older_one_otherwise() -> None:
    statuses = []
    for _ in range(2):
        mock = MockOpenAI(seed=1)
        mock.reply("Hello")
        rule = mock.reply(ApiError(503), chance=0.25)
        statuses.append([ask(mock).status for _ in range(COUNT)])
        assert rule.use_count == statuses[-1].count(503)
    assert statuses[0] == statuses[1], "the seed fixes which"
    assert 5 < statuses[0].count(503) < 30
    mock.seed = 2
    assert [ask(mock).status for _ in range(COUNT)] != statuses[0]


def test_without_a_seed_chance_is_random() -> None:
    mock = MockOpenAI()
    mock.reply("Hello")
    mock.reply(ApiError(503), chance=0.5)
    assert {ask(mock).status for _ in range(COUNT)} == {200, 503}


def test_a_chance_that_does_not_come_up_is_explained() -> None:
    mock = MockOpenAI()
    mock.reply("Hello", chance=0)
    assert "on(): it answers by chance=0, and not this time" in str(ask(mock).problem)


# Faults


def test_faults_happen_by_chance() -> None:
    mock = MockOpenAI(seed=1)
    mock.reply("one two three", faults=[chance(0.25, reset(after=1)), latency(1)])
    calls = [ask(mock) for _ in range(COUNT)]
    assert all(call.script.head.delay == 1 for call in calls)
    assert 5 < sum(call.script.end == "reset" for call in calls) < 30
    mock.reset()
    mock.reply("one two three", faults=[chance(0.25, reset(after=1)), latency(1)])
    assert [ask(mock).script.end for _ in range(COUNT)] == [call.script.end for call in calls]


def test_the_faults_of_a_reply_happen_together() -> None:
    mock = MockOpenAI(seed=1)
    mock.reply(faulty("one two three", latency(1), reset(after=1), chance=0.5))
    outcomes = {(c.script.head.delay, c.script.end) for c in (ask(mock) for _ in range(COUNT))}
    assert outcomes == {(1, "reset"), (0, "finish")}


def test_a_fault_by_chance_that_cannot_happen_is_an_error() -> None:
    mock = MockOpenAI()
    mock.reply("Hello", faults=chance(1, reset(after=99)))
    assert "reset(after=99) never happens" in str(ask(mock).problem)


def test_called_by_itself_it_happens() -> None:
    script = chance(0, latency(1), truncate(after=0))(Script())
    assert (script.head.delay, script.end) == (1, "truncate")


@pytest.mark.parametrize("probability", [-0.1, 1.5, True, "0.5"])
def test_a_probability_is_a_number_from_0_to_1(probability: float) -> None:
    with pytest.raises(FaultError, match="from 0 to 1"):
        chance(probability, latency(1))
    with pytest.raises(FaultError, match="from 0 to 1"):
        MockOpenAI().reply("x", chance=probability)
    with pytest.raises(FaultError, match="at least one fault"):
        faulty("x", chance=0.5)


def test_any_fault_may_be_written_with_a_chance() -> None:
    faults = parse("reset; after=3; chance=0.2, latency(1, chance=0.5), latency(2)")
    assert repr(faults) == "[chance(0.2, reset(after=3)), chance(0.5, latency(seconds=1)), " + (
        "latency(seconds=2)]"
    )


# Scenarios and headers


def test_scenarios_have_chances(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(
        """
        seed: 1
        rules:
        - {reply: one two, faults: [{reset: {after: 1, chance: 0.5}}]}
        - {reply: {error: {status: 503}}, chance: 0.25}
        """
    )
    mock = MockOpenAI()
    scenario.add_rules(mock, file)
    calls = [ask(mock) for _ in range(COUNT)]
    assert {(call.status, call.script.end) for call in calls} == {
        (503, "finish"),
        (200, "finish"),
        (200, "reset"),
    }
    file.write_text("rules: [{reply: a, chance: 2}]")
    with pytest.raises(ScenarioError, match=r"rules\[0\]: chance=2.*from 0 to 1"):
        scenario.add_rules(mock, file)


def test_a_header_asks_for_an_error() -> None:
    mock = MockOpenAI(header_faults=True, seed=1)
    mock.reply("Hello")
    call = ask(mock, x_mockserver_error="429; retry_after=2; message=Slow down")
    assert (call.status, call.script.head.header("retry-after")) == (429, "2")
    assert (call.problem, call.rule) == (None, None)
    assert ask(mock).status == 200
    statuses = [ask(mock, x_mockserver_error="503; chance=0.5").status for _ in range(COUNT)]
    assert set(statuses) == {200, 503}
    assert 5 < count_resets(mock, x_mockserver_fault="reset; after=1; chance=0.5") < 55


def test_a_header_is_obeyed_only_where_that_is_allowed() -> None:
    mock = MockOpenAI()
    mock.reply("Hello")
    assert ask(mock, x_mockserver_error="429").status == 200


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("many", "must begin with a status"),
        ("200", "from 400 to 599"),
        ("429; retry_aftr=2", "retry_aftr: there is no such key"),
        ("429; retry_after", "must have the form name=value"),
        ("429; chance=2", "from 0 to 1"),
    ],
)
def test_a_mistake_in_a_header_is_reported(text: str, message: str) -> None:
    mock = MockOpenAI(header_faults=True)
    mock.reply("Hello")
    call = ask(mock, x_mockserver_error=text)
    assert call.status == 400
    assert message in str(call.problem)
