"""What a fault is, and how a script is cut at an event or a byte.

Rules of this folder: a fault is a pure function from a script to the script that has the fault;
they compose from left to right; names are WireMock's and toxiproxy's where the meaning is the same.
A fault that cannot happen to its script raises FaultError, since a test of it would prove nothing.
Counts are of events: ``after=3`` lets exactly three reach the client, ``at=2`` is the third.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from openai_mockserver import sse
from openai_mockserver.exceptions import FaultError
from openai_mockserver.script import Boundary, Comment, Event, Pause, Raw, Script, Step
from openai_mockserver.timeline import frames

__all__ = [
    "Change",
    "Fault",
    "Silence",
    "check_end",
    "event_of",
    "fault",
    "first_bytes",
    "first_events",
    "inserted",
    "is_changed",
    "never",
    "place",
    "replaced",
]

Change = Callable[[Script], Script]


@dataclass(frozen=True, slots=True, repr=False)
class Fault:
    """A function from script to script that knows its name and arguments."""

    name: str
    arguments: Mapping[str, Any]
    apply: Change

    def __call__(self, script: Script) -> Script:
        return self.apply(script)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.arguments.items())})"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_counts(value: object) -> bool:
    return _is_count(value) or (isinstance(value, list | tuple) and all(map(_is_count, value)))


def _is_time(value: object) -> bool:
    try:
        Pause(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


# argument name: (what it must be, in words)
_CHECKED: dict[str, tuple[Callable[[object], bool], str]] = {
    "after": (_is_count, "a count of events, 0 or more"),
    "at": (_are_counts, "a count of events, 0 or more"),
    "byte": (_is_count, "a count of bytes, 0 or more"),
    "times": (_is_count, "a count, 0 or more"),
    "seconds": (_is_time, "a number of seconds, 0 or more"),
    "every": (lambda v: _is_time(v) and bool(v), "a number of seconds, more than 0"),
    "size": (lambda v: _is_count(v) and bool(v), "a count of bytes, 1 or more"),
    "rate": (lambda v: _is_time(v) and bool(v), "bytes a second, more than 0"),
}


def fault(make: Callable[..., Change]) -> Callable[..., Fault]:
    """Let a function that makes a change give a Fault, its arguments checked by their names."""
    signature = inspect.signature(make)

    def known(script: Script) -> Script:
        return script.with_steps(sse.apart(script.steps))

    @wraps(make)
    def made(*args: Any, **kwargs: Any) -> Fault:
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            if name in _CHECKED and value is not None:
                good, wanted = _CHECKED[name]
                if not good(value):
                    raise FaultError(f"{make.__name__}({name}={value!r}): {wanted}")
        change = make(*args, **kwargs)
        return Fault(make.__name__, dict(bound.arguments), lambda script: change(known(script)))

    return made


def is_changed(script: Script, faulty: Script) -> bool:
    """Whether a client could notice the difference between the two."""
    if script is faulty or script == faulty:
        return False
    if (script.head, script.end, script.raw) != (faulty.head, faulty.end, faulty.raw):
        return True
    try:
        return list(_noticed(script)) != list(_noticed(faulty))
    except ValueError:  # what cannot be put into bytes is told of when it is to be sent
        return True


def _noticed(script: Script) -> Iterator[tuple[object, ...]]:
    for frame in frames(script):
        if frame.data or frame.last:
            yield frame.due, frame.data, frame.fence


def never(what: str, script: Script) -> FaultError:
    """The error that a fault cannot happen."""
    if not script.is_stream:
        return FaultError(
            f"{what} never happens: the response is not a stream; ask for one with stream=True"
        )
    events = sum(map(sse.count_events, script.steps))
    return FaultError(f"{what} never happens: the stream has {events} event{'s' * (events != 1)}")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Silence(Pause):
    """A pause that a fault made after an event; one of a pace belongs to the event that follows."""

    def __eq__(self, other: object) -> bool:
        return self.seconds == other.seconds if isinstance(other, Pause) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.seconds)

    def __repr__(self) -> str:
        return f"Pause({self.seconds!r})"


def _silence_from(steps: tuple[Step, ...], at: int) -> int:
    """Where the silence ends that faults made at a place."""
    end = at
    for index in range(at, len(steps)):
        if isinstance(steps[index], Silence):
            end = index + 1
        elif sse.encode(steps[index]) and not isinstance(steps[index], Comment):
            break
    return end


def check_end(script: Script, what: str) -> None:
    """Raise FaultError if an earlier fault has said how the response ends: one would be lost."""
    if script.end not in ("finish", "close"):
        raise FaultError(
            f"{what} and an earlier fault, by which the response ends with {script.end}: it has "
            "one end only"
        )


def first_events(script: Script, n: int, what: str) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The steps up to and with the n-th event and the silence after it, and the rest.

    The silence is what other faults made there, which would else be lost.
    """
    seen = 0
    for at, step in enumerate(script.steps):
        # HTTP's own head, where it is among the steps, comes with no event.
        if seen >= n and not (script.raw and at == 0):
            end = _silence_from(script.steps, at)
            return script.steps[:end], script.steps[end:]
        seen += sse.count_events(step)
    if seen < n:
        raise never(what, script)
    return script.steps, ()


def place(script: Script, at: int, what: str) -> int:
    """The index among the steps of the event at this index among the events."""
    seen = 0
    for index, step in enumerate(script.steps):
        seen += sse.count_events(step)
        if seen > at:
            return index
    raise never(what, script)


def inserted(script: Script, index: int, *steps: Step) -> Script:
    """The script with more steps before the one at an index."""
    return script.with_steps((*script.steps[:index], *steps, *script.steps[index:]))


def replaced(script: Script, index: int, step: Step) -> Script:
    """The script with another step at an index."""
    return script.with_steps((*script.steps[:index], step, *script.steps[index + 1 :]))


def event_of(step: Step) -> Event:
    """The event that a step completes, whatever its bytes are."""
    return step if isinstance(step, Event) else sse.decode(sse.encode(step))[0]


def first_bytes(script: Script, n: int, what: str) -> tuple[Step, ...]:
    """The steps up to and with the n-th byte."""
    kept: list[Step] = []
    left = n
    for at, step in enumerate(script.steps):
        data = sse.encode(step)
        if len(data) > left:
            if left:
                kept.append(Raw(data[:left], None if sse.count_events(step) > 1 else 0))
            return tuple(kept)
        kept.append(step)
        left -= len(data)
        if not left and not isinstance(step, Pause | Boundary):
            end = _silence_from(script.steps, at + 1)
            return (*kept, *script.steps[at + 1 : end])
    if left:
        size = n - left
        raise FaultError(f"{what} never happens: there are {size} bytes")
    return tuple(kept)
