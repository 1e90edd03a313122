"""A script as a timeline: which bytes are due when. Every player plays exactly this.

Rules of this file: no I/O and no clock; times are seconds after the head; bytes are encoded only
when the iterator reaches them.
"""

from __future__ import annotations

from collections.abc import Iterator

from openai_mockserver import sse
from openai_mockserver.script import Boundary, Frame, Pause, Raw, Script

__all__ = ["Frame", "chunk_size", "encode_chunk", "frames"]


def encode_chunk(data: bytes) -> bytes:
    r"""Return the data as an HTTP chunk (RFC 9112 §7.1).

    >>> encode_chunk(b"hello")
    b'5\r\nhello\r\n'
    """
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunk_size(size: int) -> int:
    """Return how many bytes an HTTP chunk of this many bytes takes.

    >>> chunk_size(5) == len(encode_chunk(b"hello"))
    True
    """
    return len(f"{size:x}") + 4 + size


def _find_json_body(script: Script) -> tuple[Raw, ...] | None:
    """Return the single step of a JSON body: it has no events, and searching it could be slow."""
    kind = (script.head.header("content-type") or "").lower()
    step = script.steps[0] if len(script.steps) == 1 else None
    if isinstance(step, Raw) and kind.startswith("application/json"):
        return (Raw(step.data, step.events or 0),)
    return None


def frames(script: Script, *, chunked: bool = False, merge_limit: int = 0) -> Iterator[Frame]:
    r"""Yield the frames of a script. Silence before the end is a last frame without bytes.

    Args:
        script: the response.
        chunked: whether each step is an HTTP chunk (RFC 9112 §7.1).
        merge_limit: merge steps due at the same time into frames of up to this many body bytes.

    >>> from openai_mockserver.script import Event
    >>> [(f.due, f.data) for f in frames(Script(steps=(Event("a"), Pause(2), Event("b"))))]
    [(0.0, b'data: a\n\n'), (2.0, b'data: b\n\n')]
    """
    if (lazy := script.lazy) is not None:
        return _mark_last(lazy.frames(chunked=chunked, merge_limit=merge_limit))
    frames = _frame_steps(script, chunked)
    return _merge_due(frames, merge_limit) if merge_limit else frames


def _mark_last(frames: Iterator[Frame]) -> Iterator[Frame]:
    previous: Frame | None = None
    for frame in frames:
        if previous is not None:
            yield previous
        previous = frame
    if previous is not None:
        yield previous._replace(last=True)


def _frame_steps(script: Script, chunked: bool) -> Iterator[Frame]:
    due, fence = 0.0, False
    steps = _find_json_body(script) or sse.apart(script.steps)
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
            data = encode_chunk(data)
        yield Frame(due, data, sse.count_events(step), size, at == end, fence)
        fence = False


def _merge_due(frames: Iterator[Frame], limit: int) -> Iterator[Frame]:
    """Merge frames that are due at the same time, up to ``limit`` body bytes."""
    group: list[Frame] = []
    size = 0
    for frame in frames:
        if group and (frame.fence or frame.due != group[0].due or size + frame.size > limit):
            yield _merge(group)
            group, size = [], 0
        group.append(frame)
        size += frame.size
    if group:
        yield _merge(group)


def _merge(frames: list[Frame]) -> Frame:
    if len(frames) == 1:
        return frames[0]
    first, last = frames[0], frames[-1]
    data = b"".join([frame.data for frame in frames])
    events, size = sum(f.events for f in frames), sum(f.size for f in frames)
    return Frame(first.due, data, events, size, last.last, first.fence)
