"""The `Fault` type, and the functions that find an event or a byte in a script and cut there.

Rules of this folder: a fault is a pure function that takes a script and returns the faulty script.
Faults compose from left to right. Their names are those of WireMock and toxiproxy if the meaning
is the same. A fault that cannot happen to its script raises FaultError, because a test with it
would prove nothing. ``after`` counts events and ``at`` is an index from 0: ``after=3`` lets exactly
three events reach the client, ``at=2`` is the third event, and ``at=-1`` the last one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, NamedTuple

from openai_mockserver import sse
from openai_mockserver.exceptions import FaultError
from openai_mockserver.script import Boundary, Comment, Event, Pause, Raw, Script, Step
from openai_mockserver.timeline import frames

__all__ = [
    "ARGUMENT_CHECKS",
    "Change",
    "Fault",
    "Silence",
    "check_end",
    "decode_event",
    "fault",
    "take_bytes",
    "take_events",
    "insert_steps",
    "is_changed",
    "never_happens",
    "find_event",
    "replace_body",
    "replace_step",
]

Change = Callable[[Script], Script]


@dataclass(frozen=True, slots=True, repr=False)
class Fault:
    """A function from script to script, with its name and arguments."""

    name: str
    arguments: Mapping[str, Any]
    apply: Change

    def __call__(self, script: Script) -> Script:
        return self.apply(script)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.arguments.items())})"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_indexes(value: object) -> bool:
    return _is_index(value) or (isinstance(value, list | tuple) and all(map(_is_count, value)))


def _is_time(value: object) -> bool:
    try:
        Pause(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _is_positive_time(value: object) -> bool:
    return _is_time(value) and bool(value)


def _is_positive_count(value: object) -> bool:
    return _is_count(value) and bool(value)


def _is_several(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 2


class _Check(NamedTuple):
    """What the arguments of a name must be: a predicate, its description, and as JSON Schema."""

    is_allowed: Callable[[object], bool]
    expected: str
    schema: Mapping[str, Any]


ARGUMENT_CHECKS: dict[str, _Check] = {
    "after": _Check(_is_count, "a count of events, 0 or more", {"minimum": 0}),
    "at": _Check(_are_indexes, "an index", {"items": {"type": "integer", "minimum": 0}}),
    "before": _Check(_is_index, "an index", {}),
    "byte": _Check(_is_count, "a count of bytes, 0 or more", {"minimum": 0}),
    "count": _Check(_is_several, "a count, 2 or more, or None", {"minimum": 2}),
    "parts": _Check(_is_several, "a count, 2 or more", {"minimum": 2}),
    "times": _Check(_is_count, "a count, 0 or more", {"minimum": 0}),
    "seconds": _Check(_is_time, "a number of seconds, 0 or more", {"minimum": 0}),
    "every": _Check(_is_positive_time, "a number of seconds, more than 0", {"exclusiveMinimum": 0}),
    "size": _Check(_is_positive_count, "a count of bytes, 1 or more", {"minimum": 1}),
    "rate": _Check(
        _is_positive_time, "a number of bytes per second, more than 0", {"exclusiveMinimum": 0}
    ),
}
"""What an argument of a fault must be, by its name."""


def fault(make: Callable[..., Change]) -> Callable[..., Fault]:
    """Decorate a function that returns a change: check its arguments by name, return a Fault."""
    signature = inspect.signature(make)

    def split_events(script: Script) -> Script:
        return script.with_steps(sse.apart(script.steps))

    @wraps(make)
    def build_fault(*args: Any, **kwargs: Any) -> Fault:
        bound_arguments = signature.bind(*args, **kwargs)
        for name, value in bound_arguments.arguments.items():
            check = ARGUMENT_CHECKS.get(name)
            if check is not None and value is not None and not check.is_allowed(value):
                raise FaultError(
                    f"{make.__name__}({name}={value!r}): {name} must be {check.expected}"
                )
        change = make(*args, **kwargs)
        return Fault(
            make.__name__,
            dict(bound_arguments.arguments),
            lambda script: change(split_events(script)),
        )

    return build_fault


def is_changed(script: Script, faulty: Script) -> bool:
    """Return whether a client could notice a difference between the two scripts."""
    if script is faulty or script == faulty:
        return False
    if (script.head, script.end, script.raw) != (faulty.head, faulty.end, faulty.raw):
        return True
    if script.socket_steps != faulty.socket_steps:
        return True
    try:
        return list(_observe_frames(script)) != list(_observe_frames(faulty))
    except ValueError:  # a script that cannot be encoded raises its error when it is sent
        return True


def _observe_frames(script: Script) -> Iterator[tuple[object, ...]]:
    for frame in frames(script):
        if frame.data or frame.last:
            yield frame.due, frame.data, frame.fence


def never_happens(what: str, script: Script) -> FaultError:
    """Return the error for a fault that cannot happen to this script."""
    if not script.is_stream:
        return FaultError(
            f"{what} never happens: the response is not a stream; request one with stream=True"
        )
    events = sum(map(sse.count_events, script.steps))
    return FaultError(f"{what} never happens: the stream has {events} event{'s' * (events != 1)}")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Silence(Pause):
    """A pause that a fault puts after an event; a pause of a pace belongs to the next event."""

    def __eq__(self, other: object) -> bool:
        return self.seconds == other.seconds if isinstance(other, Pause) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.seconds)

    def __repr__(self) -> str:
        return f"Pause({self.seconds!r})"


def _find_silence_end(steps: tuple[Step, ...], at: int) -> int:
    """Return the index after the silence that faults have put at an index."""
    end = at
    for index in range(at, len(steps)):
        if isinstance(steps[index], Silence):
            end = index + 1
        elif sse.encode(steps[index]) and not isinstance(steps[index], Comment):
            break
    return end


def check_end(script: Script, what: str) -> None:
    """Raise FaultError if an earlier fault already sets the end: one of the two would be lost."""
    if script.end not in ("finish", "close"):
        raise FaultError(
            f"{what}: an earlier fault already ends the response with {script.end}, and a response "
            "has only one end"
        )


def take_events(script: Script, n: int, what: str) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Return the steps through the n-th event and the silence after it, and the remaining steps.

    The silence comes from earlier faults and would otherwise be lost.

    Raises:
        FaultError: if the script has fewer events.
    """
    event_count = 0
    for at, step in enumerate(script.steps):
        # In a raw script the first step is HTTP's own head, which belongs to no event.
        if event_count >= n and not (script.raw and at == 0):
            end = _find_silence_end(script.steps, at)
            return script.steps[:end], script.steps[end:]
        event_count += sse.count_events(step)
    if event_count < n:
        raise never_happens(what, script)
    return script.steps, ()


