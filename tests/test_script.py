"""A script is a plain value that refuses nonsense."""

from __future__ import annotations

import math

import pytest

from openai_mockserver import MockOpenAI
from openai_mockserver.script import STREAM_HEAD, Comment, Event, Head, Pause, Raw, Script


def test_equal_scripts_are_equal_and_hash_alike() -> None:
    one = Script(Head(200, (("A", "b"),)), (Event("x"), Comment("c"), Raw(b"r"), Pause(1)))
    two = Script(Head(200, (("A", "b"),)), (Event("x"), Comment("c"), Raw(b"r"), Pause(1)))
    assert one == two
    assert hash(one) == hash(two)


def test_steps_may_be_given_as_a_list() -> None:
    assert Script(steps=[Event("x")]).steps == (Event("x"),)


@pytest.mark.parametrize(
    ("script", "head"),
    [
        (Script(steps=[Event("x")]), STREAM_HEAD),
        (Script(steps=[Raw(b"\n"), Comment("x")]), STREAM_HEAD),
        (Script(steps=[Raw(b"data: x\n\n")]), Head()),
        (Script(steps=[Event("x")], raw=True), Head()),
        (Script(), Head()),
        (Script(Head(500), [Event("x")]), Head(500)),
        (Script(Head(), [Event("x")]), Head()),
        (Script(steps=[Event("x")]).with_steps([Raw(b"x")]), STREAM_HEAD),
    ],
)
def test_the_default_head_is_that_of_an_event_stream_if_there_are_events(
    script: Script, head: Head
) -> None:
    assert script.head == head
    assert eval(repr(script)) == eval(script.code("  ")) == script


def test_the_sdk_reads_events_without_a_head(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(Script(steps=[Event('{"choices":[]}'), Event("[DONE]")]))
    chunks = list(
        mock_openai.client().chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
    )
    assert [chunk.choices for chunk in chunks] == [[]]


def test_its_repr_is_code_that_recreates_it() -> None:
    script = Script(Head(200, (("A", "b"),)), (Event("x", id="1"), Pause(0.5)), "reset")
    assert eval(repr(script)) == eval(script.code()) == script
    assert repr(script) == (
        "Script(Head(headers=(('A', 'b'),)), steps=(Event('x', id='1'), Pause(0.5)), end='reset')"
    )


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
