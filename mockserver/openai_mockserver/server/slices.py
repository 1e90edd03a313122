"""Frames cut into parts: its steps, or parts that are short enough for one write.

Rules of this file: pure functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from openai_mockserver.script import Frame

__all__ = ["SLICE", "slice_long", "split_steps"]

SLICE = 256 * 1024  # maximum bytes per write


def split_steps(frame: Frame) -> Iterator[bytes]:
    """Split a frame into its steps."""
    return map(frame.data.__getitem__, map(slice, chain((0,), frame.ends), frame.ends))


def slice_long(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Yield the same frames, with long ones split so that their writes do not delay other streams.

    Only the last part of a frame counts its events.
    """
    for frame in frames:
        length = len(frame.data)
        if length <= SLICE:
            yield frame
            continue
        rest = frame.size
        for at in range(0, length, SLICE):
            data = frame.data[at : at + SLICE]
            is_end = at + SLICE >= length
            size = rest if is_end else min(rest, len(data))
            rest -= size
            events = frame.events if is_end else 0
            is_last, fence = frame.last and is_end, frame.fence and not at
            yield Frame(frame.due, data, events, size, is_last, fence)
