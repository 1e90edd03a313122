"""The event-stream format otherwise: line ends, fields, comments, BOM and what is left out.

See `openai_mockserver.faults.fault` for the rules. What is legal here (WHATWG HTML §9.2.6) a right
consumer reads as before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle

from openai_mockserver import sse
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.fault import Change, event_of, fault, inserted, never, place, replaced
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
    # One after the other, so that every pair comes next to each other.
    "mixed": (b"\n", b"\r\n", b"\r"),
}


def _each_event(make: Callable[[], Callable[[bytes], bytes]], what: str) -> Change:
    """Change the bytes of every event and comment, anew for each script."""

    def apply(script: Script) -> Script:
        if not any(map(sse.count_events, script.steps)):
            raise never(what, script)
        change = make()
        steps: list[Step] = []
        for step in script.steps:
            data = sse.encode(step)
            steps.append(Raw(change(data), sse.count_events(step)) if data else step)
        return script.with_steps(steps)

    return apply


@fault
def line_ends(kind: str = "crlf") -> Change:
    """Lines end with ``lf``, ``crlf``, ``cr``, or with each in turn: ``mixed``."""
    if kind not in LINE_ENDS:
        raise FaultError(f"line_ends(kind={kind!r}): one of {', '.join(LINE_ENDS)}")

    def make() -> Callable[[bytes], bytes]:
        ends, last = cycle(LINE_ENDS[kind]), b""

        def change(data: bytes) -> bytes:
            nonlocal last
            changed = []
            for line in data.split(b"\n")[:-1]:
                end = next(ends)
                if not line and last + end == b"\r\n":
                    end = next(ends)  # the two would be one, and the line not blank
                changed.append(line + end)
                last = end
            return b"".join(changed)

        return change

    return _each_event(make, f"line_ends({kind!r})")


@fault
def no_space() -> Change:
    """``data:`` without the space that may follow it."""

    def change(data: bytes) -> bytes:
        lines = data.split(b"\n")
        return b"\n".join(line.replace(b": ", b":", 1) for line in lines)

    return _each_event(lambda: change, "no_space()")


_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,')  # or a string, in which there may be some


@fault
def multi_line(at: int | None = None) -> Change:
    """An event's data, or every event's, in several ``data:`` lines, as JSON allows at commas."""

    def change(step: Step) -> Step:
        if not isinstance(step, Event) or not step.data.startswith("{"):
            return step
        return replace(step, data=_COMMA.sub(lambda found: found[1] or ",\n", step.data))

    def apply(script: Script) -> Script:
        if at is None:
            return script.with_steps(map(change, script.steps))
        index = place(script, at, f"multi_line(at={at})")
        return replaced(script, index, change(script.steps[index]))

    return apply


@fault
def fields(
    event: str | None = None,
    id: str | None = None,
    retry: int | None = None,
    at: int | None = None,
    alone: bool = False,
) -> Change:
    """``event:``, ``id:`` or ``retry:`` fields with every event, or the one at an index.

    With ``alone`` they are a block of their own before it, without data.
    """
    given = {"event": event, "id": id, "retry": retry}
    stated = {name: value for name, value in given.items() if value is not None}
    if not stated:
        raise FaultError("fields() needs event=, id= or retry=")
    block = "".join(f"{name}: {value}\n" for name, value in stated.items()) + "\n"

    def apply(script: Script) -> Script:
        wanted = None if at is None else place(script, at, f"fields(at={at})")
        steps: list[Step] = []
        for index, step in enumerate(script.steps):
            chosen = sse.count_events(step) and wanted in (None, index)
            if chosen and alone:
                steps.append(Raw(block.encode(), 0))
            if chosen and not alone:
                found = event_of(step)
                step = Event(found.data, event or found.event, id or found.id, retry)
            steps.append(step)
        return script.with_steps(steps)

    return apply


@fault
def comment(text: str = "", at: int = 0) -> Change:
    """A comment before the event at an index."""

    def apply(script: Script) -> Script:
        index = place(script, at, f"comment(at={at})")
        return inserted(script, index, Comment(text))

    return apply


HOUR = 3600.0  # seconds for which silence without end has heartbeats


@fault
def heartbeat(every: float, text: str = "ping", event: str | None = None) -> Change:
    """A comment every so many seconds of silence; with ``event``, an event of this name instead."""
    beat: Step = Comment(text) if event is None else Event(text, event)

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
                "put it after the fault that makes one"
            )
        return script.with_steps(steps)

    return apply


@fault
def bom(at: int | None = 0) -> Change:
    """A byte order mark before the event at an index, by default the first; None: before each."""

    def apply(script: Script) -> Script:
        wanted = None if at is None else place(script, at, f"bom(at={at})")
        steps: list[Step] = []
        for index, step in enumerate(script.steps):
            if sse.count_events(step) and wanted in (None, index):
                step = Raw(b"\xef\xbb\xbf" + sse.encode(step), sse.count_events(step))
            steps.append(step)
        return script.with_steps(steps)

    return apply


@fault
def blank_lines(times: int = 1000, at: int = 0) -> Change:
    """So many blank lines before the event at an index."""

    def apply(script: Script) -> Script:
        index = place(script, at, f"blank_lines(at={at})")
        return inserted(script, index, Raw(b"\n" * times, 0))

    return apply


@fault
def unknown_field(line: str = "foo: bar") -> Change:
    """A line with an unknown field in every event."""
    before = line.encode() + b"\n"
    return _each_event(lambda: lambda data: before + data, f"unknown_field({line!r})")


@fault
def single_newlines() -> Change:
    """No blank line between events: all that is said is one event of many lines."""
    return _each_event(lambda: lambda data: data[:-1], "single_newlines()")


@fault
def unterminated(newlines: int = 1) -> Change:
    """The last event lacks its blank line, or with ``newlines=0`` its line end too."""
    if newlines not in (0, 1):
        raise FaultError(f"unterminated(newlines={newlines!r}): 0 or 1")

    def apply(script: Script) -> Script:
        last = max((i for i, s in enumerate(script.steps) if sse.count_events(s)), default=None)
        if last is None:
            raise never("unterminated()", script)
        data = sse.encode(script.steps[last]).rstrip(b"\r\n") + b"\n" * newlines
        return replaced(script, last, Raw(data, 0))

    return apply
