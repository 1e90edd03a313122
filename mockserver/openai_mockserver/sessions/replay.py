"""A session that replays a recording: the recorded client events release what the server said.

Theory of operation. A recording is a list of messages of both sides. Those of the server before the
first of the client are sent when the connection opens. Each message of the client must be the next
that was recorded, and releases the server's messages up to the one after it, with the silences of
the recording. A message that comes before the released ones have all been sent waits for them.

Two messages of the client are the same if their members are, apart from ids and audio, which
clients draw anew. Of recorded audio, the number of pieces may differ too: a piece too many is
ignored, and once another event comes, the pieces that are missing count as sent.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec.json

from openai_mockserver.script import NO_CLOSE_FRAME, RecordedSession, SessionMessage
from openai_mockserver.sessions.messages import decode_object
from openai_mockserver.sessions.session import (
    Action,
    Close,
    Drop,
    Ended,
    Happening,
    Opened,
    Received,
    Report,
    Send,
    SendBinary,
    Turn,
)

__all__ = ["ReplaySession"]

AUDIO = "input_audio_buffer.append"

MOST_WAITING = 256
"""How many client messages may wait before no further one is read."""

_DRAWN = frozenset(
    {"audio", "event_id", "id", "item_id", "previous_item_id", "response_id", "call_id"}
)
"""The members of client events that differ in each run."""

Actions = list[tuple[float, Action]]


class ReplaySession:
    """A session that says what a recorded one has said."""

    def __init__(self, recording: RecordedSession) -> None:
        self._recording = recording
        self._next = 0  # of the recorded messages
        self._waiting: deque[str | bytes] = deque()
        self._part: Turn | None = None  # the messages that are being sent
        self._was_audio = False
        self._has_differed = False

    @property
    def is_full(self) -> bool:
        """Whether to read no further client message for now."""
        return len(self._waiting) >= MOST_WAITING

    def feed(self, happening: Happening) -> Actions:
        """Return what to do, and after how many seconds."""
        match happening:
            case Opened():
                return self._release(0.0)
            case Received(message):
                self._waiting.append(message)
            case Ended(turn) if turn is self._part:
                self._part = None
            case _:
                return []
        return self._take_waiting()

    def _take_waiting(self) -> Actions:
        """Compare the waiting messages, until one of them releases something."""
        while self._waiting and self._part is None and not self._has_differed:
            if actions := self._compare(self._waiting.popleft()):
                return actions
        return []

    def _compare(self, message: str | bytes) -> Actions:
        """Return what a client message releases, or how to refuse it."""
        is_audio = _is_audio(message)
        while (recorded := self._find_next()) is not None and not is_audio:
            if not _is_audio(recorded.data):
                break
            self._next += 1  # a piece of audio that was not sent this time
            if actions := self._release(recorded.seconds):
                self._waiting.appendleft(message)
                return actions
        if recorded is not None and _normalize(message) == _normalize(recorded.data):
            self._next += 1
            self._was_audio = is_audio
            return self._release(recorded.seconds)
        if is_audio and self._was_audio:
            return []
        return self._refuse(message, recorded)

    def _find_next(self) -> SessionMessage | None:
        messages = self._recording.messages
        return messages[self._next] if self._next < len(messages) else None

    def _release(self, start: float) -> Actions:
        """Return how to send the server's messages up to the next one of the client.

        Args:
            start: when the message that releases them was recorded, in seconds.
        """
        actions: Actions = []
        due = 0.0
        speed = self._recording.speed
        while (message := self._find_next()) is not None and message.sender == "server":
            self._next += 1
            due = max(due, (message.seconds - start) / speed if speed else 0.0)
            send = Send if isinstance(message.data, str) else SendBinary
            actions.append((due, send(message.data)))  # type: ignore[arg-type]
        if message is None and (end := self._recording.end) is not None and end.sender == "server":
            due = max(due, (end.seconds - start) / speed if speed else 0.0)
            is_lost = end.code == NO_CLOSE_FRAME
            last: Action = Drop(None, "truncate") if is_lost else Close(end.code, end.reason)
            return [*actions, (due, last)]
        if actions:
            self._part = Turn(b"")
            actions.append((due, Ended(self._part)))
        return actions

    def _refuse(self, message: str | bytes, recorded: SessionMessage | None) -> Actions:
        """Return how to end a session whose client does something else."""
        self._has_differed = True
        expected = "has ended" if recorded is None else f"has {_describe(recorded.data)}"
        text = f"the recorded session {expected} where the client sent {_describe(message)}"
        error = {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "code": "session_differs",
                "message": f"openai-mockserver: {text}",
            },
        }
        send = Send(msgspec.json.encode(error).decode())
        return [(0.0, Report(text)), (0.0, send), (0.0, Close(1008, "session_differs"))]


def _is_audio(message: str | bytes) -> bool:
    return isinstance(message, str) and AUDIO in message and _find_type(message) == AUDIO


def _find_type(message: str) -> object:
    return (decode_object(message) or {}).get("type")


def _normalize(message: str | bytes) -> Any:
    """Return a message without what differs in each run."""
    event = decode_object(message) if isinstance(message, str) else None
    return message if event is None else _remove_drawn(event)


def _remove_drawn(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _remove_drawn(v) for k, v in value.items() if k not in _DRAWN}
    return [_remove_drawn(one) for one in value] if isinstance(value, list) else value


def _describe(message: str | bytes) -> str:
    """Name a message, as in an error."""
    if isinstance(message, bytes):
        return f"a binary message of {len(message)} bytes"
    type = _find_type(message)
    return f"another {type!r}" if isinstance(type, str) else f"{message[:100]!r}"
