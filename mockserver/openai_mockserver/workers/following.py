"""Following the calls of all workers as one event stream.

Theory of operation. The worker that has the client reads the event streams of all workers
(`control.follow`) piece by piece, itself included, and joins them. An event's id says how far each
history was read: ``0b2d6e11-12.5a1c90ef-7``. Each worker looks for the name of its own history in
it, so that a client that connects again, to whichever worker, gets every later event once.

A client forgets all calls at a ``reset``. It is sent when the journals were cleared, which every
worker reports, and when a worker has died with its journal; then all histories are read again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.script import Comment, Event
from openai_mockserver.workers.channel import Answer
from openai_mockserver.workers.merging import join_events, split_events

__all__ = ["GroupFollower"]

_BEAT = 15.0  # seconds of silence after which a comment is sent


class GroupFollower:
    """Reads the events of all workers' journals.

    Args:
        ask: asks all workers for their next events, given a key that names this follower, and
            whether they begin with the oldest, whatever the client has asked for; returns their
            answers by slot.
        last_event: the last event that the client has; None for none.
    """

    interval = 0.25

    def __init__(
        self, ask: Callable[[str, bool], dict[int, Answer]], last_event: str | None
    ) -> None:
        self._ask = ask
        self._from_start = False
        self._key = secrets.token_hex(8)
        self._read_to = {} if last_event is None else split_events(last_event)
        self._histories: set[str] | None = set(self._read_to) or None
        self._resets: set[str] = set()
        self._sent_at = 0.0

    def subscribe(self, wake: Callable[[], object]) -> Callable[[], object]:
        """Do nothing: what is new is read after `interval`."""
        return lambda: None

    def read(self) -> bytes:
        """Return the next events; none if nothing is new."""
        body = b"" if self._sent_at else sse.encode(Comment("following"))
        events, histories = self._take_news()
        known, self._histories = self._histories, histories
        if known not in (None, histories) or any(self._is_new_reset(event) for event in events):
            body += self._begin_again()
            events, self._histories = self._take_news()
        for event in sorted(events, key=_order):
            body += self._encode(event)
        if not body and time.monotonic() - self._sent_at >= _BEAT:
            body = sse.encode(Comment(""))
        if body:
            self._sent_at = time.monotonic()
        return body

    def _take_news(self) -> tuple[list[Event], set[str]]:
        """Return the next events of all workers, and the names of their histories."""
        events: list[Event] = []
        histories = set()
        for answer in self._ask(self._key, self._from_start).values():
            if answer.status == 200:
                histories.add(dict(answer.headers)["history"])
                events += sse.decode(answer.body)
        for name in histories:
            self._read_to.setdefault(name, f"{name}-0")
        return events, histories

    def _is_new_reset(self, event: Event) -> bool:
        return event.event == "reset" and event.id not in self._resets

    def _begin_again(self) -> bytes:
        """Let the client forget everything, and read all histories from their beginnings."""
        self._key, self._from_start = secrets.token_hex(8), True
        self._read_to = {name: f"{name}-0" for name in self._histories or ()}
        return sse.encode(Event("{}", "reset", join_events(self._read_to.values())))

    def _encode(self, event: Event) -> bytes:
        """Return an event as the client gets it."""
        if event.id is None:
            return sse.encode(event)
        name = event.id.partition("-")[0]
        self._read_to[name] = event.id
        if event.event == "reset":
            self._resets.add(event.id)
            return b""
        return sse.encode(Event(event.data, event.event, join_events(self._read_to.values())))


def _order(event: Event) -> tuple[int, int]:
    """Return what events of several workers that are read together are sorted by."""
    data: Any = msgspec.json.decode(event.data) if event.data else {}
    is_late = event.event not in ("start", "end")
    return (1 << 62 if is_late else data.get("number", 0), int(event.event != "start"))
