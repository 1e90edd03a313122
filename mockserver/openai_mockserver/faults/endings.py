"""Faults of the end of a response: broken off, closed, held open, with or without ``[DONE]``.

See `openai_mockserver.faults.fault` for the rules.
"""

from __future__ import annotations

from dataclasses import replace

from openai_mockserver import sse
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.fault import (
    Change,
    Silence,
    check_end,
    fault,
    find_event,
    insert_steps,
    take_bytes,
    take_events,
)
from openai_mockserver.script import End, Event, Script, Step

__all__ = ["close", "cut", "done", "drop_done", "half_close", "hold", "reset", "stop", "truncate"]


def _end_after(
    name: str, after: int, byte: int | None, end: End | None, seconds: float = 0
) -> Change:
    what = f"{name}(after={after})" if byte is None else f"{name}(byte={byte})"

    def apply(script: Script) -> Script:
        if byte is not None:
            steps = take_bytes(script, byte, what)
        else:
            steps, _ = take_events(script, after, what)
        check_end(script, what)
        return script.with_steps((*steps, Silence(seconds)) if seconds else steps, end)

    return apply


def _set_end(end: End) -> Change:
    def apply(script: Script) -> Script:
        check_end(script, f"{end}()")
        return script.with_steps(script.steps, end)

    return apply


@fault
def reset(after: int = 0, byte: int | None = None, seconds: float = 0.0) -> Change:
    """Reset the connection (TCP RST) once the client received ``after`` events or ``byte`` bytes.

    Args:
        after: a count of events.
        byte: a count of bytes to use instead of ``after``.
        seconds: the silence before the reset.
    """
    return _end_after("reset", after, byte, "reset", seconds)


@fault
def truncate(after: int = 0, byte: int | None = None, seconds: float = 0.0) -> Change:
    """Close the connection (FIN) in the body, after ``after`` events or ``byte`` bytes.

    Args:
        after: a count of events.
        byte: a count of bytes to use instead of ``after``.
        seconds: the silence before the FIN.
    """
    return _end_after("truncate", after, byte, "truncate", seconds)


@fault
def stop(after: int = 0, byte: int | None = None) -> Change:
    """End the body cleanly after ``after`` events or ``byte`` bytes, as if it were complete."""
    end_body = _end_after("stop", after, byte, None)

    def apply(script: Script) -> Script:
        short = end_body(script)
        size = str(len(sse.body(short.steps)))
        headers = tuple(
            (k, size if k.lower() == "content-length" else v) for k, v in script.head.headers
        )
        return replace(short, head=replace(script.head, headers=headers))

    return apply


@fault
def close() -> Change:
    """Close the connection after the complete response."""
    return _set_end("close")


@fault
def half_close() -> Change:
    """Send FIN after the response while the server goes on reading."""
    return _set_end("half_close")


@fault
def cut() -> Change:
    """Send FIN after the last byte without TLS's close_notify. Raises an error in process."""
    return _set_end("cut")


@fault
def hold() -> Change:
    """Send every byte of the response, then neither end the body nor close the connection."""
    return _set_end("hold")


def is_done(step: Step) -> bool:
    """Return whether a step is the event ``[DONE]``."""
    return isinstance(step, Event) and step.data == "[DONE]"


@fault
def drop_done() -> Change:
    """Leave out the stream's ``[DONE]``."""

    def apply(script: Script) -> Script:
        steps = tuple(step for step in script.steps if not is_done(step))
        if len(steps) == len(script.steps):
            raise FaultError("drop_done() never happens: the response has no [DONE]")
        return script.with_steps(steps)

    return apply


@fault
def done(at: int | None = None, text: str = "[DONE]", times: int = 1) -> Change:
    """Send ``[DONE]`` early (``at``), spelled differently (``text``) or repeatedly (``times``)."""

    def apply(script: Script) -> Script:
        events = (Event(text),) * times
        if at is not None:
            index = find_event(script, at, f"done(at={at})")
            return insert_steps(script, index, *events)
        if not any(map(is_done, script.steps)):
            raise FaultError("done() never happens: the response has no [DONE]")
        steps = [s for step in script.steps for s in (events if is_done(step) else (step,))]
        return script.with_steps(steps)

    return apply