def find_event(script: Script, at: int, what: str) -> int:
    """Return the index of the step that completes the event at index ``at``.

    A negative index counts from the end: -1 is the last event.

    Raises:
        FaultError: if the script has no such event.
    """
    if at < 0:
        at += sum(map(sse.count_events, script.steps))
        if at < 0:
            raise never_happens(what, script)
    event_count = 0
    for index, step in enumerate(script.steps):
        event_count += sse.count_events(step)
        if event_count > at:
            return index
    raise never_happens(what, script)


def insert_steps(script: Script, index: int, *steps: Step) -> Script:
    """Insert steps before the step at an index."""
    return script.with_steps((*script.steps[:index], *steps, *script.steps[index:]))


def replace_step(script: Script, index: int, step: Step) -> Script:
    """Replace the step at an index."""
    return script.with_steps((*script.steps[:index], step, *script.steps[index + 1 :]))


def replace_body(script: Script, body: bytes) -> Script:
    """Replace the body of a response that is not a stream, and its length in the head."""
    headers = tuple(
        (name, str(len(body)) if name.lower() == "content-length" else value)
        for name, value in script.head.headers
    )
    return Script(replace(script.head, headers=headers), (Raw(body),), script.end)


def decode_event(step: Step) -> Event:
    """Return the event that a step completes, also if the step is raw bytes."""
    return step if isinstance(step, Event) else sse.decode(sse.encode(step))[0]


def take_bytes(script: Script, n: int, what: str) -> tuple[Step, ...]:
    """Return the steps through the n-th byte and the silence after it.

    Raises:
        FaultError: if the body has fewer bytes.
    """
    taken_steps: list[Step] = []
    bytes_left = n
    for at, step in enumerate(script.steps):
        data = sse.encode(step)
        if len(data) > bytes_left:
            if bytes_left:
                taken_steps.append(
                    Raw(data[:bytes_left], None if sse.count_events(step) > 1 else 0)
                )
            return tuple(taken_steps)
        taken_steps.append(step)
        bytes_left -= len(data)
        if not bytes_left and not isinstance(step, Pause | Boundary):
            end = _find_silence_end(script.steps, at + 1)
            return (*taken_steps, *script.steps[at + 1 : end])
    if bytes_left:
        size = n - bytes_left
        raise FaultError(f"{what} never happens: the response has only {size} bytes")
    return tuple(taken_steps)
