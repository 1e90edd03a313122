"""Faults of the reads: the same bytes, cut at chosen places, sent slowly, or all at once.

See `openai_mockserver.faults.fault` for the rules. A cut is a `Boundary`: the server sends what
follows it once the client has read what precedes it. On a chunked response each part is an HTTP
chunk; with ``raw``, HTTP's own bytes are cut too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from openai_mockserver import sse
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.fault import Change, fault
from openai_mockserver.http1 import to_raw
from openai_mockserver.script import Boundary, Pause, Raw, Script, Step

__all__ = ["bandwidth", "join", "slice"]

Cuts = Callable[[bytes], Iterable[int]]


def _split_runs(script: Script) -> list[list[Step]]:
    """Group the steps into runs without silence; each silence is a run by itself."""
    runs: list[list[Step]] = [[]]
    for step in script.steps:
        if isinstance(step, Pause | Boundary):
            runs += [[step], []]
        else:
            runs[-1].append(step)
    return [run for run in runs if run]


def _is_gap(run: list[Step]) -> bool:
    return isinstance(run[0], Pause | Boundary)


def _cut_run(run: list[Step], cuts: Cuts) -> list[Raw]:
    """Cut the bytes of a run; each part counts the events that it completes."""
    data, ends = b"", []
    for step in run:
        data += sse.encode(step)
        ends.append((len(data), sse.count_events(step)))
    offsets = sorted({at for at in cuts(data) if 0 < at < len(data)})
    bounds = [0, *offsets, len(data)]
    return [Raw(data[a:b], sum(n for end, n in ends if a < end <= b)) for a, b in pairwise(bounds)]


def cut_script(script: Script, cuts: Cuts) -> Script:
    """Put a boundary at every cut of a script's bytes."""
    steps: list[Step] = []
    for run in _split_runs(script):
        if isinstance(run[0], Pause | Boundary):
            steps += run
            continue
        for part in _cut_run(run, cuts):
            steps += [Boundary(), part] if steps else [part]
    return script.with_steps(steps)


def _cut_inside_characters(data: bytes) -> Iterable[int]:
    return (at for at, octet in enumerate(data) if octet & 0xC0 == 0x80)


def _cut_after_lines(data: bytes) -> Iterable[int]:
    return (match.end() for match in re.finditer(rb"\r\n|\r|\n", data))


def _cut_inside_crlf(data: bytes) -> Iterable[int]:
    return (match.start() + 1 for match in re.finditer(rb"\r\n", data))


def _cut_after_events(data: bytes) -> Iterable[int]:
    return (match.end() for match in re.finditer(rb"\n\n|\r\n\r\n|\r\r", data))


# The values of slice's argument ``inside``, with the offsets at which each cuts.
INSIDE: dict[str, Cuts] = {
    "lines": _cut_after_lines,
    "crlf": _cut_inside_crlf,
    "utf8": _cut_inside_characters,
    "events": _cut_after_events,
}


@fault
def slice(
    size: int | None = None,
    at: Sequence[int] = (),
    inside: str | None = None,
    raw: bool = False,
) -> Change:
    """Send the same bytes in other reads.

    Args:
        size: bytes in each read.
        at: offsets in bytes at which to cut.
        inside: cut at every place of one kind: after each line (``lines``) or event (``events``),
            between CR and LF (``crlf``), or within each character of several bytes (``utf8``).
        raw: cut HTTP's own bytes too; offsets then count from the first byte of the head.
    """
    if sum((size is not None, bool(at), inside is not None)) != 1:
        raise FaultError("slice() takes exactly one of size=, at= and inside=")
    if inside is not None and inside not in INSIDE:
        raise FaultError(f"slice(inside={inside!r}): inside must be one of {', '.join(INSIDE)}")

    def cuts(data: bytes) -> Iterable[int]:
        if size is not None:
            return range(size, len(data), size)
        return INSIDE[inside](data) if inside is not None else at

    def apply(script: Script) -> Script:
        whole = to_raw(script) if raw else script
        if not any(len(_cut_run(run, cuts)) > 1 for run in _split_runs(whole) if not _is_gap(run)):
            raise FaultError("slice() never happens: the response has nothing to cut at this place")
        return cut_script(whole, cuts)

    return apply


@fault
def join() -> Change:
    """Send all bytes between two silences in one write and, if chunked, in one HTTP chunk."""

    def apply(script: Script) -> Script:
        steps: list[Step] = []
        for run in _split_runs(script):
            steps += run if isinstance(run[0], Pause | Boundary) else _cut_run(run, lambda _: ())
        return script.with_steps(steps)

    return apply


@fault
def bandwidth(rate: float, size: int = 1) -> Change:
    """Send ``rate`` bytes per second, ``size`` bytes at a time."""

    def apply(script: Script) -> Script:
        steps: list[Step] = []
        for run in _split_runs(script):
            if isinstance(run[0], Pause | Boundary):
                steps += run
                continue
            for part in _cut_run(run, lambda data: range(size, len(data), size)):
                steps += [part, Pause(len(part.data) / rate)]
        return script.with_steps(steps)

    return apply
