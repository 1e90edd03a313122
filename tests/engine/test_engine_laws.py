"""Laws that hold for every engine and every load."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openai_mockserver.engine import (
    Admission,
    Engine,
    Limits,
    Refusal,
    Scheduler,
    Work,
    chain_blocks,
    simulate,
)
from openai_mockserver.engine.prefix import PrefixCache

SECONDS = st.floats(0, 0.1)

ENGINES = st.builds(
    Engine,
    slots=st.integers(1, 4),
    queue=st.none() | st.integers(0, 3),
    prefill=st.tuples(SECONDS, st.floats(0, 0.01)),
    decode=st.tuples(SECONDS, st.floats(0, 0.01)),
    knee=st.none() | st.integers(1, 4),
    collapse=st.floats(0, 3),
    max_batched_tokens=st.none() | st.integers(1, 50),
    cache_blocks=st.integers(0, 5),
    prefix_block=st.just(4),
    jitter=st.floats(0, 1),
    failure_rate=st.sampled_from([0.0, 0.0, 0.3]),
)

PROMPTS = st.text("ab", max_size=40)


@st.composite
def works(draw: Any) -> Work:
    """Draw a request with a prompt of letters."""
    prompt = draw(PROMPTS)
    tokens = draw(st.integers(0, 30))
    return Work(
        len(prompt), tokens, key=draw(st.sampled_from("xy")), blocks=chain_blocks(prompt, 4)
    )


LOADS = st.lists(st.tuples(st.floats(0, 3), works()), max_size=30)


@given(ENGINES, LOADS)
def test_every_admitted_request_ends_and_no_slot_stays_taken(
    engine: Engine, load: list[tuple[float, Work]]
) -> None:
    for outcome in simulate(engine, load):
        if isinstance(outcome.answer, Admission):
            assert outcome.slot is not None
            assert outcome.first_token is not None
            assert outcome.end is not None
            assert outcome.arrival <= outcome.slot <= outcome.first_token <= outcome.end


@given(ENGINES, LOADS)
def test_first_come_first_served(engine: Engine, load: list[tuple[float, Work]]) -> None:
    slots = [one.slot for one in simulate(engine, load) if one.slot is not None]
    assert slots == sorted(slots)


@given(ENGINES, LOADS)
def test_nobody_waits_if_a_slot_is_free(engine: Engine, load: list[tuple[float, Work]]) -> None:
    """A request that waited got its slot at the very time at which another's became free."""
    outcomes = simulate(engine, load)
    ends = {one.end for one in outcomes}
    for outcome in outcomes:
        if outcome.slot is not None and outcome.slot > outcome.arrival:
            assert outcome.slot in ends
            running = [
                one
                for one in outcomes
                if one.slot is not None and one.end is not None
                if one.slot <= outcome.arrival < one.end
            ]
            assert len(running) == engine.slots


@given(ENGINES, LOADS)
def test_no_more_run_than_there_are_slots(engine: Engine, load: list[tuple[float, Work]]) -> None:
    changes: list[tuple[float, int]] = []
    for outcome in simulate(engine, load):
        if outcome.slot is not None and outcome.end is not None and outcome.end > outcome.slot:
            changes += [(outcome.slot, 1), (outcome.end, -1)]
    running = 0
    for _, change in sorted(changes):
        running += change
        assert running <= engine.slots


@given(ENGINES, LOADS)
def test_work_is_conserved(engine: Engine, load: list[tuple[float, Work]]) -> None:
    """If steps take the same time for every batch, an answer takes its tokens' time, no more."""
    constant = Engine(slots=engine.slots, prefill=engine.prefill, decode=(engine.decode[0], 0))
    for outcome in simulate(constant, load):
        if outcome.first_token is not None and outcome.end is not None:
            tokens = outcome.work.completion_tokens or 0
            seconds = max(0, tokens - 1) * engine.decode[0]
            assert outcome.end - outcome.first_token == pytest.approx(seconds, abs=1e-9)


@given(ENGINES, LOADS)
def test_a_forecast_is_right_if_nobody_else_comes(
    engine: Engine, load: list[tuple[float, Work]]
) -> None:
    scheduler = Scheduler(engine)
    forecasts: dict[int, tuple[float, float]] = {}
    for _, work in load:
        answer = scheduler.admit(work, 0.0)
        if isinstance(answer, Admission):
            forecasts = {id: scheduler.forecast(id) for id in [*forecasts, answer.id]}
    ends = {one.id: one.time for one in scheduler.advance(math.inf) if one.kind == "end"}
    for id, (first, last) in forecasts.items():
        assert first <= last
        assert last == pytest.approx(ends.get(id, 0.0))


