"""An engine that serves real requests: who is told what, on which clock."""

from __future__ import annotations

from typing import Any

import pytest

from openai_mockserver.engine import (
    Engine,
    Limits,
    LiveEngine,
    Refusal,
    Ticket,
    TicketPace,
    TokenPlan,
    Work,
)


class ManualClock:
    """A clock that a test sets."""

    virtual = True

    def __init__(self) -> None:
        self.now = 0.0

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def admit(live: LiveEngine, tokens: int, **work: Any) -> Ticket:
    """Admit a request whose answer has this many tokens."""
    ticket = live.admit(Work(**work))
    assert isinstance(ticket, Ticket)
    ticket.set_plan(TokenPlan(first=tokens - 1))
    return ticket


def test_whoever_waits_is_called_at_the_first_token(clock: ManualClock) -> None:
    live = LiveEngine(Engine(slots=1, prefill=(1.0, 0.0)), clock)
    first, second = admit(live, 1), admit(live, 1)
    called: list[str] = []
    second.call_at_start(lambda: called.append("second"))
    first.call_at_start(lambda: called.append("first"))
    assert live.advance() == 1.0
    for now, expected in ((0.9, []), (1.0, ["first"]), (2.0, ["first", "second"])):
        clock.now = now
        live.advance()
        assert called == expected
    second.call_at_start(lambda: called.append("at once"))
    assert called[-1] == "at once"


def test_a_ticket_that_is_released_calls_nobody(clock: ManualClock) -> None:
    live = LiveEngine(Engine(slots=1, decode=(1.0, 0.0)), clock)
    admit(live, 100)
    waiting = admit(live, 1)
    waiting.call_at_start(lambda: pytest.fail("it has left"))
    waiting.release()
    waiting.release()
    clock.now = 200.0
    assert live.advance() is None
    assert live.take_snapshot().cancelled == 1
    assert waiting.find_due(0) == 0.0, "everything is due: nobody waits for it"


def test_what_happens_earlier_than_was_known_wakes_the_event_loop(clock: ManualClock) -> None:
    live = LiveEngine(Engine(slots=1, prefill=(1.0, 0.0), decode=(1.0, 0.0)), clock)
    wakes: list[float | None] = []

    def wake() -> None:
        wakes.append(clock.now)

    live.subscribe(wake)
    first = admit(live, 100)
    clock.now = 5.0
    admit(live, 100)
    live.advance()
    before = len(wakes)
    first.release()  # the second begins now, and not when the first has ended
    assert len(wakes) == before + 1
    live.unsubscribe(wake)
    clock.now = 300.0
    admit(live, 1)
    assert len(wakes) == before + 1


def test_the_loop_of_a_server_that_has_stopped_is_forgotten(clock: ManualClock) -> None:
    live = LiveEngine(Engine(prefill=(1.0, 0.0)), clock)
    calls: list[int] = []

    def wake() -> None:
        calls.append(1)
        raise RuntimeError("Event loop is closed")

    live.subscribe(wake)
    admit(live, 1)
    clock.now = 10.0
    live.advance()
    admit(live, 1)
    assert calls == [1]


def test_a_virtual_clock_skips_the_wait_that_a_client_was_told(clock: ManualClock) -> None:
    live = LiveEngine(Engine(limits=Limits(rpm=1)), clock)
    admit(live, 1, key="a")
    refusal = live.admit(Work(key="a"))
    assert isinstance(refusal, Refusal)
    live.skip_wait("b")
    assert clock.now == 0.0
    live.skip_wait("a")
    assert clock.now == 60.0
    admit(live, 1, key="a")
    live.skip_wait("a")
    assert clock.now == 60.0, "only once"


def test_tokens_of_the_past_keep_their_times(clock: ManualClock) -> None:
    live = LiveEngine(Engine(prefill=(1.0, 0.0), decode=(0.5, 0.0)), clock)
    ticket = live.admit(Work())
    assert isinstance(ticket, Ticket)
    ticket.set_plan(TokenPlan(last_event=5))
    clock.now = 100.0
    times = [ticket.find_due(event) for event in range(6)]
    assert times == [1.0, 1.0, 1.5, 2.0, 2.5, 3.0]


def test_a_silence_passes_while_tokens_are_generated(clock: ManualClock) -> None:
    """The script is silent for a second before its third event."""
    live = LiveEngine(Engine(decode=(0.5, 0.0)), clock)
    ticket = live.admit(Work())
    assert isinstance(ticket, Ticket)
    ticket.set_plan(TokenPlan(last_event=5))
    pace = TicketPace(ticket)
    times = []
    for script_due in (0.0, 0.0, 1.0, 1.0, 1.0, 1.0):
        due = pace.find_due(script_due)
        assert due is not None
        pace.note(script_due, due, 1)
        times.append(due)
    assert times == [0.0, 0.0, 1.0, 1.0, 1.5, 2.0]


def test_the_time_in_which_a_request_was_read_is_part_of_its_prefill(clock: ManualClock) -> None:
    live = LiveEngine(Engine(prefill=(1.0, 0.0)), clock)
    clock.now = 10.25
    ticket = live.admit(Work(), arrival=10.0)
    assert isinstance(ticket, Ticket)
    ticket.set_plan(TokenPlan())
    assert live.advance() == 11.0
    clock.now = 11.0
    live.advance()
    assert ticket.phases.prefill == 1.0


def test_an_engine_may_have_started_before_its_first_request(clock: ManualClock) -> None:
    clock.now = 10.0
    live = LiveEngine(Engine(start_up=3.0), clock, started=8.0)
    refusal = live.admit(Work())
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.retry_after) == ("start_up", 1.0)
    clock.now = 11.0
    assert isinstance(live.admit(Work()), Ticket)
