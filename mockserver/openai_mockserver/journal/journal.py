"""The calls in their order, bounded by their number and their memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from openai_mockserver.journal.attempts import LogicalCall, LogicalCalls
from openai_mockserver.journal.call import Call, ProblemCounts
from openai_mockserver.journal.memory import Memory
from openai_mockserver.request import Request

__all__ = ["Journal"]


class Journal(Sequence[Call]):
    """The calls in the order in which they came.

    Args:
        keep: how many calls are kept; the oldest are forgotten, by default none.
        on_end: is given each call when it is over, in the thread that played it.
        keep_bytes: how many bytes of memory the kept calls may take, as far as can be told from
            their requests and responses. The newest call is kept however large it is.
    """

    def __init__(
        self,
        keep: int | None = None,
        on_end: Callable[[Call], object] | None = None,
        keep_bytes: int | None = None,
    ) -> None:
        self._keep, self._keep_bytes = keep, keep_bytes
        self._kept: deque[Call] = deque()
        self._came = 0
        self._problem_counts = ProblemCounts()
        self._first: float | None = None
        self._logical = LogicalCalls()
        self._memory = None if keep_bytes is None else Memory()
        self._on_end = on_end
        self._lock = threading.Lock()

    def add(self, request: Request) -> Call:
        """Begin a call."""
        with self._lock:
            self._came += 1
            call = Call(request, self._came, self._end, self._problem_counts, self._note_over)
            if self._first is None:
                self._first = call.came
            call.elapsed = call.came - self._first
            self._logical.add(call)
            self._kept.append(call)
            if self._memory is not None:
                self._memory.add(call)
            self._forget_oldest()
        return call

    def _end(self, call: Call) -> None:
        """A call is over: tell who listens, and see how large it has become."""
        if not (call.written and call.is_finished):  # else that was noted when it was written
            self._note_over(call)
        try:
            if self._on_end is not None:
                self._on_end(call)
        finally:
            call.drop_parsed()
            if self._memory is not None:
                with self._lock:
                    if self._memory.note_end(call):
                        self._forget_oldest()

    def _note_over(self, call: Call) -> None:
        with self._lock:
            self._logical.note_over(call)

    @property
    def problem_counts(self) -> ProblemCounts:
        """How many calls had problems, with those that are forgotten."""
        return self._problem_counts

    @property
    def limits(self) -> str:
        """The names of the bounds by which calls are forgotten, in words."""
        bounds = {"keep_calls": self._keep, "keep_bytes": self._keep_bytes}
        return " or ".join(name for name, bound in bounds.items() if bound is not None)

    @property
    def size(self) -> int:
        """About how many bytes of memory the kept calls take; 0 without ``keep_bytes``."""
        return 0 if self._memory is None else self._memory.size

    def _forget_oldest(self) -> None:
        """Forget what is too much, and its attempts with it."""
        while len(self._kept) > 1 and (
            (self._keep is not None and len(self._kept) > self._keep)
            or (self._keep_bytes is not None and self.size > self._keep_bytes)
        ):
            call = self._kept.popleft()
            self._logical.forget(call)
            if self._memory is not None:
                self._memory.forget(call)

    @property
    def logical(self) -> list[LogicalCall]:
        """The calls grouped by the logical call that they are attempts of.

        An attempt is the same request again (the same ``idempotency-key``, else the same method,
        path and body) after one that failed, broke off or was left by its client, whoever retries:
        the SDK, which counts in ``x-stainless-retry-count``, or the application. Equal requests
        that went well, or that go on at the same time, are calls of their own.
        """
        with self._lock:
            return self._logical.list()

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._kept.clear()
            self._logical.clear()
            if self._memory is not None:
                self._memory.clear()
            self._came, self._first = 0, None
            self._problem_counts = ProblemCounts()

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> list[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | list[Call]:
        if isinstance(index, slice):
            return self._listed()[index]
        try:
            return self._kept[index]
        except IndexError:
            made = f"{len(self)} call{'s' * (len(self) != 1)} came"
            raise IndexError(f"there is no call {index}: {made}") from None

    def __len__(self) -> int:
        return len(self._kept)

    def _listed(self) -> list[Call]:
        with self._lock:
            return list(self._kept)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._listed())

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self._listed()))}]"
