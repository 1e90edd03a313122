"""The attempts at what an application wants: which call is a retry of which.

Rules of this file: whoever calls holds the journal's lock.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from openai_mockserver.journal.call import Attempts, Call

__all__ = ["LogicalCall", "LogicalCalls"]


class LogicalCall(NamedTuple):
    """One thing that the application wanted, and its attempts at it."""

    attempts: tuple[Call, ...]

    @property
    def gaps(self) -> tuple[float, ...]:
        """The seconds from each attempt's coming to the next one's."""
        return tuple(b.came - a.came for a, b in pairwise(self.attempts))


class _Open:
    """The logical calls of one key of which a retry may still come, in their order."""

    __slots__ = ("failed", "going_on")

    def __init__(self) -> None:
        self.failed: dict[Attempts, None] = {}
        self.going_on: dict[Attempts, None] = {}


class LogicalCalls:
    """The logical calls of a journal, in the order in which they began: see `Journal.logical`."""

    def __init__(self) -> None:
        self._all: dict[Attempts, None] = {}
        self._open: dict[object, _Open] = {}

    def add(self, call: Call) -> None:
        """Find the logical call that this is an attempt of, or begin one."""
        key = call.headers.get("idempotency-key") or (call.method, call.path, call.content)
        count = call.headers.get("x-stainless-retry-count", "")
        retries = int(count) if count.isdecimal() and len(count) < 10 else 0
        still = self._open.setdefault(key, _Open())
        # Of several the SDK's count tells which. It may also have given up an attempt that is not
        # known to have gone wrong.
        chosen = next((one for one in still.failed if one.count == retries), None)
        chosen = chosen or next(iter(still.failed), None)
        if chosen is None and retries:
            chosen = next(iter(still.going_on), None)
        if chosen is None:
            chosen = Attempts(key, retries)
            self._all[chosen] = None
        still.failed.pop(chosen, None)
        still.going_on[chosen] = None
        chosen.add(call)
        call.attempts = chosen

    def note_over(self, call: Call) -> None:
        """A call is over, as far as a retry is concerned, or its client left after all."""
        attempts = call.attempts
        if attempts is None or attempts not in self._all or attempts.kept[-1] is not call:
            return
        if call.went_wrong:
            still = self._open.setdefault(attempts.key, _Open())
            still.going_on.pop(attempts, None)
            still.failed[attempts] = None
        else:
            self._close(attempts)

    def forget(self, call: Call) -> None:
        """Forget the oldest attempt of its logical call."""
        if (attempts := call.attempts) is not None:
            del attempts.kept[0]
            if not attempts.kept:
                del self._all[attempts]
                self._close(attempts)

    def _close(self, attempts: Attempts) -> None:
        """No retry of these will come."""
        if (still := self._open.get(attempts.key)) is not None:
            still.failed.pop(attempts, None)
            still.going_on.pop(attempts, None)
            if not (still.failed or still.going_on):
                del self._open[attempts.key]

    def list(self) -> list[LogicalCall]:
        """All of them, with the attempts that are kept."""
        return [LogicalCall(tuple(attempts.kept)) for attempts in self._all]

    def clear(self) -> None:
        """Forget all."""
        self._all.clear()
        self._open.clear()
