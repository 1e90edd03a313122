"""Engines by name, with overrides, and what the sources of the profiles measured."""

from __future__ import annotations

import time
from statistics import mean
from typing import Any

import pytest

from openai_mockserver.engine import (
    PROFILES,
    Engine,
    Limits,
    Scheduler,
    Work,
    as_engine,
    get_itl,
    simulate,
)
from openai_mockserver.exceptions import MockServerError


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_has_sources_and_serves(name: str) -> None:
    profile = PROFILES[name]
    assert all(source.startswith("https://") for source in profile.sources)
    (outcome,) = simulate(profile.engine, [(0.0, Work(500, 100))])
    assert outcome.ttft is not None
    assert 0.005 < outcome.ttft < 0.5
    assert outcome.itl is not None
    assert 0.004 < outcome.itl < 0.02


@pytest.mark.parametrize(
    ("name", "batch", "milliseconds"),
    [
        ("h100-8b", 1, 4.63),
        ("h100-8b", 100, 7.57),
        ("h100-8b", 150, 9.81),
        ("h100-8b", 200, 12.65),
        ("h100-8b", 250, 16.14),
        ("h100-70b", 1, 18.58),
        ("a100-8b", 1, 1000 / 75),
        ("a100-8b", 8, 8000 / (6.6 * 75)),
    ],
)
def test_profiles_have_the_measured_pace(name: str, batch: int, milliseconds: float) -> None:
    assert get_itl(PROFILES[name].engine, batch) * 1000 == pytest.approx(milliseconds, rel=0.07)


@pytest.mark.parametrize(
    ("name", "prompt", "milliseconds"),
    [
        ("h100-8b", 200, 10.26),
        ("h100-70b", 500, 47.77),
        ("h100-70b", 5000, 406.77),
        ("a100-8b", 500, 48.3),
    ],
)
def test_profiles_have_the_measured_ttft(name: str, prompt: int, milliseconds: float) -> None:
    (outcome,) = simulate(PROFILES[name].engine, [(0.0, Work(prompt, 2))])
    assert outcome.ttft is not None
    assert outcome.ttft * 1000 == pytest.approx(milliseconds, rel=0.03)


@pytest.mark.parametrize(
    ("concurrency", "itl", "throughput"),
    [(1, 18.58, 51.67), (25, 38.75, 623.4), (50, 59.73, 814.37)],
)
def test_long_prompts_slow_the_answers_as_measured(
    concurrency: int, itl: float, throughput: float
) -> None:
    """Llama 3.3 70B on two H100, prompts of 5,000 tokens and answers of 500 (NIM 1.8.0)."""
    engine = PROFILES["h100-70b"].engine
    scheduler = Scheduler(engine)
    itls: list[float] = []
    first_tokens: dict[int, float] = {}
    for _ in range(concurrency):
        scheduler.admit(Work(5000, 500), 0.0)
    now = 0.0
    while len(itls) < 10 * concurrency:
        assert scheduler.next_event is not None
        for event in scheduler.advance(scheduler.next_event):
            now = event.time
            if event.kind == "first token":
                first_tokens[event.id] = now
            elif event.kind == "end":
                itls.append((now - first_tokens[event.id]) / 499)
                scheduler.admit(Work(5000, 500), now)
    assert mean(itls) * 1000 == pytest.approx(itl, rel=0.15)
    assert len(itls) * 500 / now == pytest.approx(throughput, rel=0.15)


def test_openais_limits_state_the_wait_that_openai_states() -> None:
    """https://github.com/semanser/codel/issues/72: used 14567, requested 24754, wait 18.642 s."""
    scheduler = Scheduler(PROFILES["openai-tier-1"].engine)
    scheduler.admit(Work(14567), 0.0)
    assert scheduler.admit(Work(24754), 0.0).levels["tokens"].wait == pytest.approx(18.642)


def test_an_engine_can_be_a_name_with_overrides() -> None:
    engine = as_engine("h100-8b,slots=4,queue=none,decode=0.02:0.001,rpm=60,refill=continuous")
    assert engine is not None
    assert (engine.slots, engine.queue, engine.decode) == (4, None, (0.02, 0.001))
    assert engine.prefill == PROFILES["h100-8b"].engine.prefill
    assert engine.limits == Limits(rpm=60, refill="continuous")
    assert as_engine("slots=4") == Engine(slots=4)
    assert as_engine({"limits": {"rpm": 1}}) == Engine(limits=Limits(rpm=1))
    assert as_engine({"profile": "h100-8b", "slots": 4}) == as_engine("h100-8b,slots=4")
    assert as_engine(None) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("h100", "unknown engine 'h100': use one of h100-8b"),
        ("h100-8b,slots", "'slots': write NAME=VALUE"),
        ("h100-8b,speed=4", "an engine has no speed; it has cache_blocks"),
        ("slots=many", "slots=many: must be a number"),
        ("slots=0", r"Engine\(slots=0\): must be a whole number, 1 or more"),
        ("rpm=0", r"Limits\(rpm=0\)"),
        ({"profile": 4}, "unknown engine 4"),
        ({"limits": {"rps": 1}}, "limits have no rps; they have concurrent, refill"),
        ({"limits": 60}, "limits=60"),
        (4, "engine=4: must be an Engine"),
    ],
)
def test_what_is_no_engine_is_refused(value: Any, message: str) -> None:
    with pytest.raises(MockServerError, match=message):
        as_engine(value)


def test_a_thousand_requests_against_eight_slots_take_milliseconds() -> None:
    engine = Engine(slots=8, queue=None, prefill=(0.1, 0), decode=(0.01, 0))
    load = [(0.0, Work(100, 91))] * 1000
    start = time.perf_counter()
    outcomes = simulate(engine, load)
    seconds = time.perf_counter() - start
    assert [one.end for one in outcomes] == pytest.approx([1.0 + n // 8 for n in range(1000)])
    assert seconds < 0.5, "virtual 125 s"


def test_a_long_answer_costs_no_more_than_a_short_one() -> None:
    """No step takes time of its own, so a million tokens are two events."""
    scheduler = Scheduler(Engine(decode=(0.01, 0)))
    scheduler.admit(Work(10, 1_000_000), 0.0)
    assert [one.kind for one in scheduler.advance(20_000)] == ["slot", "first token", "end"]
