"""How a stream ends: broken off, closed, held open, with or without ``[DONE]``.

See `openai_mockserver.faults.fault` for the rules.
"""

from __future__ import annotations

from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.fault import (
    Change,
    fault,
    first_bytes,
    first_events,
    inserted,
    place,
)
from openai_mockserver.script import End, Event, Script, Step

__all__ = ["close", "cut", "done", "drop_done", "half_close", "hold", "reset", "stop", "truncate"]


def _ending(name: str, after: int, byte: int | None, end: End) -> Change:
    def apply(script: Script) -> Script:
        if byte is not None:
            return script.with_steps(first_bytes(script, byte, f"{name}(byte={byte})"), end)
        kept, _ = first_events(script, after, f"{name}(after={after})")
        return script.with_steps(kept, end)

    return apply


@fault
def reset(after: int = 0, byte: int | None = None) -> Change:
    """The connection is reset (TCP RST) once so many events, or bytes, have been received."""
    return _ending("reset", after, byte, "reset")


@fault
def truncate(after: int = 0, byte: int | None = None) -> Change:
    """The connection is closed (FIN) with the body unfinished, after so many events or bytes."""
    return _ending("truncate", after, byte, "truncate")


@fault
def stop(after: int = 0) -> Change:
    """The body ends after so many events, cleanly, as if that were all."""

    def apply(script: Script) -> Script:
        kept, _ = first_events(script, after, f"stop(after={after})")
        return script.with_steps(kept)

    return apply


@fault
def close() -> Change:
    """The connection is closed after the response, though the response is whole."""
    return lambda script: script.with_steps(script.steps, "close")


@fault
def half_close() -> Change:
    """FIN after the response, while the server goes on reading."""
    return lambda script: script.with_steps(script.steps, "half_close")


@fault
def cut() -> Change:
    """FIN after the last byte without TLS's close_notify. Has no meaning in process."""
    return lambda script: script.with_steps(script.steps, "cut")


@fault
def hold() -> Change:
    """The whole response, then neither its end nor the connection's: silence."""
    return lambda script: script.with_steps(script.steps, "hold")


def is_done(step: Step) -> bool:
    return isinstance(step, Event) and step.data == "[DONE]"


@fault
def drop_done() -> Change:
    """The stream ends without its ``[DONE]``."""

    def apply(script: Script) -> Script:
        kept = tuple(step for step in script.steps if not is_done(step))
        if len(kept) == len(script.steps):
            raise FaultError("drop_done() never happens: the response has no [DONE]")
        return script.with_steps(kept)

    return apply


@fault
def done(at: int | None = None, text: str = "[DONE]", times: int = 1) -> Change:
    """``[DONE]`` otherwise: before the event at an index, spelt otherwise, or several times."""

    def apply(script: Script) -> Script:
        events = (Event(text),) * times
        if at is not None:
            index = place(script, at, f"done(at={at})")
            return inserted(script, index, *events)
        if not any(map(is_done, script.steps)):
            raise FaultError("done() never happens: the response has no [DONE]")
        steps = [s for step in script.steps for s in (events if is_done(step) else (step,))]
        return script.with_steps(steps)

    return apply
