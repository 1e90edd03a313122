"""The reads in which a drawn stream comes.

Rules of this file: bytes tell a way to cut and where; zeros cut nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from openai_mockserver.faults.reads import INSIDE, Cuts, cut_script
from openai_mockserver.strategies.reply_bytes import pick
from openai_mockserver.stream_value import Stream

__all__ = ["SIZE", "cut"]

PLACES = 4
SIZE = 2 + 2 * PLACES
"""How many bytes the cuts of a stream take."""

ON = 90  # of 256: values from here on cut
MANY = 2000  # reads, above which a stream is not cut into ever so small ones


def _places(octets: bytes) -> Cuts:
    """At places of their own, as many as are not 0."""

    def places(data: bytes) -> Iterable[int]:
        for n in range(2, SIZE, 2):
            if part := octets[n] << 8 | octets[n + 1]:
                yield 1 + (part * len(data) >> 16)

    return places


def _sized(octets: bytes) -> Cuts:
    def places(data: bytes) -> Iterable[int]:
        size = max(octets[1] + 1, len(data) // MANY)
        return range(size, len(data), size)

    return places


# From few reads to many: Hypothesis goes to the front where it can.
_WAYS: tuple[Callable[[bytes], Cuts], ...] = (
    _places,
    *(lambda octets, inside=INSIDE[name]: inside for name in ("utf8", "crlf", "events", "lines")),
    lambda octets: lambda data: (),
    _sized,
)


def cut(stream: Stream, data: bytes) -> Stream:
    """The stream in the reads that bytes tell."""
    if data[0] < ON:
        return stream
    way = pick(_WAYS, data[0], ON)
    return replace(stream, script=cut_script(stream.script, way(data)))
