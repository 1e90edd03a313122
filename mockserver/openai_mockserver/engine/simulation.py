"""Runs an engine on virtual time: what happens to each of many requests, without waiting for any.

Rules of this file: no clock; times are seconds as floats.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from openai_mockserver.engine.admission import Admission, Event, Refusal, Work
from openai_mockserver.engine.capacity import Engine
from openai_mockserver.engine.scheduler import Scheduler

__all__ = ["Outcome", "simulate"]


@dataclass(slots=True)
class Outcome:
    """What happened to a request of a simulation.

    Args:
        arrival: when it arrived, in seconds.
        work: what it asked for.
        answer: how the engine answered.
        slot: when it got a slot, in seconds; None if never.
        first_token: when its first token was generated, in seconds; None if never.
        end: when its last token was generated, in seconds; None if never.
    """

    arrival: float
    work: Work
    answer: Admission | Refusal
    slot: float | None = None
    first_token: float | None = None
    end: float | None = None

    @property
    def ttft(self) -> float | None:
        """Seconds from its arrival to its first token."""
        return None if self.first_token is None else self.first_token - self.arrival

    @property
    def itl(self) -> float | None:
        """Mean seconds between two tokens; None for fewer than two."""
        tokens = self.work.completion_tokens
        if self.first_token is None or self.end is None or tokens is None or tokens < 2:
            return None
        return (self.end - self.first_token) / (tokens - 1)


def simulate(engine: Engine, arrivals: Iterable[tuple[float, Work]]) -> list[Outcome]:
    """Return what happens to each request, in the order of arrival.

    Args:
        engine: the engine.
        arrivals: times in seconds, and requests, each with the length of its answer.

    Eight requests at once against two slots:

    >>> engine = Engine(slots=2, prefill=(0.1, 0), decode=(0.01, 0))
    >>> outcomes = simulate(engine, [(0.0, Work(completion_tokens=11))] * 8)
    >>> [round(one.ttft, 1) for one in outcomes]
    [0.1, 0.1, 0.3, 0.3, 0.5, 0.5, 0.7, 0.7]
    """
    ordered = sorted(arrivals, key=lambda one: one[0])
    scheduler = Scheduler(engine, ordered[0][0] if ordered else 0.0)
    outcomes: list[Outcome] = []
    by_id: dict[int, Outcome] = {}
    for time, work in ordered:
        _note(by_id, scheduler.advance(time))
        answer = scheduler.admit(work, time)
        outcomes.append(outcome := Outcome(time, work, answer))
        if isinstance(answer, Admission):
            by_id[answer.id] = outcome
    while (next_event := scheduler.next_event) is not None:
        _note(by_id, scheduler.advance(next_event))
    return outcomes


def _note(by_id: dict[int, Outcome], events: Iterable[Event]) -> None:
    for event in events:
        setattr(by_id[event.id], _FIELDS[event.kind], event.time)


_FIELDS = {"slot": "slot", "first token": "first_token", "end": "end"}
