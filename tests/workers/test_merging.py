"""What the answers of several workers are together."""

from __future__ import annotations

from typing import Any

from openai_mockserver.workers.merging import MERGERS

merge_engines = MERGERS["getEngine"]


def make_state(**members: Any) -> dict[str, Any]:
    """Return what a worker says of its engine."""
    counts = ("running", "waiting", "batch", "cache_blocks", "cached_blocks", "admitted", "refused")
    more_counts = ("ended", "cancelled", "prompt_tokens", "cached_tokens")
    state = dict.fromkeys((*counts, *more_counts), 1)
    base = {"engine": "h100-8b", "engines": 1, "slots": 4, "queue": 10, "itl": 0.1, "limits": []}
    return state | base | members


def make_limit(key: str, used: int) -> dict[str, Any]:
    return {"key": key, "model": "m", "unit": "requests", "limit": 9, "used": used, "reset": 1.0}


def test_engines_are_added_up() -> None:
    whole = merge_engines([make_state(itl=0.1), make_state(itl=0.3, admitted=5)], {})
    assert (whole["engines"], whole["slots"], whole["queue"]) == (2, 8, 20)
    assert (whole["admitted"], whole["itl"], whole["engine"]) == (6, 0.3, "h100-8b")


def test_a_queue_without_a_bound_has_none_together() -> None:
    for queues in ((None, 5), (5, None), (None, None)):
        states = [make_state(queue=queue) for queue in queues]
        assert merge_engines(states, {})["queue"] is None


def test_workers_without_an_engine_have_no_slots() -> None:
    states = [make_state(engine=None, slots=None, queue=None)] * 2
    assert merge_engines(states, {})["slots"] is None


def test_a_limit_that_all_share_is_listed_once() -> None:
    one = make_state(limits=[make_limit("…abcd", 3)])
    other = make_state(limits=[make_limit("…abcd", 5), make_limit("…efgh", 1)])
    limits = merge_engines([one, other], {})["limits"]
    assert limits == [make_limit("…abcd", 5), make_limit("…efgh", 1)]


def test_the_limits_of_several_keys_that_look_alike_stay_apart() -> None:
    one = make_state(limits=[make_limit("…", 3), make_limit("…", 1)])
    other = make_state(limits=[make_limit("…", 5)])
    assert merge_engines([one, other], {})["limits"] == one["limits"]
