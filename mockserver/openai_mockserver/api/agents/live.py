"""The events of a session, and a stream that sends them as they happen.

Rules of this file: no I/O. A client subscribes to a session first, and only then says something:
the stream's steps are not known when it begins. They are asked for whenever a player wants its
next frame. If there is none, the player gets a short silence, so that it asks again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from openai_mockserver import sse
from openai_mockserver.api.store import Store
from openai_mockserver.script import Event, Frame, LazySteps, Pause, Step
from openai_mockserver.timeline import encode_chunk

__all__ = ["Counts", "LiveSteps", "LoggedEvent", "SessionLog"]

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


_EVENTS = "event of an agent session"
_COUNTS = "events of an agent session"


class Counts(NamedTuple):
    """How many events a session has, and how many of them a stream has taken."""

    events: int = 0
    taken: int = 0


class SessionLog:
    """The events of a session that no stream has taken.

    Args:
        store: holds the events.
        session_id: the session.
    """

    def __init__(self, store: Store, session_id: str) -> None:
        self._store, self._session_id = store, session_id

    def add(self, event: LoggedEvent) -> None:
        """Add an event."""
        counts = self._store.get(_COUNTS, self._session_id) or Counts()
        while not self._store.add(_EVENTS, f"{self._session_id}/{counts.events}", event):
            counts = counts._replace(events=counts.events + 1)  # another process was faster
        events = counts.events + 1

        def count_event(counts: Counts | None) -> Counts:
            counts = counts or Counts()
            return counts._replace(events=max(events, counts.events))

        self._store.update(_COUNTS, self._session_id, count_event)

    def take(self) -> LoggedEvent | None:
        """Return the next event that no stream has taken; None if there is none yet."""
        taken: list[int] = []

        def count_taken(counts: Counts | None) -> Counts | None:
            taken.clear()
            if counts is None or not self._holds_more(counts):
                return counts
            taken.append(counts.taken)
            return counts._replace(taken=counts.taken + 1)

        if not self.has_more():
            return None
        self._store.update(_COUNTS, self._session_id, count_taken)
        if not taken:
            return None  # another stream was faster
        id = f"{self._session_id}/{taken[0]}"
        event: LoggedEvent | None = self._store.get(_EVENTS, id)
        self._store.drop(_EVENTS, id)
        return event

    def has_more(self) -> bool:
        """Whether there is an event that no stream has taken."""
        counts = self._store.get(_COUNTS, self._session_id)
        return counts is not None and self._holds_more(counts)

    @staticmethod
    def _holds_more(counts: Counts) -> bool:
        return counts.taken < counts.events


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
            if logged.is_last and not self._log.has_more():
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
