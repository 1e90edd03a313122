"""The journal: the calls in order, limited in number and memory."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from openai_mockserver.journal.attempts import LogicalCall, LogicalCalls
from openai_mockserver.journal.call import Call, ProblemCounts
from openai_mockserver.journal.follow import RESET, START, History
from openai_mockserver.journal.memory import Memory
from openai_mockserver.request import Request

__all__ = ["Journal"]


class Journal(Sequence[Call]):
    """The calls in the order in which they arrived.

    Args:
        keep: maximum number of calls; the oldest are dropped. No limit by default.
        on_end: called with each call when it ends, in the thread that plays it.
        keep_bytes: maximum bytes of memory for the calls, estimated from their requests and
            responses. The newest call is kept whatever its size. No limit by default.
    """

    def __init__(
        self,
        keep: int | None = None,
        on_end: Callable[[Call], object] | None = None,
        keep_bytes: int | None = None,
    ) -> None:
        self._keep, self._keep_bytes = keep, keep_bytes
        self._calls: deque[Call] = deque()
        self._count = 0
        self._take_number: Callable[[], int] | None = None
        self._problem_counts = ProblemCounts()
        self._first_arrival: float | None = None
        self._cleared_at = 0.0
        self._logical = LogicalCalls()
        self._memory = None if keep_bytes is None else Memory()
        self._on_end = on_end
        self._history: History | None = None
        self._lock = threading.Lock()

    def share_numbers(self, take_number: Callable[[], int]) -> None:
        """Number the calls among those of other journals.

        Args:
            take_number: returns a number that is greater than any before it.
        """
        self._take_number = take_number

    def add(self, request: Request) -> Call:
        """Begin a call for a request, and return it."""
        with self._lock:
            self._count += 1
            number = self._count if self._take_number is None else self._take_number()
            call = Call(request, number, self._end, self._problem_counts, self._note_end)
            if self._first_arrival is None:
                self._first_arrival = call.arrival
            call.elapsed = call.arrival - self._first_arrival
            self._logical.add(call)
            self._calls.append(call)
            if self._memory is not None:
                self._memory.add(call)
            self._forget_oldest()
            if self._history is not None:
                self._history.note(START, call)
        return call

    def _end(self, call: Call) -> None:
        """Handle the end of a call: call `on_end`, and measure the call again."""
        if not (call.is_written and call.is_finished):  # otherwise noted when it was written
            self._note_end(call)
        try:
            if self._on_end is not None:
                self._on_end(call)
        finally:
            if self._history is not None:
                self._note_in_history(call)
            call.drop_parsed()
            if self._memory is not None:
                with self._lock:
                    if self._memory.note_end(call):
                        self._forget_oldest()

    def _note_end(self, call: Call) -> None:
        with self._lock:
            self._logical.note_end(call)

    def _note_in_history(self, call: Call) -> None:
        """Note that a call has ended, unless the journal was cleared since it began."""
        with self._lock:
            if self._history is not None and call.arrival >= self._cleared_at:
                self._history.note_end(call)

    @property
    def history(self) -> History:
        """What happened to the calls; it is kept from the first access on."""
        with self._lock:
            if self._history is None:
                self._history = History(self._calls)
            return self._history

    @property
    def is_followed(self) -> bool:
        """Whether anybody follows the calls."""
        return self._history is not None and self._history.has_followers

    def find(self, number: int) -> Call | None:
        """Return the call with a number; None if the journal has no such call."""
        with self._lock:
            index = bisect_left(self._calls, number, key=lambda call: call.number)
            found = self._calls[index] if index < len(self._calls) else None
            return found if found is not None and found.number == number else None

    @property
    def problem_counts(self) -> ProblemCounts:
        """How many calls had problems, including calls that were dropped."""
        return self._problem_counts

    @property
    def limits(self) -> str:
        """The names of the limits that are set, joined by "or"."""
        limits = {"keep_calls": self._keep, "keep_bytes": self._keep_bytes}
        return " or ".join(name for name, limit in limits.items() if limit is not None)

    @property
    def size(self) -> int:
        """Estimated bytes of memory that the calls take; 0 without ``keep_bytes``."""
        return 0 if self._memory is None else self._memory.size

    def _forget_oldest(self) -> None:
        """Drop the oldest calls until the limits are met."""
        while len(self._calls) > 1 and (
            (self._keep is not None and len(self._calls) > self._keep)
            or (self._keep_bytes is not None and self.size > self._keep_bytes)
        ):
            call = self._calls.popleft()
            self._logical.forget(call)
            if self._memory is not None:
                self._memory.forget(call)

    @property
    def logical(self) -> list[LogicalCall]:
        """The calls, grouped into logical calls with their attempts.

        A call is a retry if it equals (the same ``idempotency-key``, or else the same method, path
        and body) an earlier one that failed, was cut off, or was abandoned by its client. It does
        not matter whether the SDK, which counts in ``x-stainless-retry-count``, or the application
        retries. Equal requests that succeed, or that run at the same time, are separate calls.
        """
        with self._lock:
            return self._logical.list()

    def clear(self) -> None:
        """Drop all calls."""
        with self._lock:
            self._calls.clear()
            self._logical.clear()
            if self._memory is not None:
                self._memory.clear()
            self._count, self._first_arrival = 0, None
            self._cleared_at = time.monotonic()
            if self._history is not None:
                self._history.note(RESET)
            self._problem_counts = ProblemCounts()

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> list[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | list[Call]:
        if isinstance(index, slice):
            return self._copy()[index]
        try:
            return self._calls[index]
        except IndexError:
            total = f"{len(self)} call{'s' * (len(self) != 1)} arrived"
            raise IndexError(f"there is no call {index}: {total}") from None

    def __len__(self) -> int:
        return len(self._calls)

    def _copy(self) -> list[Call]:
        with self._lock:
            return list(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._copy())

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self._copy()))}]"
