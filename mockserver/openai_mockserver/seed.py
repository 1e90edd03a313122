"""Seeded randomness with a frozen clock.

Rules of this file: whatever is made with a `Seeded` generator is the same at any time.
"""

from __future__ import annotations

import os
import time
from random import Random

__all__ = ["CHANCE", "MOMENT", "Seeded", "apart", "now"]

MOMENT = 1_767_225_600
"""The time of everything that is made with a seed: the beginning of 2026, in seconds."""

CHANCE = Random()
"""Chance without a seed. To seed one takes 10 µs, which no request has to pay."""

if hasattr(os, "register_at_fork"):  # two processes must not give the same ids
    os.register_at_fork(after_in_child=CHANCE.seed)


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
