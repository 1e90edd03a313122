"""What happens to the events of a stream: silent, spoilt, more or fewer.

See `openai_mockserver.faults.fault` for the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from openai_mockserver import sse
from openai_mockserver.api import errors
from openai_mockserver.dialects.responses import SEQUENCE_NUMBER
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.fault import (
    Change,
    Silence,
    check_end,
    event_of,
    fault,
    first_events,
    inserted,
    never,
    place,
    replaced,
)
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Event, Pause, Raw, Script, Step

__all__ = ["error_event", "insert", "keepalive", "latency", "malformed", "replace_event", "stall"]


@fault
def stall(after: int = 0, seconds: float | None = None) -> Change:
    """Silence after so many events: for so many seconds, or until the client leaves."""

    def apply(script: Script) -> Script:
        kept, rest = first_events(script, after, f"stall(after={after})")
        if seconds is None:
            check_end(script, f"stall(after={after})")
            return script.with_steps(kept, "hold")
        return script.with_steps((*kept, Silence(seconds), *rest))

    return apply


@fault
def latency(seconds: float) -> Change:
    """So many seconds more before the head of the response."""

    def apply(script: Script) -> Script:
        if script.raw:
            return script.with_steps((Pause(seconds), *script.steps))
        return replace(script, head=replace(script.head, delay=script.head.delay + seconds))

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
        check_end(script, f"error_event(after={after})")
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
