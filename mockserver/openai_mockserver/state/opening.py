"""Opens what a server remembers: in memory, or at the place that the user names.

Rules of this file: what a place needs is imported when it is named.
"""

from __future__ import annotations

from pathlib import Path

from openai_mockserver.state.memory import InMemory
from openai_mockserver.state.protocol import StateMaker

__all__ = ["open_state"]


def open_state(
    place: Path | str | None, keep_calls: int | None = None, keep_bytes: int | None = None
) -> StateMaker:
    """Return what makes the states of a mock.

    Args:
        place: a file of SQLite, or the URL of a Redis server (``redis://`` or ``rediss://``); None
            for memory.
        keep_calls, keep_bytes: as for `InMemory`.

    Raises:
        StateError: the place cannot be opened, or holds something else.
        MissingDependency: the package for Redis is not installed.
    """
    if place is None:
        return InMemory(keep_calls, keep_bytes)
    if str(place).startswith(("redis://", "rediss://")):
        from openai_mockserver.state.redis import InRedis

        return InRedis(str(place), keep_calls, keep_bytes)
    from openai_mockserver.state.sqlite import InSqlite

    return InSqlite(Path(place), keep_calls, keep_bytes)
