"""Seeded randomness with a frozen clock.

Rules of this file: whatever is made with a `Seeded` generator is the same at any time.
"""

from __future__ import annotations

import time
from random import Random

__all__ = ["MOMENT", "Seeded", "apart", "now"]

MOMENT = 1_767_225_600
"""The time of everything that is made with a seed: the beginning of 2026, in seconds."""


class Seeded(Random):
    """Chance for which time stands still, so that what is made with it is always the same."""

    moment = MOMENT


def now(rng: Random) -> int:
    """The time in seconds, as this chance has it.

    >>> now(Seeded("any")) == MOMENT < now(Random("any"))
    True
    """
    return rng.moment if isinstance(rng, Seeded) else int(time.time())


def apart(rng: Random, seed: str) -> Random:
    """Other chance, of this seed, at the same time."""
    return type(rng)(seed)
