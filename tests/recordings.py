"""The folder of measurements and recordings, beside the repository and never part of it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SHARED"]

SHARED = Path(__file__).parents[2] / "shared"
