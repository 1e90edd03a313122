"""What goes wrong: functions from a script to the script that has the fault.

Rules of this file: pure; they compose from left to right; names are WireMock's and toxiproxy's.
A fault that cannot happen to its script raises FaultError, since a test of it would prove nothing.
Counts are of events: ``after=3`` lets exactly three reach the client, ``at=2`` is the third.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

from mockserver import sse
from mockserver.api import errors
from mockserver.exceptions import FaultError
from mockserver.reply import ApiError
from mockserver.script import End, Event, Pause, Raw, Script, Step

__all__ = [
    "FAULTS",
    "Fault",
    "drop_done",
    "error_event",
    "latency",
    "malformed",
    "named",
    "reset",
    "stall",
    "truncate",
]


@dataclass(frozen=True, slots=True, repr=False)
class Fault:
    """A function from script to script that knows its name and arguments."""

    name: str
    arguments: Mapping[str, Any]
    apply: Callable[[Script], Script]

    def __call__(self, script: Script) -> Script:
        return self.apply(script)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.arguments.items())})"


def _fault(make: Callable[..., Callable[[Script], Script]]) -> Callable[..., Fault]:
    """Let a function that makes a change give a Fault that can be shown and compared."""
    signature = inspect.signature(make)

    @wraps(make)
    def made(*args: Any, **kwargs: Any) -> Fault:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        for name in ("after", "at"):
            value = bound.arguments.get(name, 0)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise FaultError(f"{make.__name__}({name}={value!r}): a count of events, 0 or more")
        if (seconds := bound.arguments.get("seconds")) is not None:
            try:
                Pause(seconds)
            except (TypeError, ValueError):
                raise FaultError(
                    f"{make.__name__}(seconds={seconds!r}): a number of seconds, 0 or more"
                ) from None
        return Fault(make.__name__, dict(bound.arguments), make(*args, **kwargs))

    return made


def _first(script: Script, n: int, fault: str) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The steps up to and with the n-th event, and the rest."""
    seen = 0
    for at, step in enumerate(script.steps):
        if seen >= n:
            return script.steps[:at], script.steps[at:]
        seen += sse.count_events(step)
    if seen < n:
        raise FaultError(f"{fault} never happens: {_has(script, seen)}")
    return script.steps, ()


def _has(script: Script, events: int) -> str:
    if not script.is_stream:
        return "the response is not a stream; ask for one with stream=True"
    return f"the stream has {events} event{'s' * (events != 1)}"


def _ending(name: str, after: int, end: End) -> Callable[[Script], Script]:
    def apply(script: Script) -> Script:
        kept, _ = _first(script, after, f"{name}(after={after})")
        return script.with_steps(kept, end)

    return apply


@_fault
def reset(after: int = 0) -> Callable[[Script], Script]:
    """The connection is reset (TCP RST) once ``after`` events have reached the client."""
    return _ending("reset", after, "reset")


@_fault
def truncate(after: int = 0) -> Callable[[Script], Script]:
    """The connection is closed (FIN) with the body unfinished, after so many events."""
    return _ending("truncate", after, "truncate")


@_fault
def stall(after: int = 0, seconds: float | None = None) -> Callable[[Script], Script]:
    """Silence after so many events: for so many seconds, or until the client leaves."""

    def apply(script: Script) -> Script:
        kept, rest = _first(script, after, f"stall(after={after})")
        if seconds is None:
            return script.with_steps(kept, "hold")
        return script.with_steps((*kept, Pause(seconds), *rest))

    return apply


@_fault
def latency(seconds: float) -> Callable[[Script], Script]:
    """So many seconds more before the head of the response."""

    def apply(script: Script) -> Script:
        return replace(script, head=replace(script.head, delay=script.head.delay + seconds))

    return apply


@_fault
def drop_done() -> Callable[[Script], Script]:
    """The stream ends without its ``[DONE]``."""

    def apply(script: Script) -> Script:
        kept = tuple(s for s in script.steps if not (isinstance(s, Event) and s.data == "[DONE]"))
        if len(kept) == len(script.steps):
            raise FaultError("drop_done() never happens: the response has no [DONE]")
        return script.with_steps(kept)

    return apply


@_fault
def malformed(at: int = 1, data: str | None = None) -> Callable[[Script], Script]:
    """The event at this index (from 0) has its JSON cut in half, or ``data`` instead.

    A body that is no stream has its text cut in half.
    """

    def apply(script: Script) -> Script:
        if not script.is_stream:
            return _halved(script)
        before, rest = _first(script, at, f"malformed(at={at})")
        for offset, step in enumerate(rest):
            if sse.count_events(step):
                event = step if isinstance(step, Event) else sse.decode(sse.encode(step))[0]
                spoilt = event.data[: len(event.data) // 2] if data is None else data
                broken = replace(event, data=spoilt)
                return script.with_steps((*before, *rest[:offset], broken, *rest[offset + 1 :]))
        raise FaultError(f"malformed(at={at}) never happens: {_has(script, at)}")

    return apply


def _halved(script: Script) -> Script:
    body = sse.body(script.steps)
    half = body[: len(body) // 2]
    sized = tuple(
        (name, str(len(half)) if name.lower() == "content-length" else value)
        for name, value in script.head.headers
    )
    return Script(replace(script.head, headers=sized), (Raw(half),), script.end)


@_fault
def error_event(after: int = 0, error: ApiError | None = None) -> Callable[[Script], Script]:
    """The stream breaks off after so many events with an error event, and without ``[DONE]``."""
    said = ApiError(500) if error is None else error
    if not isinstance(said, ApiError):
        raise FaultError(f"error_event(error={error!r}): an ApiError")

    def apply(script: Script) -> Script:
        kept, _ = _first(script, after, f"error_event(after={after})")
        if not script.is_stream:
            raise FaultError(f"error_event(after={after}) never happens: {_has(script, 0)}")
        event = errors.error_event(said.mid_stream)
        return script.with_steps((*kept, event), "finish")

    return apply


FAULTS: dict[str, Callable[..., Fault]] = {
    make.__name__: make
    for make in (drop_done, error_event, latency, malformed, reset, stall, truncate)
}
"""The faults by name."""


def named(name: str, arguments: Mapping[str, Any] | None = None) -> Fault:
    """The fault of this name with these arguments, as scenario files give them.

    >>> named("reset", {"after": 3})
    reset(after=3)
    """
    if name not in FAULTS:
        raise FaultError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
    try:
        return FAULTS[name](**(arguments or {}))
    except TypeError as error:
        raise FaultError(f"{name}: {error}") from None
