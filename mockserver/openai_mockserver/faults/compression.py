"""Faults of the content coding: gzip, deflate, br and zstd, correct or wrong (RFC 9110 §8.4).

See `openai_mockserver.faults.fault` for the rules. br needs the brotli package, zstd the zstandard
package.
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
    """An encoder that compresses a body part by part."""

    def add(self, data: bytes) -> bytes: ...
    def flush(self) -> bytes: ...
    def end(self) -> bytes: ...


class _Zlib:
    def __init__(self, wbits: int) -> None:
        # The level is fixed and the time left out, so that equal bodies give equal bytes.
        self._encoder = zlib.compressobj(6, zlib.DEFLATED, wbits)

    def add(self, data: bytes) -> bytes:
        return self._encoder.compress(data)

    def flush(self) -> bytes:
        return self._encoder.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._encoder.flush(zlib.Z_FINISH)


class _Brotli:
    def __init__(self) -> None:
        self._encoder = _import_package("brotli", "br").Compressor()

    def add(self, data: bytes) -> bytes:
        output: bytes = self._encoder.process(data)
        return output

    def flush(self) -> bytes:
        output: bytes = self._encoder.flush()
        return output

    def end(self) -> bytes:
        output: bytes = self._encoder.finish()
        return output


class _Zstandard:
    def __init__(self) -> None:
        self._package = _import_package("zstandard", "zstd")
        self._encoder = self._package.ZstdCompressor().compressobj()

    def add(self, data: bytes) -> bytes:
        output: bytes = self._encoder.compress(data)
        return output

    def flush(self) -> bytes:
        output: bytes = self._encoder.flush(self._package.COMPRESSOBJ_FLUSH_BLOCK)
        return output

    def end(self) -> bytes:
        output: bytes = self._encoder.flush(self._package.COMPRESSOBJ_FLUSH_FINISH)
        return output


def _import_package(name: str, coding: str) -> Any:
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
    """Compress the body with a content coding.

    Args:
        coding: ``gzip``, ``deflate``, ``raw-deflate``, ``br``, ``zstd``, or ``identity``.
        flush: ``event`` flushes after every event; ``end`` only at the end, so that the client can
            decode nothing earlier.
        members: compress every event as a separate member.
        cut: bytes to leave out at the end.
        declare: the value of the ``Content-Encoding`` header: ``auto`` names the real coding, None
            sends no header.

    Raises:
        MissingDependency: if the package for br or zstd is not installed.
    """
    if coding not in (*CODINGS, "identity"):
        raise FaultError(
            f"encoded(coding={coding!r}): coding must be one of {', '.join(CODINGS)}, identity"
        )
    if flush not in ("event", "end"):
        raise FaultError(f"encoded(flush={flush!r}): flush must be event or end")
    if coding in CODINGS:
        CODINGS[coding]()

    def apply(script: Script) -> Script:
        if script.raw:
            raise FaultError(
                "an earlier fault has turned the body into framed bytes: put encoded() before it"
            )
        steps = list(script.steps)
        if coding in CODINGS:
            steps = _compress_steps(steps, CODINGS[coding], flush == "event", members)
        if cut:
            steps = _drop_last_bytes(steps, cut)
        declared_coding = coding.removeprefix("raw-") if declare == "auto" else declare
        headers = [(k, v) for k, v in script.head.headers if k.lower() != "content-encoding"]
        if declared_coding not in (None, "identity"):
            headers.append(("Content-Encoding", str(declared_coding)))
        size = str(sum(len(sse.encode(step)) for step in steps))
        new_headers = tuple((k, size if k.lower() == "content-length" else v) for k, v in headers)
        return replace(script, head=replace(script.head, headers=new_headers), steps=tuple(steps))

    return apply


def _compress_steps(
    steps: list[Step], make: Callable[[], Compressor], flush: bool, members: bool
) -> list[Step]:
    new_steps: list[Step] = []
    compressor, pending_events = make(), 0
    for step in steps:
        data = sse.encode(step)
        if not data:
            new_steps.append(step)
            continue
        data_out, events = compressor.add(data), sse.count_events(step)
        pending_events += events
        if members and events:
            data_out += compressor.end()
            compressor = make()
        elif flush:
            data_out += compressor.flush()
        if flush or members:
            new_steps.append(Raw(data_out, pending_events))
            pending_events = 0
        elif data_out:
            new_steps.append(Raw(data_out, 0))
    if not members and (tail := compressor.end()):
        new_steps.append(Raw(tail, pending_events))
    return new_steps


def _drop_last_bytes(steps: list[Step], cut: int) -> list[Step]:
    bytes_left = sum(len(sse.encode(step)) for step in steps) - cut
    if bytes_left <= 0:
        raise FaultError(f"encoded(cut={cut}) leaves no byte of the body")
    remaining_steps: list[Step] = []
    for step in steps:
        data = sse.encode(step)
        if data and bytes_left <= 0:
            break
        remaining_steps.append(step if len(data) <= bytes_left else Raw(data[:bytes_left], 0))
        bytes_left -= len(data)
    return remaining_steps
