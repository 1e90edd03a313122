"""Seeded randomness with a frozen clock.

Rules of this file: what a `Seeded` generator generates does not depend on the date.
"""

from __future__ import annotations

import os
import time
from random import Random

__all__ = ["CHANCE", "MOMENT", "Seeded", "derive_rng", "draw_lot", "now"]

MOMENT = 1_767_225_600
"""Timestamp of all seeded content: the beginning of 2026, in seconds since the epoch."""

CHANCE = Random()
"""The shared unseeded generator: creating one for each request would take 10 µs."""

if hasattr(os, "register_at_fork"):  # two processes must not generate the same ids
    os.register_at_fork(after_in_child=CHANCE.seed)


class Seeded(Random):
    """A seeded random generator with a frozen clock: what it generates is always the same."""

    moment = MOMENT


def now(rng: Random) -> int:
    """Return the time in seconds since the epoch; for a `Seeded` generator it is frozen.

    >>> now(Seeded("any")) == MOMENT < now(Random("any"))
    True
    """
    return rng.moment if isinstance(rng, Seeded) else int(time.time())


def derive_rng(rng: Random, seed: str) -> Random:
    """Return a generator of the same kind with another seed."""
    return type(rng)(seed)


def draw_lot(seed: int | str | None, *place: object) -> float:
    """Return a number from 0 to 1, without 1, to compare with a probability.

    With a seed, the number follows from the seed and the place, and is different at each place.

    >>> draw_lot("any", 1) == draw_lot("any", 1) != draw_lot("any", 2)
    True
    """
    if seed is None:
        return CHANCE.random()
    return Random("\0".join(map(str, (seed, *place)))).random()
