"""What a connection remembers of its responses, stored or not.

Rules of this file: no I/O. Each lane remembers its latest response only, once that has ended. A
response that fails makes its lane forget the one that it continues, but a lane that it was forked
from keeps its own. What a request has stored is found in the mock's store, as over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from openai_mockserver.api.responses.stored import KIND
from openai_mockserver.api.store import Store

__all__ = ["ResponseCache", "TurnStore"]


class ResponseCache:
    """The latest response of each lane."""

    def __init__(self) -> None:
        self._latest: dict[str | None, tuple[str, Any]] = {}

    def find(self, id: str) -> Any:
        """Return the response with an id; None if no lane remembers it."""
        return next((value for key, value in self._latest.values() if key == id), None)

    def keep(self, lane: str | None, store: TurnStore) -> None:
        """Remember the response that a turn has made as the latest one of its lane."""
        if store.latest is not None:
            self._latest[lane] = store.latest

    def forget(self, lane: str | None, id: object) -> None:
        """Forget the latest response of a lane if it has this id."""
        if lane in self._latest and self._latest[lane][0] == id:
            del self._latest[lane]


class TurnStore(Store):
    """The mock's store during one turn, with the responses of the connection over it.

    Args:
        base: the mock's store.
        cache: the responses of the connection.

    Attributes:
        latest: the id and the value of the response that the turn has made.
    """

    def __init__(self, base: Store, cache: ResponseCache) -> None:
        super().__init__()
        self._base, self._cache = base, cache
        self.latest: tuple[str, Any] | None = None
        self._is_withheld = False

    @property
    def process(self) -> str:
        return self._base.process

    def get(self, kind: str, id: str) -> Any:
        found = self._cache.find(id) if kind == KIND else None
        return self._base.get(kind, id) if found is None else found

    @property
    def skipped(self) -> float:
        return self._base.skipped

    def is_gone(self, kind: str, id: str) -> bool:
        # A response that nobody remembers cannot be continued, whether it existed or not.
        return self.get(kind, id) is None if kind == KIND else self._base.is_gone(kind, id)

    def put(self, kind: str, id: str, value: Any) -> None:
        if kind == KIND:
            self.latest = id, value
        self._base.put(kind, id, value)

    def put_all(self, entries: Iterable[tuple[str, str, Any]]) -> None:
        entries = tuple(entries)
        for kind, id, value in entries:
            if kind == KIND:
                self.latest = id, value
        self._base.put_all(entries)

    def add(self, kind: str, id: str, value: Any) -> bool:
        return self._base.add(kind, id, value)

    def update(self, kind: str, id: str, change: Callable[[Any], Any]) -> Any:
        return self._base.update(kind, id, change)

    def withhold(self, kind: str, id: str, value: Any) -> None:
        if kind == KIND:
            self.latest, self._is_withheld = (id, value), True
        self._base.withhold(kind, id, value)

    def change(self, response: Mapping[str, Any]) -> None:
        """Replace the object of the response that the turn has made."""
        if self.latest is not None:
            id, stored = self.latest
            self.latest = id, replace(stored, make_response=lambda: response, script=None)
            keep = self._base.withhold if self._is_withheld else self._base.put
            keep(KIND, *self.latest)

    def all(self, kind: str) -> list[Any]:
        return self._base.all(kind)

    def delete(self, kind: str, id: str) -> Any:
        return self._base.delete(kind, id)

    def drop(self, kind: str, id: str) -> None:
        self._base.drop(kind, id)

    def clear(self) -> None:
        self._base.clear()
