"""Rate limits: how much was used lately, and how long to wait until more may be.

Rules of this file: no clock and no lock; times are seconds as floats. Whatever keeps the use has
the one method of `Windows`, so that several processes can share it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

__all__ = [
    "BucketWindows",
    "Claim",
    "Level",
    "LocalWindows",
    "SlidingWindows",
    "Uses",
    "Windows",
    "make_windows",
]


class Claim(NamedTuple):
    """An amount that a request takes of a limit.

    Args:
        name: name of what is limited, such as the key, the model and the unit.
        limit: the most that may be used at once.
        amount: how much the request takes; 0 only looks.
    """

    name: tuple[str, ...]
    limit: int
    amount: int


@dataclass(frozen=True, slots=True)
class Level:
    """How far a limit is used.

    Args:
        limit: the most that may be used.
        used: how much is used, rounded up.
        reset: seconds until nothing is used any more.
        wait: seconds after which the claim would be met; 0 if it is, infinity if it never is.
    """

    limit: int
    used: int
    reset: float
    wait: float

    @property
    def remaining(self) -> int:
        """How much is left."""
        return max(0, self.limit - self.used)


Uses = Mapping[tuple[str, ...], Sequence[tuple[float, float]]]
"""For the name of each limit, when how much of it was used."""


class Windows(Protocol):
    """What keeps the use of limits."""

    def take(self, claims: Sequence[Claim], now: float) -> tuple[Level, ...]:
        """Take all claims if each can be met, and otherwise none.

        Args:
            claims: what to take; each has another name.
            now: the time in seconds.

        Returns:
            a level for each claim, after what was taken. If nothing was taken, ``wait`` is not 0
            for at least one of them.
        """
        ...


class LocalWindows(Windows, Protocol):
    """Windows in memory, whose use can be written down."""

    @property
    def uses(self) -> Uses:
        """What was used, and counts still."""
        ...


class SlidingWindows:
    """Windows that slide: no period of their length contains more than the limit.

    Args:
        seconds: the length of the windows, in seconds.
        uses: what was used before.
    """

    def __init__(self, seconds: float = 60.0, uses: Uses | None = None) -> None:
        self._seconds = seconds
        self._amounts = {
            name: deque((time, int(amount)) for time, amount in entries)
            for name, entries in (uses or {}).items()
        }
        self._sums = {
            name: sum(amount for _, amount in amounts) for name, amounts in self._amounts.items()
        }

    @property
    def uses(self) -> Uses:
        """What was used, and counts still."""
        return {name: tuple(amounts) for name, amounts in self._amounts.items()}

    def take(self, claims: Sequence[Claim], now: float) -> tuple[Level, ...]:
        """Take all claims if each can be met, and otherwise none: see `Windows`."""
        waits = [self._get_wait(claim, now) for claim in claims]
        if not any(waits):
            for claim in claims:
                if claim.amount:
                    self._amounts.setdefault(claim.name, deque()).append((now, claim.amount))
                    self._sums[claim.name] = self._sums.get(claim.name, 0) + claim.amount
        return tuple(self._get_level(*pair, now) for pair in zip(claims, waits, strict=True))

    def _get_wait(self, claim: Claim, now: float) -> float:
        """Forget what has left the window, and return how long to wait for the claim."""
        self._forget(claim.name, now)
        if claim.amount > claim.limit:
            return math.inf
        excess = self._sums.get(claim.name, 0) + claim.amount - claim.limit
        for time, amount in self._amounts.get(claim.name, ()):
            if excess <= 0:
                return 0.0
            excess -= amount
            if excess <= 0:
                return wait_until(time + self._seconds, now)
        return 0.0

    def _forget(self, name: tuple[str, ...], now: float) -> None:
        """Forget what has left the window of a limit."""
        amounts = self._amounts.get(name)
        if amounts is None:
            return
        while amounts and amounts[0][0] + self._seconds <= now:
            self._sums[name] -= amounts.popleft()[1]
        if not amounts:
            del self._amounts[name], self._sums[name]

    def _get_level(self, claim: Claim, wait: float, now: float) -> Level:
        amounts = self._amounts.get(claim.name)
        reset = wait_until(amounts[-1][0] + self._seconds, now) if amounts else 0.0
        return Level(claim.limit, self._sums.get(claim.name, 0), reset, wait)


class BucketWindows:
    """Token buckets: what was used flows away evenly, a whole limit in the length of a window.

    Args:
        seconds: the length of the windows, in seconds.
        uses: what was used before, with one entry for each name.
    """

    def __init__(self, seconds: float = 60.0, uses: Uses | None = None) -> None:
        self._seconds = seconds
        # how much was used, at that time
        self._used = {name: entries[-1] for name, entries in (uses or {}).items()}

    @property
    def uses(self) -> Uses:
        """What was used, and has not flown away."""
        return {name: (entry,) for name, entry in self._used.items()}

    def take(self, claims: Sequence[Claim], now: float) -> tuple[Level, ...]:
        """Take all claims if each can be met, and otherwise none: see `Windows`."""
        levels = [self._get_level(claim, now) for claim in claims]
        if any(level.wait for level in levels):
            return tuple(levels)
        for claim in claims:
            if claim.amount:
                used = self._get_used(claim, now) + claim.amount
                self._used[claim.name] = (now, min(used, claim.limit))
        return tuple(self._get_level(claim._replace(amount=0), now) for claim in claims)

    def _get_used(self, claim: Claim, now: float) -> float:
        if (entry := self._used.get(claim.name)) is None:
            return 0.0
        time, used = entry
        used -= (now - time) * claim.limit / self._seconds
        if used <= 0:
            del self._used[claim.name]
            return 0.0
        return used

    def _get_level(self, claim: Claim, now: float) -> Level:
        used, limit = self._get_used(claim, now), claim.limit
        excess = used + claim.amount - limit
        wait = 0.0
        if claim.amount > limit:
            wait = math.inf
        elif excess > limit * _TOLERANCE:
            wait = wait_until(now + excess * self._seconds / limit, now)
        reset = used * self._seconds / limit
        return Level(limit, math.ceil(used - limit * _TOLERANCE), reset, wait)


_TOLERANCE = 1e-9  # share of a limit that rounding may add


def wait_until(time: float, now: float) -> float:
    """Return the shortest wait in seconds for which ``now + wait >= time``, also when rounded.

    >>> now, time = 0.2, 0.9
    >>> now + (time - now) >= time, now + wait_until(time, now) >= time
    (False, True)
    """
    wait = max(0.0, time - now)
    while now + wait < time:
        wait = math.nextafter(wait, math.inf)
    return wait


def make_windows(refill: str, seconds: float, uses: Uses | None = None) -> LocalWindows:
    """Return windows in memory.

    Args:
        refill: as for `Limits`.
        seconds: length of the windows, in seconds.
        uses: what was used before; nothing by default.
    """
    return _KINDS[refill](seconds, uses)


_KINDS: dict[str, Callable[[float, Uses | None], LocalWindows]] = {
    "sliding": SlidingWindows,
    "continuous": BucketWindows,
}
