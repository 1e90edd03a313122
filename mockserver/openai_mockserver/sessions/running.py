"""A turn that runs: what of its response has been sent, and what is left.

Rules of this file: no I/O. It reads the events that it hands out, so that it knows the response's
id, its next sequence number and its finished items, whatever faults have left of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.dialects.responses import SEQUENCE_NUMBER
from openai_mockserver.script import End, SocketClose, SocketMute
from openai_mockserver.sessions.messages import Message, add_stream_id, decode_object
from openai_mockserver.sessions.session import Due, Turn
from openai_mockserver.sessions.steering import Steer, cut_response

__all__ = ["RunningTurn"]

_TERMINAL = ("response.completed", "response.incomplete", "response.failed", "error")
_DELTAS = ("response.output_text.delta", "response.function_call_arguments.delta")


class _Head(msgspec.Struct):
    """What is read of each event."""

    type: str = ""
    sequence_number: int | None = None


def _read_head(text: str) -> _Head:
    """Return the head of an event; an empty one if a fault has damaged the event."""
    try:
        return msgspec.json.decode(text, type=_Head)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _Head()


class RunningTurn:
    """A turn that has been answered.

    Args:
        turn: the turn.
        messages: its messages, each with the seconds after which it is due; taken one by one,
            because a long answer is large.
        end: how its script ends.

    Attributes:
        due: happens when the next messages are due.
        response_id: the id of the response, once its first event has been sent.
        next_number: the sequence number of the next event.
        last_type: the type of the event that ended the response; None before.
        response: the response object in that event.
        steers: accepted input that has not been used.
    """

    def __init__(self, turn: Turn, messages: Iterable[tuple[float, Message]], end: End) -> None:
        self.turn, self.end = turn, end
        self.due = Due(turn)
        self.response_id: str | None = None
        self.next_number = 0
        self.last_type: str | None = None
        self.response: dict[str, Any] = {}
        self.steers: list[Steer] = []
        self.is_cut = False
        self._messages = iter(messages)
        self._next = next(self._messages, None)
        self._added = 0  # how many events were sent that are not of the script
        self._items: list[Any] = []
        self._sent_text = 0

    @property
    def next_due(self) -> float | None:
        """When the next message is due, in seconds after the answer; None after the last."""
        return None if self._next is None else self._next[0]

    def take_due(self) -> list[Message]:
        """Remove and return the messages that are due together, the next ones."""
        now, taken = self.next_due, []
        while self._next is not None and now is not None and self._next[0] <= now:
            message, self._next = self._next[1], next(self._messages, None)
            taken.append(self._take(message))
        return taken

    def _take(self, message: Message) -> Message:
        """Note what a message says, and return it with its number."""
        if isinstance(message, SocketClose | SocketMute):
            return message
        text = message if isinstance(message, str) else message.data
        head = _read_head(text)
        if head.sequence_number is not None:
            if self._added:
                number = head.sequence_number + self._added
                text = SEQUENCE_NUMBER.sub(f'"sequence_number":{number}', text)
            self.next_number = head.sequence_number + self._added + 1
        self._note(head.type, text)
        return text if isinstance(message, str) else replace(message, data=text)

    def _note(self, type: str, text: str) -> None:
        """Note what an event says."""
        if type == "response.created":
            response = (decode_object(text) or {}).get("response")
            id = response.get("id") if isinstance(response, dict) else None
            self.response_id = id if isinstance(id, str) else None
        elif type == "response.output_item.done":
            self._items.append((decode_object(text) or {}).get("item"))
            if self.steers:
                self._cut()
        elif type in _DELTAS:
            self._sent_text += 1
        elif type in _TERMINAL:
            self.last_type = type
            response = (decode_object(text) or {}).get("response")
            self.response = response if isinstance(response, dict) else {}

    def _cut(self) -> None:
        """End the response after the item that has just been finished, unless it was the last."""
        left = [] if self._next is None else [self._next, *self._messages]
        self._next, self._messages = (left[0] if left else None), iter(left[1:])
        rest = [(due, message) for due, message in left if isinstance(message, str)]
        heads = [_read_head(text) for _, text in rest]
        if len(heads) < 2 or heads[-1].type != "response.completed":
            return
        event = decode_object(rest[-1][1]) or {}
        left_text = sum(head.type in _DELTAS for head in heads)
        share = self._sent_text / max(self._sent_text + left_text, 1)
        response = cut_response(event.get("response") or {}, self._items, share)
        event |= {
            "type": "response.incomplete",
            "response": response,
            "sequence_number": self.next_number - self._added,
        }
        self._next = rest[0][0], msgspec.json.encode(event).decode()
        self._messages = iter(())
        self.is_cut = True

    def add_event(self, event: dict[str, Any]) -> str:
        """Return the message of an event that is not of the script; later events are renumbered.

        Args:
            event: the event; its sequence number is `next_number`.
        """
        self._added += 1
        self.next_number += 1
        text = msgspec.json.encode(event).decode()
        stream_id = self.turn.stream_id
        return text if stream_id is None else add_stream_id(text, stream_id)
