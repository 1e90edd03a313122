"""Faults of the events of a stream: delayed, damaged, added or left out.

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
    decode_event,
    fault,
    find_event,
    insert_steps,
    never_happens,
    replace_body,
    replace_step,
    take_events,
)
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Event, Pause, Raw, Script, Step

__all__ = [
    "error_event",
    "insert",
    "keepalive",
    "latency",
    "malformed",
    "reorder",
    "replace_event",
    "stall",
]


@fault
def stall(after: int = 0, seconds: float | None = None) -> Change:
    """Send nothing after ``after`` events, for ``seconds`` or until the client disconnects."""

    def apply(script: Script) -> Script:
        steps, rest = take_events(script, after, f"stall(after={after})")
        if seconds is None:
            check_end(script, f"stall(after={after})")
            return script.with_steps(steps, "hold")
        return script.with_steps((*steps, Silence(seconds), *rest))

    return apply


@fault
def latency(seconds: float) -> Change:
    """Delay the head of the response by ``seconds`` more."""

    def apply(script: Script) -> Script:
        if script.raw:
            return script.with_steps((Pause(seconds), *script.steps))
        return replace(script, head=replace(script.head, delay=script.head.delay + seconds))

    return apply


@fault
def malformed(at: int = 1, data: str | None = None) -> Change:
    """Cut the JSON of the event at index ``at`` (from 0) in half, or replace it with ``data``.

    A body that is not a stream is cut in half as a whole.
    """
    if not isinstance(data, str | None):
        raise FaultError(f"malformed(data={data!r}): data must be a string")

    def apply(script: Script) -> Script:
        if not script.is_stream:
            return _halve_body(script)
        index = find_event(script, at, f"malformed(at={at})")
        event = decode_event(script.steps[index])
        event_data = event.data[: len(event.data) // 2] if data is None else data
        return replace_step(script, index, replace(event, data=event_data))

    return apply


def _halve_body(script: Script) -> Script:
    body = sse.body(script.steps)
    return replace_body(script, body[: len(body) // 2])


@fault
def replace_event(at: int, raw: str | bytes) -> Change:
    """Replace the event at index ``at`` with any bytes."""
    octets = raw.encode() if isinstance(raw, str) else raw

    def apply(script: Script) -> Script:
        index = find_event(script, at, f"replace_event(at={at})")
        return replace_step(script, index, Raw(octets))

    return apply


@fault
def insert(raw: str | bytes, at: int | None = None) -> Change:
    """Insert any bytes before the event at index ``at``; None inserts them after all events."""
    octets = raw.encode() if isinstance(raw, str) else raw

    def apply(script: Script) -> Script:
        if at is None:
            return script.with_steps((*script.steps, Raw(octets)))
        index = find_event(script, at, f"insert(at={at})")
        return insert_steps(script, index, Raw(octets))

    return apply


@fault
def reorder(at: int, before: int = 0) -> Change:
    """Send the event at index ``at`` before the event at index ``before``, unchanged."""
    what = f"reorder(at={at}, before={before})"

    def apply(script: Script) -> Script:
        source, target = find_event(script, at, what), find_event(script, before, what)
        steps = list(script.steps)
        steps.insert(target if target < source else target - 1, steps.pop(source))
        return script.with_steps(steps)

    return apply


@fault
def error_event(after: int = 0, error: ApiError | None = None) -> Change:
    """Break the stream off after ``after`` events with an error event, without ``[DONE]``."""
    api_error = ApiError(500) if error is None else error
    if not isinstance(api_error, ApiError):
        raise FaultError(f"error_event(error={error!r}): error must be an ApiError")

    def apply(script: Script) -> Script:
        steps, _ = take_events(script, after, f"error_event(after={after})")
        if not script.is_stream:
            raise never_happens(f"error_event(after={after})", script)
        check_end(script, f"error_event(after={after})")
        event = errors.error_event(api_error.mid_stream, number=_find_next_number(steps, script))
        return script.with_steps((*steps, event), "finish")

    return apply


def _find_sequence_numbers(steps: Iterable[Step]) -> list[int]:
    matches_by_event = [
        SEQUENCE_NUMBER.findall(step.data) for step in steps if isinstance(step, Event)
    ]
    return [int(matches[-1]) for matches in matches_by_event if matches]


def _find_next_number(steps: Sequence[Step], script: Script) -> int | None:
    """Return the sequence number of the event after ``steps``, or None if none is numbered."""
    if later_numbers := _find_sequence_numbers(script.steps[len(steps) :]):
        return later_numbers[0]
    earlier_numbers = _find_sequence_numbers(steps)
    return earlier_numbers[-1] + 1 if earlier_numbers else None


@fault
def keepalive(after: int = 2) -> Change:
    """Send a ``keepalive`` event of the Responses API after ``after`` events; renumber the rest.

    The sequence numbers of the events after it grow by one. OpenAI sends such an event when it has
    had nothing else to send for a while (WIRE.md §3).
    """

    def apply(script: Script) -> Script:
        steps, _ = take_events(script, after, f"keepalive(after={after})")
        number = _find_next_number(steps, script)
        if number is None:
            raise never_happens(f"keepalive(after={after})", script)
        event = Event(f'{{"type":"keepalive","sequence_number":{number}}}', "keepalive")
        return script.with_steps(
            (*steps, event, *map(_increment_number, script.steps[len(steps) :]))
        )

    return apply


def _increment_number(step: Step) -> Step:
    if not isinstance(step, Event):
        return step
    data = SEQUENCE_NUMBER.sub(lambda match: f'"sequence_number":{int(match[1]) + 1}', step.data)
    return replace(step, data=data)
