"""Faults of the event-stream format: line ends, fields, comments, BOM and missing parts.

See `openai_mockserver.faults.fault` for the rules. If a change is legal (WHATWG HTML §9.2.6), a
correct consumer reads the same events as before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from typing import Any

from openai_mockserver import sse
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.fault import (
    Change,
    decode_event,
    fault,
    find_event,
    insert_steps,
    never_happens,
    replace_step,
)
from openai_mockserver.script import Comment, Event, Pause, Raw, Script, Step

__all__ = [
    "blank_lines",
    "bom",
    "comment",
    "fields",
    "heartbeat",
    "line_ends",
    "multi_line",
    "no_space",
    "single_newlines",
    "unknown_field",
    "unterminated",
]

LINE_ENDS = {
    "lf": (b"\n",),
    "crlf": (b"\r\n",),
    "cr": (b"\r",),
    # In this order, every pair of line ends occurs side by side.
    "mixed": (b"\n", b"\r\n", b"\r"),
}


def _change_each_event(make: Callable[[], Callable[[bytes], bytes]], what: str) -> Change:
    """Return a change of the bytes of every event and comment.

    Args:
        make: creates the function that changes the bytes; called once for each script.
        what: the fault's call, for the error if the script has no events.
    """

    def apply(script: Script) -> Script:
        if not any(map(sse.count_events, script.steps)):
            raise never_happens(what, script)
        change = make()
        steps: list[Step] = []
        for step in script.steps:
            data = sse.encode(step)
            steps.append(Raw(change(data), sse.count_events(step)) if data else step)
        return script.with_steps(steps)

    return apply


@fault
def line_ends(kind: str = "crlf") -> Change:
    """End lines with ``lf``, ``crlf`` or ``cr``; ``mixed`` uses each in turn."""
    if kind not in LINE_ENDS:
        raise FaultError(f"line_ends(kind={kind!r}): kind must be one of {', '.join(LINE_ENDS)}")

    def make() -> Callable[[bytes], bytes]:
        ends, last = cycle(LINE_ENDS[kind]), b""

        def change(data: bytes) -> bytes:
            nonlocal last
            changed_lines = []
            for line in data.split(b"\n")[:-1]:
                end = next(ends)
                if not line and last + end == b"\r\n":
                    end = next(
                        ends
                    )  # CR and LF would join into one line end and leave no blank line
                changed_lines.append(line + end)
                last = end
            return b"".join(changed_lines)

        return change

    return _change_each_event(make, f"line_ends({kind!r})")


@fault
def no_space() -> Change:
    """Leave out the optional space after ``data:`` and the other field names."""

    def change(data: bytes) -> bytes:
        lines = data.split(b"\n")
        return b"\n".join(line.replace(b": ", b":", 1) for line in lines)

    return _change_each_event(lambda: change, "no_space()")


_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,')  # or a string, which may contain commas


@fault
def multi_line(at: int | None = None) -> Change:
    """Split the JSON of every event, or of the event at ``at``, into several ``data:`` lines.

    The lines break after commas, where JSON allows a line end.
    """

    def change(step: Step) -> Step:
        if not isinstance(step, Event) or not step.data.startswith("{"):
            return step
        return replace(step, data=_COMMA.sub(lambda match: match[1] or ",\n", step.data))

    def apply(script: Script) -> Script:
        if at is None:
            return script.with_steps(map(change, script.steps))
        index = find_event(script, at, f"multi_line(at={at})")
        return replace_step(script, index, change(script.steps[index]))

    return apply


@fault
def fields(
    event: str | None = None,
    id: str | None = None,
    retry: int | None = None,
    at: int | None = None,
    alone: bool = False,
) -> Change:
    """Add ``event:``, ``id:`` or ``retry:`` fields to every event, or to the event at ``at``.

    With ``alone``, the fields form a separate block without data before the event.
    """
    arguments = {"event": event, "id": id, "retry": retry}
    new_fields = {name: value for name, value in arguments.items() if value is not None}
    if not new_fields:
        raise FaultError("fields() needs at least one of event=, id= and retry=")
    block = "".join(f"{name}: {value}\n" for name, value in new_fields.items()) + "\n"

    def apply(script: Script) -> Script:
        event_index = None if at is None else find_event(script, at, f"fields(at={at})")
        steps: list[Step] = []
        for index, step in enumerate(script.steps):
            is_selected = sse.count_events(step) and event_index in (None, index)
            if is_selected and alone:
                steps.append(Raw(block.encode(), 0))
            if is_selected and not alone:
                original = decode_event(step)
                step = Event(original.data, event or original.event, id or original.id, retry)
            steps.append(step)
        return script.with_steps(steps)

    return apply


@fault
def comment(text: str = "", at: int = 0) -> Change:
    """Send a comment before the event at index ``at``."""

    def apply(script: Script) -> Script:
        index = find_event(script, at, f"comment(at={at})")
        return insert_steps(script, index, Comment(text))

    return apply


HOUR = 3600.0  # seconds of heartbeats in a silence without end


@fault
def heartbeat(
    every: float | None = None,
    text: str = "ping",
    event: str | None = None,
    data: Any = None,
) -> Change:
    """Send a comment every ``every`` seconds of silence, or an event with a name or ``data``.

    Args:
        every: seconds from one to the next; None sends one between all events.
        text: the comment, or the data of an event named ``event``.
        event: the name of the event that is sent instead of a comment.
        data: the data of the event that is sent instead of a comment: text, or a value that is
            sent as JSON. The event has no name unless ``event`` gives one.
    """
    beat: Step = Comment(text)
    if data is not None and not isinstance(data, str):
        try:
            data = json.dumps(data, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise FaultError(f"heartbeat(): data must be text or JSON: {error}") from None
    if event is not None or data is not None:
        beat = Event(text if data is None else data, event)
    if every is None:
        return _insert_between(beat)

    def apply(script: Script) -> Script:
        steps: list[Step] = []
        for step in script.steps:
            if not isinstance(step, Pause):
                steps.append(step)
                continue
            beats = int(step.seconds / every)
            steps += [replace(step, seconds=every), beat] * beats
            if rest := step.seconds - beats * every:
                steps.append(replace(step, seconds=rest))
        if script.end == "hold":
            steps += [Pause(every), beat] * int(HOUR / every)
        if len(steps) == len(script.steps):
            raise FaultError(
                f"heartbeat(every={every:g}) never happens: no silence is that long; "
                "put it after the fault that causes the silence"
            )
        return script.with_steps(steps)

    return apply


def _insert_between(beat: Step) -> Change:
    """Return a change that inserts a step before every event except the first."""

    def apply(script: Script) -> Script:
        steps: list[Step] = []
        event_count = 0
        for step in script.steps:
            if count := sse.count_events(step):
                steps += [beat] if event_count else []
                event_count += count
            steps.append(step)
        if event_count < 2:
            raise never_happens("heartbeat()", script)
        return script.with_steps(steps)

    return apply


@fault
def bom(at: int | None = 0) -> Change:
    """Send a byte order mark before the event at index ``at``; None: before every event."""

    def apply(script: Script) -> Script:
        event_index = None if at is None else find_event(script, at, f"bom(at={at})")
        steps: list[Step] = []
        for index, step in enumerate(script.steps):
            if sse.count_events(step) and event_index in (None, index):
                step = Raw(b"\xef\xbb\xbf" + sse.encode(step), sse.count_events(step))
            steps.append(step)
        return script.with_steps(steps)

    return apply


@fault
def blank_lines(times: int = 1000, at: int = 0) -> Change:
    """Send ``times`` blank lines before the event at index ``at``."""

    def apply(script: Script) -> Script:
        index = find_event(script, at, f"blank_lines(at={at})")
        return insert_steps(script, index, Raw(b"\n" * times, 0))

    return apply


@fault
def unknown_field(line: str = "foo: bar") -> Change:
    """Add a line with an unknown field to every event."""
    before = line.encode() + b"\n"
    return _change_each_event(lambda: lambda data: before + data, f"unknown_field({line!r})")


@fault
def single_newlines() -> Change:
    """Leave out the blank lines between events, so that all lines form one event."""
    return _change_each_event(lambda: lambda data: data[:-1], "single_newlines()")


@fault
def unterminated(newlines: int = 1) -> Change:
    """Leave out the blank line after the last event; with ``newlines=0`` its line end too."""
    if newlines not in (0, 1):
        raise FaultError(f"unterminated(newlines={newlines!r}): newlines must be 0 or 1")

    def apply(script: Script) -> Script:
        last = max((i for i, s in enumerate(script.steps) if sse.count_events(s)), default=None)
        if last is None:
            raise never_happens("unterminated()", script)
        data = sse.encode(script.steps[last]).rstrip(b"\r\n") + b"\n" * newlines
        return replace_step(script, last, Raw(data, 0))

    return apply
