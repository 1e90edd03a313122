"""The number of examples of a property: a fifth in the default run, all with ``-m slow``."""

from __future__ import annotations

from hypothesis import settings

__all__ = ["examples"]


def examples(count: int) -> int:
    """Scale a number of examples by the profile's share of Hypothesis's default of 100."""
    return max(1, count * settings().max_examples // 100)
