"""What the stores that several processes share have in common.

Rules of this file: no I/O. The clock is the wall clock, because processes on several machines have
no other in common. That a value was withheld is known only to the process that did so: a request
that stores nothing costs nothing.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, TypeVar

from openai_mockserver.api.store import Store
from openai_mockserver.journal import Call, Journal
from openai_mockserver.rules import Rulebook
from openai_mockserver.state.memory import MemoryState
from openai_mockserver.state.sandboxes import Sandboxes

__all__ = ["SharedStore", "StoredSandboxes", "StoredStates", "StoredUses", "name_space"]

_USES = "uses of a rule"
"""The kind of the numbers of uses in the store, by the hashes of the rules' names."""

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


class StoredUses:
    """Counts the uses of rules in a store; see `openai_mockserver.rules.UseCounter`.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def count(self, name: str, most: int | None) -> int | None:
        """Count a use of a rule, and return how many there were before."""
        counts: list[int] = []

        def count_use(count: int | None) -> int | None:
            counts[:] = [count or 0]
            return count if most is not None and counts[0] >= most else counts[0] + 1

        self._store.update(_USES, _shorten(name), count_use)
        return None if most is not None and counts[0] >= most else counts[0]

    def restart(self, name: str) -> None:
        """Forget the uses of a rule."""
        self._store.drop(_USES, _shorten(name))


def _shorten(name: str) -> str:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


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


class StoredStates(ABC):
    """Makes states whose objects are stored; the rest is in memory.

    Attributes:
        keep_calls, keep_bytes: as for `InMemory`.
    """

    __slots__ = ()

    keep_calls: int | None
    keep_bytes: int | None

    @abstractmethod
    def _open_store(self, sandbox: str | None) -> SharedStore:
        """Return the objects of a sandbox, or of the mock itself."""

    def make(
        self, sandbox: str | None = None, on_end: Callable[[Call], object] | None = None
    ) -> MemoryState:
        """Return the state of a sandbox, or of the mock itself; its objects may exist already."""
        store = self._open_store(sandbox)
        journal = Journal(self.keep_calls, on_end, self.keep_bytes)
        return MemoryState(Rulebook(StoredUses(store)), journal, store)

    def make_sandboxes(self, is_busy: Callable[[T], bool], idle: float | None) -> Sandboxes[T]:
        """Return the sandboxes of a mock; the objects of one are removed with it."""
        return StoredSandboxes(is_busy, idle, lambda id: self._open_store(id).clear())
