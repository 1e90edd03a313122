"""A script as a timeline: what goes out when. Every player plays exactly this.

Rules of this file: no I/O and no clock; times are seconds after the head; bytes are made only
when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from openai_mockserver import sse
from openai_mockserver.script import Boundary, Pause, Raw, Script

__all__ = ["Frame", "frames"]


class Frame(NamedTuple):
    """Bytes that are due together: one step of the script."""

    due: float
    data: bytes
    events: int
    size: int  # of the body's bytes among the data
    last: bool = False  # nothing but the script's end comes after, and at once
    fence: bool = False  # the client has read what came before when this is sent


def _whole(script: Script) -> tuple[Raw, ...] | None:
    """The one step of a JSON body, which has no events and may be too long to look for them."""
    kind = (script.head.header("content-type") or "").lower()
    one = script.steps[0] if len(script.steps) == 1 else None
    if isinstance(one, Raw) and kind.startswith("application/json"):
        return (Raw(one.data, one.events or 0),)
    return None


def frames(script: Script) -> Iterator[Frame]:
    r"""The frames of a script. Silence before the end is a last frame without bytes.

    >>> from openai_mockserver.script import Event
    >>> [(f.due, f.data) for f in frames(Script(steps=(Event("a"), Pause(2), Event("b"))))]
    [(0.0, b'data: a\n\n'), (2.0, b'data: b\n\n')]
    """
    due, fence = 0.0, False
    steps = _whole(script) or sse.apart(script.steps)
    end = len(steps) - 1
    for at, step in enumerate(steps):
        if isinstance(step, Boundary):
            fence = True
            continue
        if isinstance(step, Pause):
            due += step.seconds
            if at == end:
                yield Frame(due, b"", 0, 0, True, fence)
            continue
        data = sse.encode(step)
        yield Frame(due, data, sse.count_events(step), len(data), at == end, fence)
        fence = False
