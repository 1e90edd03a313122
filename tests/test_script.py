"""A script is a plain value that refuses nonsense."""

from __future__ import annotations

import math

import pytest

from openai_mockserver.script import Comment, Event, Head, Pause, Raw, Script


def test_equal_scripts_are_equal_and_hash_alike() -> None:
    one = Script(Head(200, (("A", "b"),)), (Event("x"), Comment("c"), Raw(b"r"), Pause(1)))
    two = Script(Head(200, (("A", "b"),)), (Event("x"), Comment("c"), Raw(b"r"), Pause(1)))
    assert one == two
    assert hash(one) == hash(two)


def test_steps_may_be_given_as_a_list() -> None:
    assert Script(steps=[Event("x")]).steps == (Event("x"),)  # type: ignore[arg-type]


def test_its_repr_is_code_that_recreates_it() -> None:
    script = Script(Head(200, (("A", "b"),)), (Event("x", id="1"), Pause(0.5)), "reset")
    assert eval(repr(script)) == script


@pytest.mark.parametrize("seconds", [-1, math.inf, math.nan])
def test_a_pause_is_a_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="finite number of seconds"):
        Pause(seconds)


def test_an_unknown_end_is_refused() -> None:
    with pytest.raises(ValueError, match="end='explode'"):
        Script(end="explode")  # type: ignore[arg-type]


def test_headers_are_found_in_any_case() -> None:
    head = Head(200, (("Content-Type", "text/event-stream"), ("content-type", "x")))
    assert head.header("CONTENT-TYPE") == "text/event-stream"
    assert head.header("etag") is None


def test_seconds_counts_the_head_and_the_pauses() -> None:
    assert Script(Head(delay=1), (Pause(2), Event("x"), Pause(0.5))).seconds == 3.5
