"""The objects that requests created and can retrieve: files, responses, stored completions, etc.

Rules of this file: no I/O. Values are JSON objects, or anything else that their endpoint stores, by
kind and id, in order of creation. A value that was stored is never changed, only replaced: several
processes may share a store (`openai_mockserver.state`), and each then gets its own copy.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from openai_mockserver.api.disk_bytes import DiskBytes, weigh

__all__ = ["CREATED", "Found", "Store"]

CREATED = "created"
"""The kind of the ids that this server generated: if their object is missing, it was deleted."""


class Found(NamedTuple):
    """What a store knows of an id.

    Args:
        value: the value; None if there is none.
        is_gone: whether a value with this id was deleted.
        skipped: the seconds that were skipped, for the jobs.
    """

    value: Any
    is_gone: bool
    skipped: float


class Store:
    """Objects by kind and id. The store remembers the ids of deleted objects.

    Attributes:
        is_shared: whether other processes may use the same objects.
    """

    is_shared = False

    def __init__(self, keep: int | None = None, keep_bytes: int | None = None) -> None:
        # keep: the largest number of values of a kind; the oldest are dropped.
        # keep_bytes: the largest total size of uploaded files; the newest stays whatever its size.
        self._keep, self._keep_bytes = keep, keep_bytes
        self._files: dict[tuple[str, str], int] = {}
        self._kinds: dict[str, dict[str, Any]] = {}
        self._gone: dict[tuple[str, str], None] = {}
        self._lock = threading.RLock()
        self._skipped = 0.0
        self._token = secrets.token_hex(8)

    @property
    def process(self) -> str:
        """What distinguishes this process from the others, also from those that it has forked."""
        return f"{os.getpid()} {self._token}"

    def put(self, kind: str, id: str, value: Any) -> None:
        """Store a value, and replace an older one with this id."""
        with self._lock:
            values = self._kinds.setdefault(kind, {})
            values[id] = value
            if self._keep is not None and len(values) > self._keep:
                self._forget(kind, next(iter(values)))
            self._gone.pop((kind, id), None)
            if self._keep_bytes is not None and isinstance(value, bytes | DiskBytes):
                self._files.pop((kind, id), None)
                self._files[kind, id] = weigh(value)
                while len(self._files) > 1 and sum(self._files.values()) > self._keep_bytes:
                    self._forget(*next(iter(self._files)))

    def put_dated(self, kind: str, id: str, make_value: Callable[[float], Any]) -> None:
        """Store a new value that says when it was stored.

        Args:
            kind, id: those of the value, which is no file.
            make_value: returns the value, given the seconds that were skipped until now. It may be
                called several times, and must not use the store.
        """
        with self._lock:
            self.put(kind, id, make_value(self.skipped))

    def put_all(self, entries: Iterable[tuple[str, str, Any]]) -> None:
        """Store several values, each with its kind and id: all of them, or none."""
        with self._lock:
            for entry in entries:
                self.put(*entry)

    def add(self, kind: str, id: str, value: Any) -> bool:
        """Store a value unless there is one with this id, and return whether it was stored."""
        with self._lock:
            if self.get(kind, id) is not None:
                return False
            self.put(kind, id, value)
            return True

    def update(self, kind: str, id: str, change: Callable[[Any], Any]) -> Any:
        """Replace a value, and return the new one; nobody else changes it meanwhile.

        Args:
            kind, id: those of the value.
            change: returns the new value, given the old one or None. If it returns the same object,
                nothing is written; None removes the value. It may be called several times, and
                must not use the store.
        """
        with self._lock:
            old = self.get(kind, id)
            new = change(old)
            if new is None and old is not None:
                self.drop(kind, id)
            elif new is not old:
                self.put(kind, id, new)
            return new

    def _forget(self, kind: str, id: str) -> Any:
        self._files.pop((kind, id), None)
        return self._kinds.get(kind, {}).pop(id, None)

    def get(self, kind: str, id: str) -> Any:
        """Return the value; None if there is none."""
        return self._kinds.get(kind, {}).get(id)

    def look_up(self, kind: str, id: str) -> Found:
        """Return a value, whether it was deleted, and the seconds that were skipped."""
        with self._lock:
            return Found(self.get(kind, id), self.is_gone(kind, id), self.skipped)

    def all(self, kind: str) -> list[Any]:
        """Return the values of a kind, the oldest first."""
        with self._lock:
            return list(self._kinds.get(kind, {}).values())

    def delete(self, kind: str, id: str) -> Any:
        """Remove and return a value, and remember that it was deleted."""
        with self._lock:
            self._gone[kind, id] = None
            if self._keep is not None and len(self._gone) > 10 * self._keep:
                del self._gone[next(iter(self._gone))]
            return self._forget(kind, id)

    def withhold(self, kind: str, id: str, value: Any) -> None:
        """Note that a value was created, and do not store it."""
        self.delete(kind, id)

    def drop(self, kind: str, id: str) -> None:
        """Remove a value without remembering that it existed."""
        with self._lock:
            self._forget(kind, id)

    def is_gone(self, kind: str, id: str) -> bool:
        """Whether a value with this id was deleted."""
        return (kind, id) in self._gone

    # Time

    def read_clock(self) -> float:
        """Return the seconds on a clock that runs alike for all that share the objects."""
        return time.monotonic()

    @property
    def skipped(self) -> float:
        """The seconds that were skipped, for the jobs."""
        return self._skipped

    def change_skipped(self, change: Callable[[float], float]) -> None:
        """Replace the seconds that were skipped, given those until now."""
        with self._lock:
            self._skipped = change(self._skipped)

    def clear(self) -> None:
        """Remove everything, except the seconds that were skipped."""
        with self._lock:
            self._kinds.clear()
            self._gone.clear()
            self._files.clear()
