"""The version of this package, as its installation states it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

__all__ = ["get_version"]


@cache
def get_version() -> str:
    """Return the version of this package."""
    return version("openai-mockserver")
