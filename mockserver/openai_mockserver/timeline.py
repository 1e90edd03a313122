"""A script as a timeline: what goes out when. Every player plays exactly this.

Rules of this file: no I/O and no clock; times are seconds after the head; bytes are made only
when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from openai_mockserver import sse
from openai_mockserver.script import Boundary, Frame, Pause, Raw, Script

__all__ = ["Frame", "chunk", "chunk_size", "frames"]


def chunk(data: bytes) -> bytes:
    r"""An HTTP chunk (RFC 9112 §7.1).

    >>> chunk(b"hello")
    b'5\r\nhello\r\n'
    """
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunk_size(size: int) -> int:
    """Return how many bytes an HTTP chunk of this many bytes takes.

    >>> chunk_size(5) == len(chunk(b"hello"))
    True
    """
    return len(f"{size:x}") + 4 + size


def _whole(script: Script) -> tuple[Raw, ...] | None:
    """The one step of a JSON body, which has no events and may be too long to look for them."""
    kind = (script.head.header("content-type") or "").lower()
    one = script.steps[0] if len(script.steps) == 1 else None
    if isinstance(one, Raw) and kind.startswith("application/json"):
        return (Raw(one.data, one.events or 0),)
    return None


def frames(script: Script, *, chunked: bool = False, together: int = 0) -> Iterator[Frame]:
    r"""The frames of a script. Silence before the end is a last frame without bytes.

    Args:
        script: the response.
        chunked: each step is an HTTP chunk (RFC 9112 §7.1).
        together: how many bytes of steps that are due at the same time may be one frame.

    >>> from openai_mockserver.script import Event
    >>> [(f.due, f.data) for f in frames(Script(steps=(Event("a"), Pause(2), Event("b"))))]
    [(0.0, b'data: a\n\n'), (2.0, b'data: b\n\n')]
    """
    if (lazy := script.lazy) is not None:
        return _mark_last(lazy.frames(chunked=chunked, together=together))
    apart = _frame_steps(script, chunked)
    return _join(apart, together) if together else apart


def _mark_last(frames: Iterator[Frame]) -> Iterator[Frame]:
    before: Frame | None = None
    for frame in frames:
        if before is not None:
            yield before
        before = frame
    if before is not None:
        yield before._replace(last=True)


def _frame_steps(script: Script, chunked: bool) -> Iterator[Frame]:
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
        size = len(data)
        if chunked and data:
            data = chunk(data)
        yield Frame(due, data, sse.count_events(step), size, at == end, fence)
        fence = False


def _join(frames: Iterator[Frame], most: int) -> Iterator[Frame]:
    """The frames, of which those that are due at the same time are one, up to so many bytes."""
    held: list[Frame] = []
    length = 0
    for frame in frames:
        if held and (frame.fence or frame.due != held[0].due or length + frame.size > most):
            yield _join_all(held)
            held, length = [], 0
        held.append(frame)
        length += frame.size
    if held:
        yield _join_all(held)


def _join_all(frames: list[Frame]) -> Frame:
    if len(frames) == 1:
        return frames[0]
    first, last = frames[0], frames[-1]
    data = b"".join([frame.data for frame in frames])
    events, size = sum(f.events for f in frames), sum(f.size for f in frames)
    return Frame(first.due, data, events, size, last.last, first.fence)
