"""Logical calls: which call is a retry of which.

Rules of this file: the caller holds the journal's lock.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import pairwise
from typing import NamedTuple

from openai_mockserver.api.disk_bytes import DiskBytes
from openai_mockserver.journal.call import Attempts, Call

__all__ = ["LogicalCall", "LogicalCalls"]


class LogicalCall(NamedTuple):
    """One call as the application sees it, and the attempts that it took."""

    attempts: tuple[Call, ...]

    @property
    def gaps(self) -> tuple[float, ...]:
        """The seconds between the arrivals of successive attempts."""
        return tuple(b.arrival - a.arrival for a, b in pairwise(self.attempts))


_SAMPLE = 4096  # bytes at either end of a content


class _CallKey(NamedTuple):
    """What a retry has in common with its first attempt.

    The hash is of the ends of the content: that of 30 MB would stop all streams for 10 ms.
    """

    method: str
    path: str
    content: bytes | DiskBytes

    def __hash__(self) -> int:
        content: Hashable = self.content
        if isinstance(content, bytes):
            content = len(content), content[:_SAMPLE], content[-_SAMPLE:]
        return hash((self.method, self.path, content))


class _OpenCalls:
    """The logical calls with the same key that a retry may still continue, oldest first."""

    __slots__ = ("failed_calls", "running_calls")

    def __init__(self) -> None:
        self.failed_calls: dict[Attempts, None] = {}
        self.running_calls: dict[Attempts, None] = {}


class LogicalCalls:
    """The logical calls of a journal, oldest first: see `Journal.logical`."""

    def __init__(self) -> None:
        self._all: dict[Attempts, None] = {}
        self._open: dict[object, _OpenCalls] = {}

    def add(self, call: Call) -> None:
        """Add an attempt to its logical call, or begin a new one."""
        key = call.headers.get("idempotency-key") or _CallKey(call.method, call.path, call.content)
        count = call.headers.get("x-stainless-retry-count", "")
        retries = int(count) if count.isdecimal() and len(count) < 10 else 0
        open_calls = self._open.setdefault(key, _OpenCalls())
        # The SDK's retry count distinguishes failed calls with the same key. The SDK may also
        # retry after an attempt whose failure is not known here yet.
        failed_calls = open_calls.failed_calls
        attempts = next((one for one in failed_calls if one.count == retries), None)
        attempts = attempts or next(iter(failed_calls), None)
        if attempts is None and retries:
            attempts = next(iter(open_calls.running_calls), None)
        if attempts is None:
            attempts = Attempts(key, retries)
            self._all[attempts] = None
        failed_calls.pop(attempts, None)
        open_calls.running_calls[attempts] = None
        attempts.add(call)
        call.attempts = attempts

    def note_end(self, call: Call) -> None:
        """Note that a call was written completely, or has ended."""
        attempts = call.attempts
        if attempts is None or attempts not in self._all or attempts.calls[-1] is not call:
            return
        if call.has_failed:
            open_calls = self._open.setdefault(attempts.key, _OpenCalls())
            open_calls.running_calls.pop(attempts, None)
            open_calls.failed_calls[attempts] = None
        else:
            self._close(attempts)

    def forget(self, call: Call) -> None:
        """Drop a call, which is the oldest attempt of its logical call."""
        if (attempts := call.attempts) is not None:
            del attempts.calls[0]
            if not attempts.calls:
                del self._all[attempts]
                self._close(attempts)

    def _close(self, attempts: Attempts) -> None:
        """Note that no retry of these attempts will follow."""
        if (open_calls := self._open.get(attempts.key)) is not None:
            open_calls.failed_calls.pop(attempts, None)
            open_calls.running_calls.pop(attempts, None)
            if not (open_calls.failed_calls or open_calls.running_calls):
                del self._open[attempts.key]

    def list(self) -> list[LogicalCall]:
        """Return all logical calls, with the attempts that are still in the journal."""
        return [LogicalCall(tuple(attempts.calls)) for attempts in self._all]

    def clear(self) -> None:
        """Drop all logical calls."""
        self._all.clear()
        self._open.clear()
