"""What requests created: files, responses, stored completions and all that can be asked for later.

Rules of this file: no I/O; values are JSON objects or whatever their endpoint keeps, by kind and
id, in the order in which they were made.
"""

from __future__ import annotations

import threading
from typing import Any

from openai_mockserver.api.disk_bytes import DiskBytes, weigh

__all__ = ["CREATED", "Store"]

CREATED = "created"
"""The kind under which are the ids that were given here: of these, what is deleted is gone."""


class Store:
    """Created things by kind and id. What was deleted is known to be gone."""

    def __init__(self, keep: int | None = None, keep_bytes: int | None = None) -> None:
        # keep: how many values of a kind there are at most; the oldest are forgotten.
        # keep_bytes: how large the uploaded files are together; the newest is kept however large.
        self._keep, self._keep_bytes = keep, keep_bytes
        self._files: dict[tuple[str, str], int] = {}
        self._kinds: dict[str, dict[str, Any]] = {}
        self._gone: dict[tuple[str, str], None] = {}
        self._lock = threading.Lock()

    def put(self, kind: str, id: str, value: Any) -> None:
        """Keep a value, instead of an older one of this id."""
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

    def _forget(self, kind: str, id: str) -> Any:
        self._files.pop((kind, id), None)
        return self._kinds.get(kind, {}).pop(id, None)

    def get(self, kind: str, id: str) -> Any:
        """The value; None where there is none."""
        return self._kinds.get(kind, {}).get(id)

    def all(self, kind: str) -> list[Any]:
        """The values of a kind, the oldest first."""
        with self._lock:
            return list(self._kinds.get(kind, {}).values())

    def delete(self, kind: str, id: str) -> Any:
        """Forget a value, and remember that it is gone; gives what it was."""
        with self._lock:
            self._gone[kind, id] = None
            if self._keep is not None and len(self._gone) > 10 * self._keep:
                del self._gone[next(iter(self._gone))]
            return self._forget(kind, id)

    def drop(self, kind: str, id: str) -> None:
        """Forget a value, and that there was one."""
        with self._lock:
            self._forget(kind, id)

    def is_gone(self, kind: str, id: str) -> bool:
        """Whether a value of this id was deleted."""
        return (kind, id) in self._gone

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kinds.clear()
            self._gone.clear()
            self._files.clear()
