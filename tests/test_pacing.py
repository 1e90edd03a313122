"""Pace puts pauses into a script."""

from __future__ import annotations

from statistics import median
from typing import Any

import pytest

from openai_mockserver.api import chat
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.pacing import PROFILES, Pace, profile
from openai_mockserver.reply import Reply
from openai_mockserver.script import Comment, Event, Pause, Script
from openai_mockserver.timeline import frames

STREAM = chat.render(Reply("one two three"))


def test_the_first_token_comes_with_the_role_and_done_with_the_finish() -> None:
    """role, one | two | three | finish, [DONE]"""
    slow_stream = Pace(ttft=0.4, itl=0.02)(STREAM)
    assert slow_stream.head.delay == 0.4
    assert [round(frame.due, 3) for frame in frames(slow_stream)] == [0, 0, 0.02, 0.04, 0.06, 0.06]
    assert slow_stream.events == STREAM.events


def test_no_itl_puts_no_pauses() -> None:
    assert Pace(ttft=1)(STREAM).steps == STREAM.steps


def test_comments_are_not_paced() -> None:
    script = Script(steps=(Event("a"), Event("b"), Comment("c"), Event("d")))
    assert Pace(itl=1)(script).steps == (*script.steps[:3], Pause(1), Event("d"))


def test_jitter_stays_within_its_bounds_and_a_seed_repeats_it() -> None:
    stream = chat.render(Reply("word " * 200))
    pace = Pace(ttft=0.4, itl=0.02, jitter=0.01, seed=1)
    gaps = [step.seconds for step in pace(stream).steps if isinstance(step, Pause)]
    assert 0.01 <= min(gaps) < 0.012 < 0.028 < max(gaps) <= 0.03
    assert pace(stream) == pace(stream)
    assert Pace(itl=0.02, jitter=0.01)(stream) != Pace(itl=0.02, jitter=0.01)(stream)


def test_gaps_are_never_negative() -> None:
    slow_stream = Pace(itl=0.001, jitter=1, seed=1)(chat.render(Reply("word " * 50)))
    assert slow_stream.head.delay >= 0


@pytest.mark.parametrize("kind", ["constant", "uniform", "normal", "lognormal"])
def test_gaps_are_drawn_from_a_distribution(kind: str) -> None:
    stream = chat.render(Reply("word " * 2000))
    slow_stream = Pace(itl=0.02, jitter=0.005, seed=1, distribution=kind)(stream)
    gaps = sorted(step.seconds for step in slow_stream.steps if isinstance(step, Pause))
    assert median(gaps) == pytest.approx(0.02, rel=0.02)
    spread = gaps[-1] - gaps[0]
    assert (spread == 0) is (kind == "constant")


def test_some_gaps_are_stalls() -> None:
    stream = chat.render(Reply("word " * 1000))
    slow_stream = Pace(itl=0.02, seed=1, stall_chance=0.1, stall_seconds=5)(stream)
    stalls = sum(step.seconds > 5 for step in slow_stream.steps if isinstance(step, Pause))
    assert 60 < stalls < 140


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"distribution": "zipf"}, "one of constant"), ({"stall_chance": 2}, "from 0 to 1")],
)
def test_an_unknown_distribution_and_a_wrong_chance_are_refused(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(MockServerError, match=message):
        Pace(**arguments)


@pytest.mark.parametrize("arguments", [{"ttft": -1}, {"itl": float("inf")}, {"jitter": "x"}])
def test_a_pace_consists_of_times(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be a number, 0 or more"):
        Pace(**arguments)  # type: ignore[arg-type]


def test_profiles_have_names() -> None:
    assert all(profile(name) is pace for name, pace in PROFILES.items())
    assert profile("0.4,0.02,0.01") == Pace(0.4, 0.02, 0.01)


@pytest.mark.parametrize("name", ["", "gpt-9", "1", "1,2,3,4", "1,x"])
def test_an_unknown_profile_is_an_error(name: str) -> None:
    with pytest.raises(MockServerError, match="unknown pace"):
        profile(name)
