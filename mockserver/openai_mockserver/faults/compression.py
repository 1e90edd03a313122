"""Content codings: gzip, deflate, br and zstd, right and wrong (RFC 9110 §8.4).

See `openai_mockserver.faults.fault` for the rules. br needs the brotli package, zstd zstandard.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from openai_mockserver import sse
from openai_mockserver.exceptions import FaultError, MissingDependency
from openai_mockserver.faults.fault import Change, fault
from openai_mockserver.script import Raw, Script, Step

__all__ = ["encoded"]


class Compressor(Protocol):
    """What compresses a body part by part."""

    def add(self, data: bytes) -> bytes: ...
    def flush(self) -> bytes: ...
    def end(self) -> bytes: ...


class _Zlib:
    def __init__(self, wbits: int) -> None:
        # A fixed level and no time of day: the same body gives the same bytes.
        self._made = zlib.compressobj(6, zlib.DEFLATED, wbits)

    def add(self, data: bytes) -> bytes:
        return self._made.compress(data)

    def flush(self) -> bytes:
        return self._made.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._made.flush(zlib.Z_FINISH)


class _Brotli:
    def __init__(self) -> None:
        self._made = _package("brotli", "br").Compressor()

    def add(self, data: bytes) -> bytes:
        made: bytes = self._made.process(data)
        return made

    def flush(self) -> bytes:
        made: bytes = self._made.flush()
        return made

    def end(self) -> bytes:
        made: bytes = self._made.finish()
        return made


class _Zstandard:
    def __init__(self) -> None:
        self._package = _package("zstandard", "zstd")
        self._made = self._package.ZstdCompressor().compressobj()

    def add(self, data: bytes) -> bytes:
        made: bytes = self._made.compress(data)
        return made

    def flush(self) -> bytes:
        made: bytes = self._made.flush(self._package.COMPRESSOBJ_FLUSH_BLOCK)
        return made

    def end(self) -> bytes:
        made: bytes = self._made.flush(self._package.COMPRESSOBJ_FLUSH_FINISH)
        return made


def _package(name: str, coding: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        raise MissingDependency(
            f"the {coding} coding needs the {name} package: pip install {name}"
        ) from None


CODINGS: dict[str, Callable[[], Compressor]] = {
    "gzip": lambda: _Zlib(31),
    "deflate": lambda: _Zlib(15),
    "raw-deflate": lambda: _Zlib(-15),
    "br": _Brotli,
    "zstd": _Zstandard,
}


@fault
def encoded(
    coding: str = "gzip",
    flush: str = "event",
    members: bool = False,
    cut: int = 0,
    declare: str | None = "auto",
) -> Change:
    """The body in a content coding.

    Args:
        coding: ``gzip``, ``deflate``, ``raw-deflate``, ``br``, ``zstd``, or ``identity``.
        flush: after each ``event``, or only at the ``end``: then nothing can be read before.
        members: every event a compressed member of its own, one after the other.
        cut: leave out so many bytes at the end.
        declare: what the ``Content-Encoding`` header says: by default the truth; None says nothing.

    Raises:
        MissingDependency: without the package that br or zstd needs.
    """
    if coding not in (*CODINGS, "identity"):
        raise FaultError(f"encoded(coding={coding!r}): one of {', '.join(CODINGS)}, identity")
    if flush not in ("event", "end"):
        raise FaultError(f"encoded(flush={flush!r}): event or end")
    if coding in CODINGS:
        CODINGS[coding]()

    def apply(script: Script) -> Script:
        if script.raw:
            raise FaultError("encoded() changes the body, whose framing is done: put it first")
        steps = list(script.steps)
        if coding in CODINGS:
            steps = _compressed(steps, CODINGS[coding], flush == "event", members)
        if cut:
            steps = _shortened(steps, cut)
        said = coding.removeprefix("raw-") if declare == "auto" else declare
        headers = [(k, v) for k, v in script.head.headers if k.lower() != "content-encoding"]
        if said not in (None, "identity"):
            headers.append(("Content-Encoding", str(said)))
        size = str(sum(len(sse.encode(step)) for step in steps))
        sized = tuple((k, size if k.lower() == "content-length" else v) for k, v in headers)
        return replace(script, head=replace(script.head, headers=sized), steps=tuple(steps))

    return apply


def _compressed(
    steps: list[Step], make: Callable[[], Compressor], flush: bool, members: bool
) -> list[Step]:
    out: list[Step] = []
    compressor, waiting = make(), 0
    for step in steps:
        data = sse.encode(step)
        if not data:
            out.append(step)
            continue
        made, events = compressor.add(data), sse.count_events(step)
        waiting += events
        if members and events:
            made += compressor.end()
            compressor = make()
        elif flush:
            made += compressor.flush()
        if flush or members:
            out.append(Raw(made, waiting))
            waiting = 0
        elif made:
            out.append(Raw(made, 0))
    if not members and (tail := compressor.end()):
        out.append(Raw(tail, waiting))
    return out


def _shortened(steps: list[Step], cut: int) -> list[Step]:
    left = sum(len(sse.encode(step)) for step in steps) - cut
    if left <= 0:
        raise FaultError(f"encoded(cut={cut}) leaves nothing")
    kept: list[Step] = []
    for step in steps:
        data = sse.encode(step)
        if data and left <= 0:
            break
        kept.append(step if len(data) <= left else Raw(data[:left], 0))
        left -= len(data)
    return kept
