"""The state of a mock in the memory of its process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from openai_mockserver.api.store import Store
from openai_mockserver.journal import Call, Journal
from openai_mockserver.rules import Rulebook
from openai_mockserver.state.sandboxes import Sandboxes

__all__ = ["InMemory", "MemoryState"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MemoryState:
    """A state in memory; it is gone with the object."""

    rules: Rulebook
    calls: Journal
    objects: Store


@dataclass(frozen=True, slots=True)
class InMemory:
    """Makes states in memory.

    Args:
        keep_calls: maximum number of calls, and of created objects of each kind.
        keep_bytes: maximum bytes of memory for the calls, and for the uploaded files.
    """

    keep_calls: int | None = None
    keep_bytes: int | None = None

    def make(
        self, sandbox: str | None = None, on_end: Callable[[Call], object] | None = None
    ) -> MemoryState:
        """Return an empty state; ``sandbox`` makes no difference here."""
        return MemoryState(
            Rulebook(),
            Journal(self.keep_calls, on_end, self.keep_bytes),
            Store(self.keep_calls, self.keep_bytes),
        )

    def make_sandboxes(self, is_busy: Callable[[T], bool], idle: float | None) -> Sandboxes[T]:
        """Return the sandboxes of a mock, whose states are gone when they are removed."""
        return Sandboxes(is_busy, idle)
