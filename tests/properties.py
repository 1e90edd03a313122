"""How many examples a property has: a fifth of them in the default run, all with ``-m slow``."""

from __future__ import annotations

from hypothesis import settings

__all__ = ["examples"]


def examples(count: int) -> int:
    """The share of so many examples that the profile has of Hypothesis's hundred."""
    return max(1, count * settings().max_examples // 100)
