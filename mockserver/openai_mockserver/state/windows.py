"""Rate limits that several processes share, on the wall clock.

Rules of this file: no I/O; the store decides where the use of a limit is kept. What belongs to one
key and one model is one value, so that a request takes all of its claims, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import groupby

from openai_mockserver.api.store import Store
from openai_mockserver.engine.windows import Claim, Level, LocalWindows, make_windows
from openai_mockserver.exceptions import BusyStateError

__all__ = ["StoredWindows"]

KIND = "rate limit"
"""The kind of what was used, in the store."""

_PARTS = 1000
"""Into how many parts a window is divided: what is used within one of them is one entry."""

_MOST_SEEN = 1000
"""Of how many owners a process knows what they had used, for metrics while the store is away."""

_Data = dict[str, list[list[float]]]
"""By the last part of a name, when how much was used."""


class StoredWindows:
    """Windows whose use is in a store.

    Args:
        store: the store, whose clock counts.
        refill: as for `Limits`.
        seconds: the length of the windows, in seconds.
    """

    def __init__(self, store: Store, refill: str, seconds: float) -> None:
        self._store, self._refill, self._seconds = store, refill, seconds
        self._seen: dict[str, _Data | None] = {}

    def take(self, claims: Sequence[Claim], now: float) -> tuple[Level, ...]:
        """Take all claims if each can be met, and otherwise none.

        Args:
            claims: what to take; those that take something have names that differ in the last part
                only.
            now: the time in seconds on a clock of this process, which makes no difference here.
        """
        levels: dict[tuple[str, ...], Level] = {}
        for owner, group in groupby(claims, key=lambda claim: claim.name[:-1]):
            for claim, level in self._take_group(owner, list(group)):
                levels[claim.name] = level
        return tuple(levels[claim.name] for claim in claims)

    def _take_group(
        self, owner: tuple[str, ...], claims: list[Claim]
    ) -> Iterable[tuple[Claim, Level]]:
        now = self._store.read_clock()
        levels: list[Level] = []

        def take_claims(data: _Data | None) -> _Data | None:
            windows = self._make_windows(owner, data)
            levels[:] = windows.take(claims, now)
            is_taken = any(claim.amount for claim in claims) and not any(
                level.wait for level in levels
            )
            return self._describe(windows) if is_taken else data

        id = "\0".join(owner)
        if any(claim.amount for claim in claims):
            self._store.update(KIND, id, take_claims)
        else:
            take_claims(self._look(id))
        return zip(claims, levels, strict=True)

    def _look(self, id: str) -> _Data | None:
        """Return what was used, as this process last saw it if the store is away."""
        with suppress(BusyStateError):
            self._seen[id] = self._store.get(KIND, id)
            if len(self._seen) > _MOST_SEEN:
                del self._seen[next(iter(self._seen))]
        return self._seen.get(id)

    def _make_windows(self, owner: tuple[str, ...], data: _Data | None) -> LocalWindows:
        uses = {
            (*owner, unit): [(entry[0], entry[1]) for entry in entries]
            for unit, entries in (data or {}).items()
        }
        return make_windows(self._refill, self._seconds, uses)

    def _describe(self, windows: LocalWindows) -> _Data:
        return {name[-1]: self._merge(entries) for name, entries in windows.uses.items()}

    def _merge(self, entries: Iterable[tuple[float, float]]) -> list[list[float]]:
        """Return the entries with those that are close together as one, at the latest time."""
        merged: list[list[float]] = []
        for time, amount in entries:
            # Parts of the clock, not distances: many uses in a row must not become one.
            part = time // (self._seconds / _PARTS)
            if merged and merged[-1][0] // (self._seconds / _PARTS) == part:
                amount += merged.pop()[1]
            merged.append([time, amount])
        return merged
