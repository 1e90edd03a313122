"""Seeded randomness with a frozen clock.

Rules of this file: what a `Seeded` generator generates does not depend on the date.
"""

from __future__ import annotations

import os
import time
from random import Random

__all__ = ["CHANCE", "MOMENT", "Seeded", "derive_rng", "now"]

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
