"""Lanes: which of a connection's turns run, and which wait.

Rules of this file: no I/O. The turns of a lane run one after the other, in order of arrival;
different lanes run at the same time, up to a limit for the connection. The lane without a name is
one like any other, but does not count as a named one.
"""

from __future__ import annotations

from collections import deque

from openai_mockserver.sessions.session import Turn

__all__ = ["Lanes"]

MOST_ACTIVE = 16
"""Maximum number of turns of a connection that run at the same time."""

MOST_NAMED = 32
"""Maximum number of named lanes of a connection, for as long as it is open."""


class Lanes:
    """The turns of a connection, by lane."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._waiting: dict[str | None, deque[Turn]] = {}
        self._free: deque[str | None] = deque()  # lanes whose first waiting turn could run
        self._running: dict[str | None, Turn] = {}

    @property
    def waiting_count(self) -> int:
        """How many turns wait."""
        return sum(map(len, self._waiting.values()))

    def admit(self, name: str) -> bool:
        """Whether a named lane exists or can be opened; opens it."""
        if name not in self._names and len(self._names) >= MOST_NAMED:
            return False
        self._names.add(name)
        return True

    def add(self, turn: Turn) -> list[Turn]:
        """Add a turn to its lane, and return the turns that start now."""
        lane = turn.stream_id
        self._waiting.setdefault(lane, deque()).append(turn)
        if lane not in self._running and lane not in self._free:
            self._free.append(lane)
        return self._start()

    def end(self, turn: Turn) -> list[Turn]:
        """Remove a turn that has ended, and return the turns that start now."""
        lane = turn.stream_id
        if self._running.get(lane) is turn:
            del self._running[lane]
            if lane in self._waiting:
                self._free.append(lane)
        return self._start()

    def follow(self, turn: Turn, successor: Turn) -> None:
        """Let another turn run in the place of one that has ended, before those that wait."""
        self._running[turn.stream_id] = successor

    def _start(self) -> list[Turn]:
        turns = []
        while self._free and len(self._running) < MOST_ACTIVE:
            lane = self._free.popleft()
            turn = self._running[lane] = self._waiting[lane].popleft()
            if not self._waiting[lane]:
                del self._waiting[lane]
            turns.append(turn)
        return turns
