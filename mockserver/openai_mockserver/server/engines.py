"""The engines of an event loop: what happens in them happens on time, although nobody asks.

Rules of this file: an engine is looked at when something happens there next, and not otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from openai_mockserver.engine import LiveEngine

__all__ = ["Engines"]

At = Callable[[float, Callable[[float], float | None]], None]


class Engines:
    """The engines of the streams of one event loop.

    Args:
        loop: the event loop.
        at: calls a function at a time of the loop, as `Player.at` does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, at: At) -> None:
        self._loop = loop
        self._at = at
        self._wakes: dict[LiveEngine, Callable[[], object]] = {}
        self._looks: dict[LiveEngine, float] = {}  # when each is looked at next

    def drive(self, engine: LiveEngine) -> None:
        """Let what happens in an engine happen on time, until nothing happens there any more."""
        if engine not in self._wakes:
            wake = partial(self._loop.call_soon_threadsafe, self._plan, engine)
            self._wakes[engine] = wake
            engine.subscribe(wake)
        self._plan(engine)

    def _plan(self, engine: LiveEngine) -> None:
        """Plan to look at an engine when something happens there, if not before."""
        if engine not in self._wakes:
            return
        due, planned = engine.advance(), self._looks.get(engine)
        if due is None and planned is None:
            engine.unsubscribe(self._wakes.pop(engine))
        elif due is not None and (planned is None or due < planned):
            self._looks[engine] = due
            self._at(due, partial(self._look, engine, due))

    def _look(self, engine: LiveEngine, due: float, now: float) -> None:
        if self._looks.get(engine) == due:  # otherwise an earlier look has replaced it
            del self._looks[engine]
            self._plan(engine)
