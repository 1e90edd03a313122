"""The events of a session, and a stream that sends them as they happen.

Rules of this file: no I/O. A client subscribes to a session first, and only then says something:
the stream's steps are not known when it begins. They are asked for whenever a player wants its
next frame. If there is none, the player gets a short silence, so that it asks again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from openai_mockserver import sse
from openai_mockserver.script import Event, Frame, LazySteps, Pause, Step
from openai_mockserver.timeline import encode_chunk

__all__ = ["LiveSteps", "LoggedEvent", "SessionLog"]

WAIT = 0.02
"""Seconds until a player asks for the next event again."""

PATIENCE = 30.0
"""Seconds without an event after which a stream ends."""


class LoggedEvent(NamedTuple):
    """An event of a session.

    Args:
        event: the event.
        pause: seconds of silence before it.
        is_last: whether a stream ends after it, because nothing happens any more by itself.
    """

    event: Event
    pause: float = 0.0
    is_last: bool = False


class SessionLog:
    """All events of a session, and how many of them a stream has taken."""

    def __init__(self) -> None:
        self.events: list[LoggedEvent] = []
        self.taken = 0

    def take(self) -> LoggedEvent | None:
        """Return the next event that no stream has taken; None if there is none yet."""
        if self.taken == len(self.events):
            return None
        self.taken += 1
        return self.events[self.taken - 1]


class LiveSteps(LazySteps):
    """The steps of a stream of a session: those that were taken, and for its player the next ones.

    Args:
        log: the events of the session.
    """

    __slots__ = ("_frames", "_is_played", "_log")

    def __init__(self, log: SessionLog) -> None:
        self._log = log
        self._frames: list[tuple[float, Event]] = []  # what was sent, and after how many seconds
        self._is_played = False

    @property
    def kinds(self) -> bytes:
        return b"\1" * len(self._frames)

    @property
    def size(self) -> int:
        return sum(len(sse.encode(event)) for _, event in self._frames)

    @property
    def shared_part(self) -> tuple[object, int]:
        return self, self.size

    @property
    def silences(self) -> Sequence[float] | None:
        return None

    def with_silences(self, silences: Sequence[float]) -> LiveSteps:
        """Return the same steps: the model's own pace is in them already."""
        return self

    def frames(
        self, start: float = 0.0, *, chunked: bool = False, merge_limit: int = 0
    ) -> Iterator[Frame]:
        if self._is_played:  # somebody looks at what was sent
            for due, event in tuple(self._frames):
                yield _make_frame(event, start + due, chunked)
            return
        self._is_played = True
        now = waited = 0.0
        while waited < PATIENCE:
            logged = self._log.take()
            if logged is None:
                now, waited = now + WAIT, waited + WAIT
                yield Frame(start + now, b"", 0, 0)
                continue
            now, waited = now + logged.pause, 0.0
            self._frames.append((now, logged.event))
            yield _make_frame(logged.event, start + now, chunked)
            if logged.is_last and self._log.taken == len(self._log.events):
                return

    def __len__(self) -> int:
        return len(tuple(iter(self)))

    def __iter__(self) -> Iterator[Step]:
        now = 0.0
        for due, event in tuple(self._frames):
            if due > now:
                yield Pause(due - now)
                now = due
            yield event


def _make_frame(event: Event, due: float, chunked: bool) -> Frame:
    data = sse.encode(event)
    return Frame(due, encode_chunk(data) if chunked else data, 1, len(data))
