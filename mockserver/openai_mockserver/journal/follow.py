"""What happened to the calls of a journal, in order, for those who follow it.

Rules of this file: no I/O. A journal that nobody follows has no history. Each entry has a number
one higher than the one before it, and keeps no call alive: once the journal has dropped a call, its
entries may be missing, and the gap in the numbers shows it.
"""

from __future__ import annotations

import secrets
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import NamedTuple
from weakref import WeakSet, ref

from openai_mockserver.journal.call import Call

__all__ = ["END", "RESET", "START", "Entry", "History"]

START, END, RESET = "start", "end", "reset"
"""A call began; a call ended; the journal was cleared."""

_MOST_DEAD = 1000  # entries that may be dead before they are removed


class Entry(NamedTuple):
    """Something that happened: its number, what it was, and to which call."""

    number: int
    kind: str
    call: Call | None


class _Entry(NamedTuple):
    number: int
    kind: str
    find_call: Callable[[], Call | None] | None  # None for an entry about the whole journal


class History:
    """The entries so far, oldest first.

    Args:
        calls: the calls that are in the journal already.
    """

    def __init__(self, calls: Iterable[Call]) -> None:
        self.name = secrets.token_hex(4)
        """Identifies this history: the numbers of another, as after a restart, mean nothing."""
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        self._compact_at = _MOST_DEAD
        self._count = 0
        self._wakes: dict[object, Callable[[], object]] = {}
        self._ended_at_the_start: WeakSet[Call] = WeakSet()
        for call in calls:
            self.note(START, call)
            if call.outcome is not None:
                self._ended_at_the_start.add(call)
                self.note(END, call)

    @property
    def last_number(self) -> int:
        """The number of the newest entry; 0 if there is none."""
        return self._count

    def note(self, kind: str, call: Call | None = None) -> None:
        """Add an entry, and wake those who follow."""
        with self._lock:
            if kind == RESET:
                self._entries.clear()
            self._count += 1
            self._entries.append(_Entry(self._count, kind, None if call is None else ref(call)))
            if len(self._entries) > self._compact_at:
                self._entries = [
                    one for one in self._entries if one.find_call is None or one.find_call()
                ]
                self._compact_at = 2 * len(self._entries) + _MOST_DEAD
            wakes = list(self._wakes.values())
        for wake in wakes:
            wake()

    def note_end(self, call: Call) -> None:
        """Note that a call has ended, unless that was known when the history began."""
        if call not in self._ended_at_the_start:
            self.note(END, call)

    @property
    def has_followers(self) -> bool:
        """Whether anybody follows."""
        return bool(self._wakes)

    def read(self, after: int, limit: int) -> list[Entry]:
        """Return the entries after a number, at most ``limit``."""
        with self._lock:
            begin = bisect_right(self._entries, after, key=lambda one: one.number)
            entries = self._entries[begin : begin + limit]
        found = (
            Entry(one.number, one.kind, None if one.find_call is None else one.find_call())
            for one in entries
        )
        # Dropped since: leave them out like those that were dropped before.
        return [one for one in found if one.call is not None or one.kind == RESET]

    def subscribe(self, wake: Callable[[], object]) -> Callable[[], object]:
        """Call ``wake`` after each new entry, from the thread that adds it; return how to stop."""
        key = object()
        with self._lock:
            self._wakes[key] = wake
        return lambda: self._wakes.pop(key, None)