@given(ENGINES, LOADS, st.floats(0, 3))
def test_the_wait_for_a_slot_is_right_if_nobody_else_comes(
    engine: Engine, load: list[tuple[float, Work]], now: float
) -> None:
    scheduler = Scheduler(replace(engine, queue=None, failure_rate=0.0))
    for time, work in sorted(load, key=lambda one: one[0]):
        if time <= now:
            scheduler.admit(work, time)
    scheduler.advance(now)
    forecast = scheduler._forecast_end(None)
    ends = [one.time for one in scheduler.advance(math.inf) if one.kind == "end"]
    if ends:
        assert forecast == pytest.approx(ends[0] - now, abs=1e-9)
    else:
        assert forecast is None


@given(ENGINES, LOADS, st.data())
def test_cancelling_leaks_no_slot(
    engine: Engine, load: list[tuple[float, Work]], data: st.DataObject
) -> None:
    scheduler = Scheduler(engine)
    active: list[int] = []
    for time, work in sorted(load, key=lambda one: one[0]):
        answer = scheduler.admit(work, time)
        if isinstance(answer, Admission):
            active.append(answer.id)
        leaving = data.draw(st.none() | st.sampled_from(active)) if active else None
        if leaving is not None:
            active.remove(leaving)
            scheduler.cancel(leaving, time)
        shown = scheduler.take_snapshot(time)
        assert shown.running <= engine.slots
        assert shown.running == engine.slots or not shown.waiting
        assert shown.admitted == shown.running + shown.waiting + shown.ended + shown.cancelled
    for id in active:
        scheduler.cancel(id, 3.0)
    shown = scheduler.take_snapshot(3.0)
    assert (shown.running, shown.waiting, shown.batch) == (0, 0, 0)
    assert scheduler._promised == {}
    assert scheduler._by_key == {}


@given(ENGINES, LOADS)
def test_a_token_is_due_when_its_step_is_done(
    engine: Engine, load: list[tuple[float, Work]]
) -> None:
    """`find_due` of the last token, asked again at each event, ends at the true time."""
    scheduler = Scheduler(replace(engine, decode=(engine.decode[0] + 0.001, engine.decode[1])))
    due: dict[int, float] = {}
    lengths: dict[int, int] = {}
    ends: dict[int, float] = {}
    pending = sorted(load, key=lambda one: one[0])
    while pending or scheduler.next_event is not None:
        next_event = scheduler.next_event
        if pending and (next_event is None or pending[0][0] < next_event):
            time, work = pending.pop(0)
            answer = scheduler.admit(work, time)
            if isinstance(answer, Admission):
                lengths[answer.id] = max(1, work.completion_tokens or 0)
        else:
            assert next_event is not None
            ends |= {one.id: one.time for one in scheduler.advance(next_event) if one.kind == "end"}
        for id, length in lengths.items():
            if id not in ends and (time_due := scheduler.find_due(id, length - 1)) is not None:
                due[id] = time_due
    for id, time in due.items():
        assert time == pytest.approx(ends[id], abs=1e-6)


def test_littles_law() -> None:
    """The mean number of requests in the server is their rate times the time that each stays."""
    engine = Engine(slots=8, queue=None, prefill=(0.05, 0.0001), decode=(0.01, 0.002), jitter=0.5)
    load = [(n * 0.35, Work(n % 700, 20 + n * 37 % 160)) for n in range(1000)]
    outcomes = simulate(engine, load)
    start, stop = 30.0, 300.0
    scheduler = Scheduler(engine)
    counts: list[int] = []
    pending = iter(load)
    upcoming = next(pending)
    for tick in range(int(start * 50), int(stop * 50)):
        while upcoming[0] <= tick / 50:
            scheduler.admit(upcoming[1], upcoming[0])
            upcoming = next(pending)
        shown = scheduler.take_snapshot(tick / 50)
        counts.append(shown.running + shown.waiting)
    stays = [one.end - one.arrival for one in outcomes if one.end and start < one.arrival < stop]
    mean_count = sum(counts) / len(counts)
    assert mean_count == pytest.approx(
        len(stays) / (stop - start) * sum(stays) / len(stays), rel=0.05
    )
    assert mean_count > 4


