"""The same bytes in other reads: cut where one likes, dripped, or all at once.

See `openai_mockserver.faults.fault` for the rules. A cut is a `Boundary`: the client has read what
comes before it when what comes after is sent. On a chunked response each part is an HTTP chunk;
with ``raw`` HTTP's own bytes are cut too.
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


def _runs(script: Script) -> list[list[Step]]:
    """The steps in runs without silence, and each silence by itself."""
    runs: list[list[Step]] = [[]]
    for step in script.steps:
        if isinstance(step, Pause | Boundary):
            runs += [[step], []]
        else:
            runs[-1].append(step)
    return [run for run in runs if run]


def _is_gap(run: list[Step]) -> bool:
    return isinstance(run[0], Pause | Boundary)


def _parts(run: list[Step], cuts: Cuts) -> list[Raw]:
    """The bytes of a run, cut; each part knows the events that it completes."""
    data, ends = b"", []
    for step in run:
        data += sse.encode(step)
        ends.append((len(data), sse.count_events(step)))
    offsets = sorted({at for at in cuts(data) if 0 < at < len(data)})
    bounds = [0, *offsets, len(data)]
    return [Raw(data[a:b], sum(n for end, n in ends if a < end <= b)) for a, b in pairwise(bounds)]


def cut_at(script: Script, cuts: Cuts) -> Script:
    steps: list[Step] = []
    for run in _runs(script):
        if isinstance(run[0], Pause | Boundary):
            steps += run
            continue
        for part in _parts(run, cuts):
            steps += [Boundary(), part] if steps else [part]
    return script.with_steps(steps)


def _inside_utf8(data: bytes) -> Iterable[int]:
    return (at for at, octet in enumerate(data) if octet & 0xC0 == 0x80)


# Where the bytes may be cut, by name.
INSIDE: dict[str, Cuts] = {
    "lines": lambda data: (m.end() for m in re.finditer(rb"\r\n|\r|\n", data)),
    "crlf": lambda data: (m.start() + 1 for m in re.finditer(rb"\r\n", data)),
    "utf8": _inside_utf8,
    "events": lambda data: (m.end() for m in re.finditer(rb"\n\n|\r\n\r\n|\r\r", data)),
}


@fault
def slice(
    size: int | None = None,
    at: Sequence[int] = (),
    inside: str | None = None,
    raw: bool = False,
) -> Change:
    """The same bytes in other reads.

    Args:
        size: in reads of so many bytes.
        at: cut at these offsets.
        inside: cut at every place of a kind: after each of the ``lines`` or ``events``, within
            each ``crlf``, within each sign of several bytes (``utf8``).
        raw: cut HTTP's own bytes too; offsets then count from the first byte of the head.
    """
    if sum((size is not None, bool(at), inside is not None)) != 1:
        raise FaultError("slice() takes one of size=, at= and inside=")
    if inside is not None and inside not in INSIDE:
        raise FaultError(f"slice(inside={inside!r}): one of {', '.join(INSIDE)}")

    def cuts(data: bytes) -> Iterable[int]:
        if size is not None:
            return range(size, len(data), size)
        return INSIDE[inside](data) if inside is not None else at

    def apply(script: Script) -> Script:
        whole = to_raw(script) if raw else script
        if not any(len(_parts(run, cuts)) > 1 for run in _runs(whole) if not _is_gap(run)):
            raise FaultError("slice() never happens: there is nothing to cut at this place")
        return cut_at(whole, cuts)

    return apply


@fault
def join() -> Change:
    """All bytes between two silences in one write and, where chunked, in one HTTP chunk."""

    def apply(script: Script) -> Script:
        steps: list[Step] = []
        for run in _runs(script):
            steps += run if isinstance(run[0], Pause | Boundary) else _parts(run, lambda _: ())
        return script.with_steps(steps)

    return apply


@fault
def bandwidth(rate: float, size: int = 1) -> Change:
    """So many bytes a second, ``size`` bytes at a time: a slow drip."""

    def apply(script: Script) -> Script:
        steps: list[Step] = []
        for run in _runs(script):
            if isinstance(run[0], Pause | Boundary):
                steps += run
                continue
            for part in _parts(run, lambda data: range(size, len(data), size)):
                steps += [part, Pause(len(part.data) / rate)]
        return script.with_steps(steps)

    return apply
