"""How a stream ends: broken off, closed, held open, with or without ``[DONE]``.

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
    first_bytes,
    first_events,
    inserted,
    place,
)
from openai_mockserver.script import End, Event, Script, Step

__all__ = ["close", "cut", "done", "drop_done", "half_close", "hold", "reset", "stop", "truncate"]


def _ending(name: str, after: int, byte: int | None, end: End | None, seconds: float = 0) -> Change:
    what = f"{name}(after={after})" if byte is None else f"{name}(byte={byte})"

    def apply(script: Script) -> Script:
        if byte is not None:
            kept = first_bytes(script, byte, what)
        else:
            kept, _ = first_events(script, after, what)
        check_end(script, what)
        return script.with_steps((*kept, Silence(seconds)) if seconds else kept, end)

    return apply


def _with_end(end: End) -> Change:
    def apply(script: Script) -> Script:
        check_end(script, f"{end}()")
        return script.with_steps(script.steps, end)

    return apply


@fault
def reset(after: int = 0, byte: int | None = None, seconds: float = 0.0) -> Change:
    """TCP RST after the client received a number of events or bytes, or seconds later."""
    return _ending("reset", after, byte, "reset", seconds)


@fault
def truncate(after: int = 0, byte: int | None = None, seconds: float = 0.0) -> Change:
    """FIN with the body unfinished, after a number of events or bytes, or seconds later."""
    return _ending("truncate", after, byte, "truncate", seconds)


@fault
def stop(after: int = 0, byte: int | None = None) -> Change:
    """The body ends cleanly after a number of events or bytes, as if that were all."""
    end = _ending("stop", after, byte, None)

    def apply(script: Script) -> Script:
        stopped = end(script)
        size = str(len(sse.body(stopped.steps)))
        headers = tuple(
            (k, size if k.lower() == "content-length" else v) for k, v in script.head.headers
        )
        return replace(stopped, head=replace(script.head, headers=headers))

    return apply


@fault
def close() -> Change:
    """The connection is closed after the response, though the response is whole."""
    return _with_end("close")


@fault
def half_close() -> Change:
    """FIN after the response, while the server goes on reading."""
    return _with_end("half_close")


@fault
def cut() -> Change:
    """FIN after the last byte without TLS's close_notify. Has no meaning in process."""
    return _with_end("cut")


@fault
def hold() -> Change:
    """The whole response, then neither its end nor the connection's: silence."""
    return _with_end("hold")


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
