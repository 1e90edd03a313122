"""What the stores that several processes share have in common.

Rules of this file: no I/O. The clock is the wall clock, because processes on several machines have
no other in common. That a value was withheld is known only to the process that did so: a request
that stores nothing costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from openai_mockserver.api.store import Store
from openai_mockserver.state.sandboxes import Sandboxes

__all__ = ["SharedStore", "StoredSandboxes", "name_space"]

_MOST_WITHHELD = 10_000

T = TypeVar("T")


class SharedStore(Store):
    """A store that several processes may use."""

    is_shared = True

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
