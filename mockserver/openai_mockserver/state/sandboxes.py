"""The sandboxes of a server, by their ids.

Rules of this file: no I/O and no timer. A sandbox that was idle for too long is removed when the
sandboxes are next used.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from openai_mockserver.exceptions import MockServerError

__all__ = ["IDLE", "Entry", "Sandboxes"]

IDLE = 3600.0
"""Seconds after which an idle sandbox is removed, by default."""

MOST = 10_000
"""The largest number of sandboxes."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """A sandbox, when it was created, in Unix seconds, and for how many seconds it is idle."""

    id: str
    sandbox: T
    created: float
    idle: float


class Sandboxes(Generic[T]):
    """Sandboxes by id, in order of creation.

    Args:
        is_busy: whether a sandbox is in use although no request has arrived.
        idle: seconds after which an idle sandbox is removed; None for never.
    """

    def __init__(
        self,
        is_busy: Callable[[T], bool],
        idle: float | None = IDLE,
    ) -> None:
        self.idle = idle
        self._is_busy = is_busy
        self._lock = threading.Lock()
        self._sandboxes: dict[str, T] = {}
        self._created: dict[str, float] = {}
        self._used: dict[str, float] = {}  # the least recently used first

    def add(self, id: str | None, make: Callable[[str], T]) -> T:
        """Create a sandbox, and return it.

        Args:
            id: its id; a random one by default.
            make: creates the sandbox with an id.

        Raises:
            MockServerError: the id is invalid or taken, or there are too many sandboxes.
        """
        if id is not None and not _ID.fullmatch(id):
            raise MockServerError(
                f"a sandbox cannot be called {id!r}: an id has at most 64 letters, digits, - and _"
            )
        with self._lock:
            self._remove_idle()
            if id in self._sandboxes:
                raise MockServerError(f"there is already a sandbox {id!r}")
            if len(self._sandboxes) >= MOST:
                raise MockServerError(f"there are already {MOST:,} sandboxes: delete some")
            id = id or secrets.token_hex(6)
            sandbox = self._sandboxes[id] = make(id)
            self._created[id], self._used[id] = time.time(), time.monotonic()
            return sandbox

    def find(self, id: str) -> T | None:
        """Return a sandbox, which is then not idle; None if there is none with this id."""
        with self._lock:
            self._remove_idle()
            if (sandbox := self._sandboxes.get(id)) is not None:
                self._touch(id)
            return sandbox

    def list(self) -> list[Entry[T]]:
        """Return all sandboxes, the oldest first."""
        with self._lock:
            self._remove_idle()
            now = time.monotonic()
            return [
                Entry(id, sandbox, self._created[id], now - self._used[id])
                for id, sandbox in self._sandboxes.items()
            ]

    def remove(self, id: str) -> bool:
        """Remove a sandbox, and return whether it existed."""
        with self._lock:
            return self._remove(id)

    def __len__(self) -> int:
        return len(self._sandboxes)

    def _touch(self, id: str) -> None:
        del self._used[id]
        self._used[id] = time.monotonic()

    def _remove_idle(self) -> None:
        if self.idle is None:
            return
        latest = time.monotonic() - self.idle
        while self._used:
            id, used = next(iter(self._used.items()))
            if used > latest:
                break
            if self._is_busy(self._sandboxes[id]):
                self._touch(id)
            else:
                self._remove(id)

    def _remove(self, id: str) -> bool:
        if id not in self._sandboxes:
            return False
        del self._sandboxes[id], self._created[id], self._used[id]
        return True
