"""What happens to events and to the end of a stream: broken off, silent, spoilt, more or fewer.

See `openai_mockserver.faults.fault` for the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from openai_mockserver import sse
from openai_mockserver.api import errors
from openai_mockserver.api.responses.events import SEQUENCE_NUMBER
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.fault import (
    Change,
    event_of,
    fault,
    first_bytes,
    first_events,
    inserted,
    never,
    place,
    replaced,
)
from openai_mockserver.reply import ApiError
from openai_mockserver.script import End, Event, Pause, Raw, Script, Step

__all__ = [
    "close",
    "cut",
    "done",
    "drop_done",
    "error_event",
    "half_close",
    "hold",
    "insert",
    "keepalive",
    "latency",
    "malformed",
    "replace_event",
    "reset",
    "stall",
    "stop",
    "truncate",
]


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


@fault
def stall(after: int = 0, seconds: float | None = None) -> Change:
    """Silence after so many events: for so many seconds, or until the client leaves."""

    def apply(script: Script) -> Script:
        kept, rest = first_events(script, after, f"stall(after={after})")
        if seconds is None:
            return script.with_steps(kept, "hold")
        return script.with_steps((*kept, Pause(seconds), *rest))

    return apply


@fault
def latency(seconds: float) -> Change:
    """So many seconds more before the head of the response."""

    def apply(script: Script) -> Script:
        if script.raw:
            return script.with_steps((Pause(seconds), *script.steps))
        return replace(script, head=replace(script.head, delay=script.head.delay + seconds))

    return apply


def _is_done(step: Step) -> bool:
    return isinstance(step, Event) and step.data == "[DONE]"


@fault
def drop_done() -> Change:
    """The stream ends without its ``[DONE]``."""

    def apply(script: Script) -> Script:
        kept = tuple(step for step in script.steps if not _is_done(step))
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
        if not any(map(_is_done, script.steps)):
            raise FaultError("done() never happens: the response has no [DONE]")
        steps = [s for step in script.steps for s in (events if _is_done(step) else (step,))]
        return script.with_steps(steps)

    return apply


@fault
def malformed(at: int = 1, data: str | None = None) -> Change:
    """The event at this index (from 0) has its JSON cut in half, or ``data`` instead.

    A body that is no stream has its text cut in half.
    """
    if not isinstance(data, str | None):
        raise FaultError(f"malformed(data={data!r}): a text")

    def apply(script: Script) -> Script:
        if not script.is_stream:
            return _halved(script)
        index = place(script, at, f"malformed(at={at})")
        event = event_of(script.steps[index])
        spoilt = event.data[: len(event.data) // 2] if data is None else data
        return replaced(script, index, replace(event, data=spoilt))

    return apply


def _halved(script: Script) -> Script:
    body = sse.body(script.steps)
    half = body[: len(body) // 2]
    sized = tuple(
        (name, str(len(half)) if name.lower() == "content-length" else value)
        for name, value in script.head.headers
    )
    return Script(replace(script.head, headers=sized), (Raw(half),), script.end)


@fault
def replace_event(at: int, raw: str | bytes) -> Change:
    """The event at this index is these bytes instead, whatever they are."""
    octets = raw.encode() if isinstance(raw, str) else raw

    def apply(script: Script) -> Script:
        index = place(script, at, f"replace_event(at={at})")
        return replaced(script, index, Raw(octets))

    return apply


@fault
def insert(raw: str | bytes, at: int | None = None) -> Change:
    """These bytes, whatever they are, before the event at an index, or after all the events."""
    octets = raw.encode() if isinstance(raw, str) else raw

    def apply(script: Script) -> Script:
        if at is None:
            return script.with_steps((*script.steps, Raw(octets)))
        index = place(script, at, f"insert(at={at})")
        return inserted(script, index, Raw(octets))

    return apply


@fault
def error_event(after: int = 0, error: ApiError | None = None) -> Change:
    """The stream breaks off after so many events with an error event, and without ``[DONE]``."""
    said = ApiError(500) if error is None else error
    if not isinstance(said, ApiError):
        raise FaultError(f"error_event(error={error!r}): an ApiError")

    def apply(script: Script) -> Script:
        kept, _ = first_events(script, after, f"error_event(after={after})")
        if not script.is_stream:
            raise never(f"error_event(after={after})", script)
        event = errors.error_event(said.mid_stream, number=_next_number(kept, script))
        return script.with_steps((*kept, event), "finish")

    return apply


def _numbers(steps: Iterable[Step]) -> list[int]:
    found = [SEQUENCE_NUMBER.findall(step.data) for step in steps if isinstance(step, Event)]
    return [int(numbers[-1]) for numbers in found if numbers]


def _next_number(kept: Sequence[Step], script: Script) -> int | None:
    """The sequence number of the event after these, where events are numbered."""
    if after := _numbers(script.steps[len(kept) :]):
        return after[0]
    before = _numbers(kept)
    return before[-1] + 1 if before else None


@fault
def keepalive(after: int = 2) -> Change:
    """A ``keepalive`` event of the Responses API after so many events; the others move up by one.

    OpenAI sends one where nothing else was to be said for a while (WIRE.md §3).
    """

    def apply(script: Script) -> Script:
        kept, _ = first_events(script, after, f"keepalive(after={after})")
        number = _next_number(kept, script)
        if number is None:
            raise never(f"keepalive(after={after})", script)
        said = Event(f'{{"type":"keepalive","sequence_number":{number}}}', "keepalive")
        return script.with_steps((*kept, said, *map(_moved_up, script.steps[len(kept) :])))

    return apply


def _moved_up(step: Step) -> Step:
    if not isinstance(step, Event):
        return step
    up = SEQUENCE_NUMBER.sub(lambda found: f'"sequence_number":{int(found[1]) + 1}', step.data)
    return replace(step, data=up)
