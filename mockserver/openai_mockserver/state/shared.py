"""What the stores that several processes share have in common.

Rules of this file: no I/O. The clock is the wall clock, because processes on several machines have
no other in common. That a value was withheld is known only to the process that did so: a request
that stores nothing costs nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from openai_mockserver.api.store import Store
from openai_mockserver.state.sandboxes import Sandboxes

__all__ = ["Forkable", "SharedStore", "StoredSandboxes", "follow_forks", "name_space"]

_MOST_WITHHELD = 10_000

T = TypeVar("T")


class Forkable(Protocol):
    """A connection that must not be used by two processes."""

    def prepare_fork(self) -> None:
        """Wait until the connection is not in use, and keep it so."""

    def continue_in_parent(self) -> None:
        """Let the connection be used again."""

    def continue_in_child(self) -> None:
        """Begin with a connection of this process's own."""


def follow_forks(connection: Forkable) -> None:
    """Tell a connection of each fork of this process, for as long as it exists."""
    _connections.add(connection)


_connections: WeakSet[Forkable] = WeakSet()


def _tell_all(tell: Callable[[Forkable], object]) -> None:
    for connection in tuple(_connections):
        tell(connection)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _tell_all(lambda one: one.prepare_fork()),
        after_in_parent=lambda: _tell_all(lambda one: one.continue_in_parent()),
        after_in_child=lambda: _tell_all(lambda one: one.continue_in_child()),
    )


class SharedStore(Store):
    """A store that several processes may use."""

    is_shared = True

    @property
    def process(self) -> str:
        return f"{self._process}-{os.getpid()}"  # it may have been forked

    def __init__(self, keep: int | None = None, keep_bytes: int | None = None) -> None:
        super().__init__(keep, keep_bytes)
        self._withheld: dict[tuple[str, str], None] = {}

    def read_clock(self) -> float:
        return time.time()

    def withhold(self, kind: str, id: str, value: Any) -> None:
        with self._lock:
            self._withheld[kind, id] = None
            if len(self._withheld) > _MOST_WITHHELD:
                del self._withheld[next(iter(self._withheld))]

    def is_withheld(self, kind: str, id: str) -> bool:
        """Whether this process has created a value with this id, and did not store it."""
        return (kind, id) in self._withheld

    def clear(self) -> None:
        self._withheld.clear()


def name_space(sandbox: str | None) -> str:
    """Return the name under which the objects of a sandbox, or of the mock itself, are stored."""
    return "" if sandbox is None else sandbox


class StoredSandboxes(Sandboxes[T]):
    """Sandboxes whose objects are stored: they are removed with the sandbox.

    Those of a sandbox that was idle for too long stay, because another process may still use it.

    Args:
        is_busy, idle: as for `Sandboxes`.
        clear: removes the objects of a sandbox, given its id.
    """

    def __init__(
        self, is_busy: Callable[[T], bool], idle: float | None, clear: Callable[[str], object]
    ) -> None:
        super().__init__(is_busy, idle)
        self._clear = clear

    def remove(self, id: str) -> bool:
        is_known = super().remove(id)
        if is_known:
            self._clear(id)
        return is_known
