"""The scheduler: who waits, who runs, when each token comes, and what a refusal says."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest

from openai_mockserver.engine import (
    Admission,
    Engine,
    Limits,
    Refusal,
    Scheduler,
    Work,
    chain_blocks,
    get_itl,
    simulate,
)
from openai_mockserver.exceptions import MockServerError


def admit(scheduler: Scheduler, work: Work, now: float) -> Admission:
    """Admit a request that must not be refused."""
    answer = scheduler.admit(work, now)
    assert isinstance(answer, Admission), answer
    return answer


def refuse(scheduler: Scheduler, work: Work, now: float) -> Refusal:
    """Send a request that must be refused."""
    answer = scheduler.admit(work, now)
    assert isinstance(answer, Refusal), answer
    return answer


# The example of the theory of operation

TWO_SLOTS = Engine(slots=2, prefill=(0, 0.001), decode=(0.010, 0.010))
ANSWER = Work(prompt_tokens=100, completion_tokens=11)


def test_the_example_of_the_theory_of_operation() -> None:
    outcomes = simulate(TWO_SLOTS, [(0.0, ANSWER)] * 3)
    assert [one.slot for one in outcomes] == pytest.approx([0.0, 0.0, 0.3])
    assert [one.first_token for one in outcomes] == pytest.approx([0.1, 0.1, 0.4])
    assert [one.end for one in outcomes] == pytest.approx([0.3, 0.3, 0.5])


def test_a_slot_is_free_as_soon_as_its_client_leaves() -> None:
    scheduler = Scheduler(TWO_SLOTS)
    first, second, third = (admit(scheduler, ANSWER, 0.0).id for _ in range(3))
    scheduler.cancel(second, 0.2)
    events = {(event.id, event.kind): event.time for event in scheduler.advance(1.0)}
    assert events[third, "slot"] == 0.2
    assert events[first, "end"] == pytest.approx(0.25)
    assert events[third, "first token"] == pytest.approx(0.3)
    assert (second, "end") not in events
    assert scheduler.next_event is None


def test_a_place_in_the_queue_is_free_as_soon_as_its_client_leaves() -> None:
    scheduler = Scheduler(Engine(slots=1, queue=1, decode=(1, 0)))
    long = Work(completion_tokens=100)
    admit(scheduler, long, 0.0)
    waiting = admit(scheduler, long, 0.0)
    assert not waiting.has_slot
    refuse(scheduler, long, 1.0)
    scheduler.cancel(waiting.id, 1.0)
    assert not admit(scheduler, long, 1.0).has_slot


# Pace


def test_a_step_takes_longer_for_a_larger_batch_and_goodput_stops_growing_at_the_knee() -> None:
    engine = Engine(decode=(0.010, 0.001), knee=10)
    assert get_itl(engine, 1) == 0.010
    assert get_itl(engine, 10) == pytest.approx(0.019)
    goodput = [batch / get_itl(engine, batch) for batch in range(1, 41)]
    assert goodput[:10] == sorted(goodput[:10])
    assert goodput[39] == pytest.approx(goodput[9])


def test_past_the_knee_the_goodput_can_collapse() -> None:
    engine = Engine(decode=(0.010, 0.0), knee=10, collapse=2)
    goodput = [batch / get_itl(engine, batch) for batch in range(10, 2000)]
    assert goodput == sorted(goodput, reverse=True)
    assert goodput[-1] == pytest.approx(goodput[0] / 2, rel=0.01)


def test_find_due_follows_the_batch() -> None:
    scheduler = Scheduler(Engine(decode=(0.010, 0.010)))
    first = admit(scheduler, Work(completion_tokens=101), 0.0).id
    assert scheduler.find_due(first, 100) == pytest.approx(1.0)
    second = admit(scheduler, Work(completion_tokens=11), 0.5).id
    assert scheduler.find_due(first, 100) == pytest.approx(0.5 + 50 * 0.020)
    assert scheduler.find_due(second, 10) == pytest.approx(0.7)
    scheduler.advance(0.7)
    assert scheduler.find_due(first, 100) == pytest.approx(0.7 + 40 * 0.010)
    assert scheduler.find_due(second, 10) == 0.7, "it has ended: everything is due"


def test_a_prompt_in_chunks_slows_down_those_that_decode() -> None:
    """Each step has 10 tokens: one of the answer, and nine of the prompt, which take 9 ms."""
    engine = Engine(prefill=(0, 0.001), decode=(0.010, 0), max_batched_tokens=10)
    scheduler = Scheduler(engine)
    answer = admit(scheduler, Work(completion_tokens=1001), 0.0).id
    prompt = admit(scheduler, Work(prompt_tokens=90, completion_tokens=1), 1.0).id
    events = {(event.id, event.kind): event.time for event in scheduler.advance(2.0)}
    assert events[prompt, "first token"] == pytest.approx(1.0 + 10 * 0.019)
    generated = 100 + 10 + (2.0 - 1.19) / 0.010
    assert scheduler.find_due(answer, generated) == pytest.approx(2.0)


def test_prompts_in_chunks_are_processed_one_after_the_other() -> None:
    engine = Engine(prefill=(0.05, 0.001), max_batched_tokens=1000)
    outcomes = simulate(engine, [(0.0, Work(prompt_tokens=100, completion_tokens=1))] * 3)
    assert [one.ttft for one in outcomes] == pytest.approx([0.15, 0.25, 0.35])


def test_the_next_prompt_goes_on_when_the_client_of_the_first_leaves() -> None:
    scheduler = Scheduler(Engine(prefill=(0, 0.001), max_batched_tokens=1000))
    first, second = (admit(scheduler, Work(prompt_tokens=100), 0.0).id for _ in range(2))
    scheduler.advance(0.05)
    scheduler.cancel(first, 0.05)
    assert scheduler.next_event == pytest.approx(0.15)
    (event,) = [one for one in scheduler.advance(0.2) if one.kind == "first token"]
    assert event.id == second


def test_a_length_may_become_known_later() -> None:
    scheduler = Scheduler(Engine(decode=(0.010, 0)))
    open_ended = admit(scheduler, Work(), 0.0).id
    assert scheduler.next_event == 0.0
    scheduler.advance(0.05)
    assert scheduler.next_event is None
    scheduler.set_length(open_ended, 11, 0.05)
    assert scheduler.next_event == pytest.approx(0.1)
    scheduler.set_length(open_ended, 1, 0.06)
    assert [(one.time, one.kind) for one in scheduler.advance(1.0)] == [
        (pytest.approx(0.1), "end")
    ], "a known length stays"


def test_a_length_that_is_already_exceeded_ends_the_request_at_once() -> None:
    scheduler = Scheduler(Engine(decode=(0.010, 0)))
    open_ended = admit(scheduler, Work(), 0.0).id
    scheduler.advance(1.0)
    scheduler.set_length(open_ended, 5, 1.0)
    assert scheduler.take_snapshot(1.0).running == 0


def test_jitter_moves_tokens_but_neither_the_first_nor_the_last_nor_their_order() -> None:
    engine = Engine(decode=(0.010, 0), jitter=1.0)
    scheduler = Scheduler(engine)
    id = admit(scheduler, Work(completion_tokens=101), 0.0).id
    times = [scheduler.find_due(id, token) or 0.0 for token in range(101)]
    assert times[0] == 0.0
    assert times[100] == pytest.approx(1.0)
    assert times == sorted(times)
    gaps = {round(later - earlier, 5) for earlier, later in pairwise(times)}
    assert len(gaps) > 50
    again = Scheduler(engine)
    admit(again, Work(completion_tokens=101), 0.0)
    assert [again.find_due(id, token) for token in range(101)] == times


def test_jitter_varies_the_overhead_of_prefill() -> None:
    engine = Engine(prefill=(0.1, 0), jitter=0.5)
    outcomes = simulate(engine, [(float(n), Work(completion_tokens=1)) for n in range(100)])
    times = [one.ttft or 0.0 for one in outcomes]
    assert len(set(times)) == 100
    assert 0.05 <= min(times) < 0.07
    assert 0.13 < max(times) <= 0.15


# Refusals


@pytest.mark.parametrize("status", [503, 429])
def test_a_full_queue_refuses_until_a_slot_is_free(status: Any) -> None:
    scheduler = Scheduler(Engine(slots=1, queue=0, overload=status, decode=(0.1, 0)))
    admit(scheduler, Work(completion_tokens=11), 0.0)
    refusal = refuse(scheduler, Work(), 0.4)
    assert (refusal.reason, refusal.status) == ("overload", status)
    assert refusal.retry_after == pytest.approx(0.6)
    assert admit(scheduler, Work(), 0.4 + (refusal.retry_after or 0) + 1e-9).has_slot


def test_the_wait_for_a_slot_includes_that_others_start_to_decode() -> None:
    """At first one request decodes; from 0.5 s on two do, so steps take twice as long."""
    engine = Engine(slots=2, queue=0, prefill=(0, 0.001), decode=(0.1, 0.1))
    scheduler = Scheduler(engine)
    admit(scheduler, Work(completion_tokens=11), 0.0)
    admit(scheduler, Work(prompt_tokens=500, completion_tokens=100), 0.0)
    refusal = refuse(scheduler, Work(), 0.0)
    assert refusal.retry_after == pytest.approx(0.5 + 5 * 0.2)


def test_a_full_server_whose_answers_have_no_known_length_states_no_time() -> None:
    scheduler = Scheduler(Engine(slots=1, queue=0, prefill=(0.2, 0)))
    id = admit(scheduler, Work(), 0.0).id
    assert refuse(scheduler, Work(), 0.1).retry_after is None
    scheduler.set_length(id, 1, 0.1)
    assert refuse(scheduler, Work(), 0.1).retry_after == pytest.approx(0.1)


def test_a_refusal_by_a_busy_server_is_quick() -> None:
    """It asks when the first of 256 requests ends, whatever the thousands that wait."""
    scheduler = Scheduler(Engine(queue=5000, decode=(0.01, 0.001)))
    for length in range(5256):
        admit(scheduler, Work(completion_tokens=1000 + length), 0.0)
    start = time.perf_counter()
    for _ in range(1000):
        refuse(scheduler, Work(), 1.0)
    assert time.perf_counter() - start < 1.0


def test_a_server_that_starts_refuses_until_it_is_up() -> None:
    scheduler = Scheduler(Engine(start_up=30), now=100.0)
    refusal = refuse(scheduler, Work(), 110.0)
    assert (refusal.reason, refusal.status, refusal.retry_after) == ("start_up", 503, 20.0)
    admit(scheduler, Work(), 130.0)


def test_a_share_of_the_requests_fails_the_same_in_each_run() -> None:
    engine = Engine(failure_rate=0.25, seed="any")
    answers = [one.answer for one in simulate(engine, [(0.0, Work(completion_tokens=1))] * 1000)]
    failures = [n for n, one in enumerate(answers) if isinstance(one, Refusal)]
    assert 200 < len(failures) < 300
    again = [one.answer for one in simulate(engine, [(0.0, Work(completion_tokens=1))] * 1000)]
    assert failures == [n for n, one in enumerate(again) if isinstance(one, Refusal)]


def test_a_key_may_have_only_so_many_requests_at_the_same_time() -> None:
    scheduler = Scheduler(Engine(decode=(0.1, 0), limits=Limits(concurrent=1)))
    first = admit(scheduler, Work(completion_tokens=11, key="a"), 0.0)
    admit(scheduler, Work(completion_tokens=6, key="b"), 0.0)
    refusal = refuse(scheduler, Work(key="a"), 0.2)
    assert (refusal.reason, refusal.status) == ("concurrent", 429)
    assert refusal.retry_after == pytest.approx(0.8), "not when the other key's request ends"
    scheduler.cancel(first.id, 0.3)
    admit(scheduler, Work(key="a"), 0.3)


def test_limits_count_the_prompt_and_the_most_that_may_answer() -> None:
    scheduler = Scheduler(Engine(limits=Limits(rpm=10, tpm=1000)))
    levels = admit(scheduler, Work(prompt_tokens=300, max_tokens=400), 0.0).levels
    assert (levels["requests"].remaining, levels["tokens"].remaining) == (9, 300)
    refusal = refuse(scheduler, Work(prompt_tokens=301), 20.0)
    assert (refusal.reason, refusal.status, refusal.retry_after) == ("tokens", 429, 40.0)
    assert (refusal.levels["tokens"].used, refusal.requested) == (700, 301)
    assert refusal.levels["requests"].used == 1, "a refused request takes nothing"


def test_a_request_that_exceeds_a_limit_by_itself_never_passes() -> None:
    scheduler = Scheduler(Engine(limits=Limits(tpm=1000)))
    assert refuse(scheduler, Work(prompt_tokens=1001), 0.0).retry_after == float("inf")


def test_each_key_and_model_has_limits_of_its_own() -> None:
    scheduler = Scheduler(Engine(limits=Limits(rpm=1)))
    for key, model in (("a", "x"), ("a", "y"), ("b", "x")):
        admit(scheduler, Work(key=key, model=model), 0.0)
    refuse(scheduler, Work(key="a", model="x"), 1.0)


def test_a_request_that_is_refused_for_another_reason_takes_nothing_of_a_limit() -> None:
    engine = Engine(slots=1, queue=0, decode=(1, 0), limits=Limits(rpm=5))
    scheduler = Scheduler(engine)
    admit(scheduler, Work(completion_tokens=2), 0.0)
    assert refuse(scheduler, Work(), 0.5).levels["requests"].used == 1


# Cached prompts


def blocks(text: str) -> tuple[int, ...]:
    """Return the blocks of a prompt whose tokens are letters."""
    return chain_blocks(text, 4)


CACHING = Engine(prefill=(0, 0.1), cache_blocks=100, prefix_block=4)


def test_the_second_request_with_the_same_prompt_processes_its_last_tokens_only() -> None:
    prompt = Work(prompt_tokens=10, completion_tokens=1, blocks=blocks("abcdefghij"))
    first, second = simulate(CACHING, [(0.0, prompt), (2.0, prompt)])
    assert isinstance(second.answer, Admission)
    assert second.answer.cached_tokens == 8
    assert [first.ttft, second.ttft] == pytest.approx([1.0, 0.2])


def test_the_last_token_of_a_prompt_is_never_cached() -> None:
    prompt = Work(prompt_tokens=8, completion_tokens=1, blocks=blocks("abcdefgh"))
    _, second = simulate(CACHING, [(0.0, prompt), (2.0, prompt)])
    assert isinstance(second.answer, Admission)
    assert second.answer.cached_tokens == 4


@pytest.mark.parametrize(("slots", "cached"), [(2, 0), (1, 8)])
def test_a_prompt_is_cached_once_it_is_processed(slots: int, cached: int) -> None:
    """Of two at once, the second one profits only if it waits for a slot."""
    engine = Engine(slots=slots, prefill=(0, 0.1), cache_blocks=100, prefix_block=4)
    prompt = Work(prompt_tokens=10, completion_tokens=1, blocks=blocks("abcdefghij"))
    _, second = simulate(engine, [(0.0, prompt), (0.0, prompt)])
    assert isinstance(second.answer, Admission)
    assert second.answer.cached_tokens == cached


def test_short_prompts_are_not_cached() -> None:
    engine = Engine(cache_blocks=100, prefix_block=4, prefix_minimum=10)
    short = Work(prompt_tokens=9, completion_tokens=1, blocks=blocks("abcdefghi"))
    _, second = simulate(engine, [(0.0, short), (1.0, short)])
    assert isinstance(second.answer, Admission)
    assert second.answer.cached_tokens == 0


# What it shows


def test_a_snapshot_has_what_there_is_to_see() -> None:
    engine = Engine(
        slots=2,
        queue=1,
        prefill=(0.1, 0),
        decode=(0.01, 0.01),
        cache_blocks=10,
        prefix_block=4,
        limits=Limits(rpm=10),
    )
    scheduler = Scheduler(engine)
    work = Work(prompt_tokens=5, completion_tokens=100, key="a", model="m", blocks=blocks("abcd"))
    ids = [admit(scheduler, work, 0.0).id for _ in range(3)]
    refuse(scheduler, work, 0.0)
    scheduler.cancel(ids[0], 0.05)
    shown = scheduler.take_snapshot(0.12)
    assert (shown.running, shown.waiting, shown.batch, shown.itl) == (2, 0, 1, 0.01)
    assert (shown.admitted, shown.refused, shown.cancelled, shown.ended) == (3, 1, 1, 0)
    assert (shown.prompt_tokens, shown.cached_tokens, shown.cached_blocks) == (15, 4, 1)
    assert shown.limits["a", "m", "requests"].used == 3
    assert scheduler.take_snapshot(100.0).limits == {}


def test_limits_of_many_keys_are_forgotten_when_nothing_is_used() -> None:
    scheduler = Scheduler(Engine(limits=Limits(rpm=10)))
    for second in range(5000):
        admit(scheduler, Work(completion_tokens=1, key=str(second)), float(second))
    assert len(scheduler._limits) < 2000


# Arguments


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"slots": 0}, "slots=0"),
        ({"slots": 1.5}, "slots=1.5"),
        ({"queue": -1}, "queue=-1"),
        ({"overload": 500}, "must be 503 or 429"),
        ({"prefill": 0.1}, "prefill=0.1"),
        ({"decode": (0.1, float("nan"))}, "decode=nan"),
        ({"failure_rate": 1.1}, "at most 1"),
        ({"jitter": True}, "jitter=True"),
        ({"collapse": None}, "collapse=None"),
        ({"limits": 60}, "limits=60"),
        ({"seed": 1.5}, "seed=1.5"),
    ],
)
def test_impossible_engines_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(MockServerError, match=message):
        Engine(**fields)


@pytest.mark.parametrize(
    "fields", [{"rpm": 0}, {"tpm": 1.5}, {"seconds": 0}, {"refill": "daily"}, {"concurrent": 0}]
)
def test_impossible_limits_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(MockServerError, match=next(iter(fields))):
        Limits(**fields)
