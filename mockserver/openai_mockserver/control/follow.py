"""The handler that follows the calls as an event stream.

    id: 5a1c90ef-7
    event: end
    data: {"number": 4, …}

``start`` and ``end`` have the call as it is when the event is sent; ``reset`` says that the journal
was cleared. Their ids rise by one each. ``gap`` says how many events are missing because the
journal has dropped their calls. ``progress``, which has no id, says about twice a second how far
the open calls are, and since when they are silent.

Rules of this file: a client that sends the last id it has received gets every later event once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec.json

from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.control.shapes import FollowQuery, Progress
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.control.summaries import measure_silence, summarize_call
from openai_mockserver.journal import RESET, START, Call, Journal
from openai_mockserver.script import Comment, Event
from openai_mockserver.sse import encode

__all__ = ["CallFollower", "follow"]

_MOST = 50  # events that are encoded together
_BEAT = 15.0  # seconds of silence after which a comment is sent
_MOST_OPEN = 200  # open calls whose progress is sent


class CallFollower:
    """Reads the events of a journal one after another.

    Args:
        calls: the journal.
        after: the number of the event after which to begin.
        is_lost: whether the client's last event is of a history that is no more.
    """

    interval = 0.5

    def __init__(self, calls: Journal, after: int, is_lost: bool = False) -> None:
        self._calls = calls
        self._history = calls.history
        self._after = after
        self._open: set[int] = set()
        self._sent_at = 0.0
        self._progress_at = time.monotonic()
        self._is_lost = is_lost
        self._is_begun = False

    @property
    def history_name(self) -> str:
        """The name of the history that it reads."""
        return self._history.name

    def subscribe(self, wake: Callable[[], object]) -> Callable[[], object]:
        """Call ``wake`` when there is a new event."""
        return self._history.subscribe(wake)

    def read(self) -> bytes:
        """Return the next events; none if nothing is new."""
        now = time.monotonic()
        body = b"" if self._is_begun else self._begin()
        newest = self._history.last_number
        entries = self._history.read(self._after, _MOST)
        for entry in entries:
            if entry.kind == RESET:  # what is missing before it, is no more
                self._open.clear()
                body += self._encode(entry.number, RESET, {})
            elif entry.call is not None:
                body += self._note_gap(entry.number)
                change = self._open.add if entry.call.outcome is None else self._open.discard
                change(entry.call.number)
                body += _encode_entry(self._history.name, entry.number, entry.kind, entry.call)
            self._after = entry.number
        if not entries and newest > self._after:
            body += self._note_gap(newest + 1)
            self._after = newest
        if now - self._progress_at >= self.interval:
            self._progress_at = now
            body += self._encode_progress()
        if not body and now - self._sent_at >= _BEAT:
            body = encode(Comment(""))
        if body:
            self._sent_at = now
        return body

    def _begin(self) -> bytes:
        self._is_begun = True
        self._sent_at = time.monotonic()
        # The progress is told also of calls whose start the client has from before.
        entries = self._history.read(self._after, self._history.last_number - self._after)
        later = {entry.call for entry in entries if entry.kind == START}
        self._open.update(
            call.number for call in self._calls if call.outcome is None and call not in later
        )
        return encode(Comment("following")) + (self._encode(0, RESET, {}) if self._is_lost else b"")

    def _note_gap(self, number: int) -> bytes:
        missing = number - self._after - 1
        if missing <= 0:
            return b""
        return self._encode(number - 1, "gap", {"missing": missing})

    def _encode(self, number: int, kind: str, value: Any) -> bytes:
        return _encode_event(self._history.name, number, kind, value)

    def _encode_progress(self) -> bytes:
        lines = []
        for number in sorted(self._open)[:_MOST_OPEN]:
            call = self._calls.find(number)
            silent = None if call is None else measure_silence(call)
            if call is None or call.outcome is not None:
                self._open.discard(number)
            elif silent is not None:
                lines.append(Progress(number, call.sent.events, call.sent.bytes, round(silent, 3)))
        if not lines:
            return b""
        return encode(Event(msgspec.json.encode({"calls": lines}).decode(), "progress"))


def _encode_event(history: str, number: int, kind: str, value: Any) -> bytes:
    data = msgspec.json.encode(value).decode()
    return encode(Event(data, kind, f"{history}-{number}"))


_encoded: dict[tuple[object, ...], bytes] = {}
_MOST_ENCODED = 500


def _encode_entry(history: str, number: int, kind: str, call: Call) -> bytes:
    """Encode an entry once for all who follow; an open call again when it has gone on."""
    key = history, number, call.sent.events if call.outcome is None else None
    body = _encoded.get(key)
    if body is None:
        body = _encoded[key] = _encode_event(history, number, kind, summarize_call(call))
        if len(_encoded) > _MOST_ENCODED:
            _encoded.pop(next(iter(_encoded)), None)
    return body


def follow(mock: Steerable, request: ControlRequest) -> CallFollower:
    """Follow the calls."""
    query: FollowQuery = request.query
    history = mock.calls.history
    last = request.last_event_id or query.last_event_id
    if last is None:
        return CallFollower(mock.calls, history.last_number if query.begin == "now" else 0)
    # With several workers, it has a part for each, joined by points.
    parts = {part.partition("-")[0]: part for part in last.split(".")}
    if len(parts) > 1 and history.name not in parts:
        return CallFollower(mock.calls, 0)
    name, _, number = parts.get(history.name, last).partition("-")
    is_known = name == history.name and number.isascii() and number.isdigit() and len(number) < 16
    if not is_known or int(number) > history.last_number:
        return CallFollower(mock.calls, 0, is_lost=True)
    return CallFollower(mock.calls, int(number))
