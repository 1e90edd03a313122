"""Faults are functions from script to script."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import faults, sse
from openai_mockserver.api import chat
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults import (
    FAULTS,
    Fault,
    content_length,
    cut,
    drop_done,
    error_event,
    half_close,
    heartbeat,
    hold,
    latency,
    malformed,
    named,
    reorder,
    reset,
    stall,
    stop,
    truncate,
)
from openai_mockserver.pacing import Pace
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Comment, End, Event, Head, Pause, Raw, Script
from openai_mockserver.timeline import frames

STREAM = chat.render(Reply("Hello, world"))
BODY = chat.render(Reply("Hello, world"), {"model": "gpt-4o"})


@pytest.mark.parametrize("after", range(7))
@pytest.mark.parametrize(("fault", "end"), [(reset, "reset"), (truncate, "truncate")])
def test_an_ending_after_n_events(fault: Callable[..., Fault], end: str, after: int) -> None:
    script = fault(after=after)(STREAM)
    assert script.events == STREAM.events[:after]
    assert script.end == end
    assert script.head == STREAM.head


def test_stall_waits_or_holds() -> None:
    assert stall(after=2, seconds=5)(STREAM).steps[2] == Pause(5)
    assert len(stall(after=2, seconds=5)(STREAM).events) == 6
    silent = stall(after=2)(STREAM)
    assert (len(silent.events), silent.end) == (2, "hold")


@pytest.mark.parametrize(
    ("at", "before", "order"),
    [(2, 0, [2, 0, 1, 3, 4, 5]), (-1, 1, [0, 5, 1, 2, 3, 4]), (0, 3, [1, 2, 0, 3, 4, 5])],
)
def test_an_event_is_sent_out_of_order(at: int, before: int, order: list[int]) -> None:
    events = reorder(at, before)(STREAM).events
    assert events == tuple(STREAM.events[index] for index in order)


def test_latency_delays_the_head() -> None:
    assert latency(1)(latency(0.5)(STREAM)).head.delay == 1.5


def test_drop_done() -> None:
    assert drop_done()(STREAM).events == STREAM.events[:-1]


def test_malformed_cuts_an_events_json_in_half() -> None:
    script = malformed(at=2)(STREAM)
    with pytest.raises(ValueError):
        json.loads(script.events[2].data)
    assert script.events[:2] + script.events[3:] == STREAM.events[:2] + STREAM.events[3:]
    assert malformed(at=0, data="nonsense")(STREAM).events[0].data == "nonsense"


def test_malformed_cuts_a_body_and_its_length() -> None:
    script = malformed()(BODY)
    body = sse.body(script.steps)
    assert len(body) == len(sse.body(BODY.steps)) // 2
    assert script.head.header("content-length") == str(len(body))


def test_error_event_breaks_off() -> None:
    script = error_event(after=2, error=ApiError(429, "slow"))(STREAM)
    assert script.events[:2] == STREAM.events[:2]
    assert json.loads(script.events[2].data)["error"]["message"] == "slow"
    assert (len(script.events), script.end) == (3, "finish")


def test_faults_compose_from_left_to_right() -> None:
    script = STREAM
    for fault in (latency(1), stall(after=1, seconds=2), reset(after=3)):
        script = fault(script)
    assert (script.seconds, len(script.events), script.end) == (3, 3, "reset")


def test_comments_do_not_count_as_events_and_stay_in_place() -> None:
    script = Script(STREAM.head, (Comment("a"), Event("1"), Comment("b"), Event("2"), Comment("c")))
    assert reset(after=1)(script).steps == (Comment("a"), Event("1"))
    assert reset(after=0)(script).steps == ()


def test_events_with_other_line_ends_count_too() -> None:
    script = Script(STREAM.head, sse.parse(b"data: a\r\n\r\ndata: b\r\n\r\n"))
    assert reset(after=1)(script).steps == (Raw(b"data: a\r\n\r\n", 1),)
    assert malformed(at=1, data="x")(script).steps[1] == Event("x")


@pytest.mark.parametrize(
    ("fault", "script", "message"),
    [
        (reset(after=7), STREAM, "reset(after=7) never happens: the stream has 6 events"),
        (truncate(after=7), STREAM, "truncate(after=7) never happens: the stream has 6 events"),
        (reorder(at=6), STREAM, "reorder(at=6, before=0) never happens: the stream has 6 events"),
        (stall(after=7), STREAM, "stall(after=7) never happens: the stream has 6 events"),
        (malformed(at=6), STREAM, "malformed(at=6) never happens: the stream has 6 events"),
        (error_event(after=7), STREAM, "never happens: the stream has 6 events"),
        (reset(after=1), BODY, "the response is not a stream; request one with stream=True"),
        (error_event(), BODY, "the response is not a stream"),
        (drop_done(), BODY, "drop_done() never happens"),
        (drop_done(), drop_done()(STREAM), "drop_done() never happens"),
    ],
)
def test_a_fault_that_cannot_happen_is_an_error(fault: Fault, script: Script, message: str) -> None:
    with pytest.raises(FaultError) as error:
        fault(script)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: reset(after=-1), "reset(after=-1): after must be a count of events, 0 or more"),
        (lambda: reset(after=1.5), "reset(after=1.5)"),
        (lambda: malformed(at=True), "malformed(at=True)"),
        (
            lambda: stall(seconds=-1),
            "stall(seconds=-1): seconds must be a number of seconds, 0 or more",
        ),
        (lambda: latency("x"), "latency(seconds='x')"),
        (lambda: named("rest"), "unknown fault 'rest': did you mean 'reset'?"),
        (lambda: named("???"), "unknown fault '???': choose from close, cut"),
    ],
)
def test_wrong_arguments_are_refused_when_the_fault_is_created(
    make: Callable[[], Fault], message: str
) -> None:
    with pytest.raises(FaultError) as error:
        make()
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("name", "arguments", "argument"), [("reset", {"aftr": 1}, "aftr"), ("latency", {}, "seconds")]
)
def test_the_error_names_an_argument_that_does_not_fit(
    name: str, arguments: dict[str, Any], argument: str
) -> None:
    with pytest.raises(FaultError, match=f"^{name}: .*'{argument}'"):
        named(name, arguments)


def test_the_repr_of_a_fault_is_its_call() -> None:
    assert repr(reset(3)) == "reset(after=3)"
    assert repr(stall(after=1, seconds=2)) == "stall(after=1, seconds=2)"


def test_every_fault_is_found_by_its_name() -> None:
    assert set(FAULTS) | {"FAULTS", "Fault", "VARIATIONS", "chance", "named", "parse"} == set(
        faults.__all__
    )


@given(st.integers(0, 6), st.sampled_from(["reset", "truncate", "stall", "error_event"]))
def test_named_returns_the_same_fault(after: int, name: str) -> None:
    arguments = {"after": after}
    assert named(name, arguments)(STREAM) == FAULTS[name](after=after)(STREAM)


def test_a_fault_keeps_the_head() -> None:
    assert malformed(at=0)(Script(Head(201), (Event("{}"),))).head.status == 201


# Several faults in order


def list_frames(script: Script) -> list[tuple[float, int]]:
    """Return the due time and the number of events of each frame."""
    return [(frame.due, frame.events) for frame in frames(script)]


WITH_SILENCE: list[tuple[list[Any], float, End]] = [
    ([stall(after=3, seconds=5), reset(after=3)], 5, "reset"),
    ([stall(after=3, seconds=5), truncate(after=3)], 5, "truncate"),
    ([stall(after=3, seconds=5), stop(after=3)], 5, "finish"),
    ([stall(after=3, seconds=5), stall(after=3, seconds=2), reset(after=3)], 7, "reset"),
    ([stall(after=3, seconds=5), heartbeat(every=2), reset(after=3)], 5, "reset"),
    ([stall(after=3, seconds=5), stall(after=3)], 5, "hold"),
    ([reset(after=3), stall(after=3, seconds=5)], 5, "reset"),
    ([reset(after=3, seconds=5)], 5, "reset"),
    ([truncate(after=3, seconds=5)], 5, "truncate"),
    ([reset(byte=10, seconds=5)], 5, "reset"),
]


@pytest.mark.parametrize(("faults", "seconds", "end"), WITH_SILENCE, ids=repr)
@pytest.mark.parametrize("with_pace", [False, True])
def test_no_silence_of_another_fault_is_lost(
    faults: list[Any], seconds: float, end: End, with_pace: bool
) -> None:
    script = chat.render(Reply("one two three"))
    if with_pace:
        script = Pace(itl=100)(script)
    before = sum(frame.due for frame in list(frames(script))[2:3])
    for fault in faults:
        script = fault(script)
    assert script.end == end
    sent_frames = list_frames(script)
    events = 0 if "byte" in repr(faults) else 3
    assert sum(n for _, n in sent_frames) == events
    assert sent_frames[-1][0] == seconds + (before if events else 0)


def test_a_reset_at_a_byte_keeps_the_silence_of_another_fault() -> None:
    script = chat.render(Reply("one two three"))
    size = sum(len(sse.encode(step)) for step in script.steps[:3])
    faulty = reset(byte=size)(stall(after=3, seconds=5)(script))
    assert list_frames(faulty)[-1] == (5, 0)


ENDINGS = [reset(after=3), truncate(after=3), stall(after=3), hold(), half_close(), cut()]


@pytest.mark.parametrize("second", [*ENDINGS, stop(after=3), error_event(after=3)], ids=repr)
@pytest.mark.parametrize("first", ENDINGS, ids=repr)
def test_a_response_has_one_end(first: Any, second: Any) -> None:
    script = first(chat.render(Reply("one two three")))
    with pytest.raises(
        FaultError, match=f"already ends the response with {script.end}, and a response has"
    ):
        second(script)


def test_a_body_may_stop_at_a_byte() -> None:
    whole = chat.render(Reply("one two three"))
    assert sse.body(stop(byte=100)(whole).steps) == sse.body(whole.steps)[:100]
    body = chat.render(Reply("one two three"), {"stream": False})
    short = stop(byte=10)(body)
    assert short.head.header("content-length") == "10"
    assert (len(sse.body(short.steps)), short.end) == (10, "finish")


@pytest.mark.parametrize(
    ("off", "end"), [(10, "hold"), (-10, "hold"), (0, "finish")], ids=["long", "short", "right"]
)
def test_a_wrong_length_may_keep_the_connection_open(off: int, end: End) -> None:
    script = content_length(off=off, keep_open=True)(chat.render(Reply("one two three")))
    assert script.end == end
