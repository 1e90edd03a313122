"""Splits a drawn stream into reads.

Rules of this file: bytes decide how and where a stream is split; zeros do not split it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from openai_mockserver.faults.reads import INSIDE, Cuts, cut_script
from openai_mockserver.strategies.reply_bytes import pick
from openai_mockserver.stream_value import Stream

__all__ = ["SIZE", "split_stream"]

PLACES = 4
SIZE = 2 + 2 * PLACES
"""Number of bytes for the splits of a stream."""

ON = 90  # values of the first byte from here on split the stream
MAX_READS = 2000  # for reads of equal size


def _cut_at_places(octets: bytes) -> Cuts:
    """Cut at up to four places, each given by two bytes that are not 0."""

    def places(data: bytes) -> Iterable[int]:
        for n in range(2, SIZE, 2):
            if part := octets[n] << 8 | octets[n + 1]:
                yield 1 + (part * len(data) >> 16)

    return places


def _cut_by_size(octets: bytes) -> Cuts:
    """Cut into reads of equal size, given by one byte."""

    def places(data: bytes) -> Iterable[int]:
        size = max(octets[1] + 1, len(data) // MAX_READS)
        return range(size, len(data), size)

    return places


# Ordered from few reads to many, because Hypothesis shrinks towards the first.
_WAYS: tuple[Callable[[bytes], Cuts], ...] = (
    _cut_at_places,
    *(lambda octets, inside=INSIDE[name]: inside for name in ("utf8", "crlf", "events", "lines")),
    lambda octets: lambda data: (),
    _cut_by_size,
)


def split_stream(stream: Stream, data: bytes) -> Stream:
    """Return the stream, split into reads as the bytes decide."""
    if data[0] < ON:
        return stream
    way = pick(_WAYS, data[0], ON)
    return replace(stream, script=cut_script(stream.script, way(data)))