# The prefix cache


@given(
    st.integers(0, 6), st.lists(st.tuples(PROMPTS, st.floats(0, 2))), st.none() | st.floats(0.1, 9)
)
def test_the_cache_never_exceeds_its_blocks_and_knows_only_what_it_was_told(
    capacity: int, inserts: list[tuple[str, float]], seconds: float | None
) -> None:
    cache = PrefixCache(capacity, seconds)
    seen: set[int] = set()
    now = 0.0
    for prompt, gap in inserts:
        now += gap
        names = chain_blocks(prompt, 4)
        hits = cache.count_hits(names, now)
        assert set(names[:hits]) <= seen
        cache.insert(names, now)
        seen |= set(names)
        assert len(cache) <= capacity
        fits = len(names) <= capacity
        assert not fits or cache.count_hits(names, now) == len(names)


@given(st.text("ab", max_size=30), st.text("ab", max_size=30), st.integers(1, 5))
def test_equal_blocks_mean_equal_beginnings(one: str, other: str, size: int) -> None:
    names, other_names = chain_blocks(one, size), chain_blocks(other, size)
    for index, pair in enumerate(zip(names, other_names, strict=False)):
        end = (index + 1) * size
        assert (pair[0] == pair[1]) == (one[:end] == other[:end])


# Limits

LIMITS = st.builds(
    Limits,
    rpm=st.none() | st.integers(1, 5),
    tpm=st.none() | st.integers(1, 100),
    refill=st.sampled_from(["sliding", "continuous"]),
)
REQUESTS = st.lists(st.tuples(st.floats(0, 30), st.integers(0, 40)), max_size=30)


@given(LIMITS, REQUESTS)
def test_a_request_passes_after_the_wait_that_a_refusal_states(
    limits: Limits, requests: list[tuple[float, int]]
) -> None:
    scheduler = Scheduler(Engine(limits=limits))
    now = 0.0
    for gap, tokens in requests:
        now += gap
        work = Work(tokens, completion_tokens=1)
        answer = scheduler.admit(work, now)
        if isinstance(answer, Refusal):
            assert answer.retry_after is not None
            if answer.retry_after == math.inf:
                assert tokens > (limits.tpm or 0)
                continue
            now += answer.retry_after
            assert isinstance(scheduler.admit(work, now), Admission)


@given(LIMITS, REQUESTS)
def test_no_minute_contains_more_than_the_limit(
    limits: Limits, requests: list[tuple[float, int]]
) -> None:
    """With continuous refill, a minute contains the limit and what was refilled meanwhile."""
    load = []
    now = 0.0
    for gap, tokens in requests:
        now += gap
        load.append((now, Work(tokens, completion_tokens=1)))
    outcomes = simulate(Engine(limits=limits), load)
    passed = [one for one in outcomes if isinstance(one.answer, Admission)]
    factor = 1 if limits.refill == "sliding" else 2
    for first in passed:
        minute = [one for one in passed if first.arrival <= one.arrival < first.arrival + 60]
        assert limits.rpm is None or len(minute) <= factor * limits.rpm
        tokens = sum(one.work.prompt_tokens for one in minute)
        assert limits.tpm is None or tokens <= factor * limits.tpm


@given(LIMITS, REQUESTS)
def test_after_the_stated_reset_nothing_is_used(
    limits: Limits, requests: list[tuple[float, int]]
) -> None:
    scheduler = Scheduler(Engine(limits=limits))
    now = 0.0
    for gap, tokens in requests:
        now += gap
        answer = scheduler.admit(Work(tokens), now)
        for level in answer.levels.values():
            assert level.remaining == level.limit - level.used
        resets = [level.reset for level in answer.levels.values()]
        shown = scheduler.take_snapshot(now)
        assert bool(shown.limits) == any(level.used for level in answer.levels.values())
        if resets and tokens % 7 == 0:
            now += max(resets)
            assert scheduler.take_snapshot(now).limits == {}


@settings(deadline=None)
@given(st.integers(1, 1000), st.integers(1, 10))
def test_continuous_limits_refill_evenly(limit: int, amount: int) -> None:
    scheduler = Scheduler(Engine(limits=Limits(rpm=limit, refill="continuous")))
    resets = [scheduler.admit(Work(), 0.0).levels["requests"].reset for _ in range(amount)]
    assert resets[0] == pytest.approx(60 / limit)
    assert all(earlier <= later for earlier, later in pairwise(resets))
