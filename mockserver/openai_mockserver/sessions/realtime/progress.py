"""How far a response has come: what of it has been sent, and how it ends if it is cancelled.

Rules of this file: no I/O. It reads the events that are sent, in the provider's format, so that it
knows what a fault has left of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from openai_mockserver.api.realtime.events import ResponseEvents, ResponsePlan
from openai_mockserver.api.realtime.sound import bytes_per_second

__all__ = ["Progress"]

_TEXT_DELTAS = (
    "response.output_text.delta",
    "response.output_audio_transcript.delta",
    "response.function_call_arguments.delta",
)


class Progress:
    """What has been sent of a response.

    Attributes:
        is_started, is_done: whether its first and its last event have been sent.
        items: its finished items, as OpenAI writes them.
        open_item: the item that has begun; None if there is none.
        seconds: seconds of audio that have been sent for each item, by its id.
    """

    def __init__(self, plan: ResponsePlan) -> None:
        self._plan = plan
        self._names = {shown: name for name, shown in plan.form.names.items()}
        self.is_started = self.is_done = False
        self.items: list[dict[str, Any]] = []
        self.open_item: dict[str, Any] | None = None
        self.seconds: dict[str, float] = {}
        self._kind: str | None = None
        self._text = ""
        self._is_added = False

    def read(self, event: Mapping[str, Any]) -> str:
        """Note that an event is sent, and return its type as OpenAI calls it."""
        shown = str(event.get("type"))
        type = self._names.get(shown, shown)
        item = event.get("item")
        if type == "response.created":
            self.is_started = True
        elif type == "response.output_item.added" and isinstance(item, Mapping):
            self.open_item = {k: v for k, v in item.items() if k != "object"}
            if item.get("type") == "message":
                self.open_item["content"] = []
            self._kind, self._text = None, ""
            self._is_added = False
        elif type == "conversation.item.added":
            self._is_added = True
        elif type == "response.content_part.added":
            self._kind = "audio" if self._plan.speaks else "text"
        elif type in _TEXT_DELTAS:
            self._text += str(event.get("delta"))
        elif type == "response.output_audio.delta":
            size = len(str(event.get("delta"))) * 3 // 4
            id = str(event.get("item_id"))
            rate = bytes_per_second(self._plan.output["format"])
            self.seconds[id] = self.seconds.get(id, 0.0) + size / rate
        elif type == "response.output_item.done" and self.open_item is not None:
            status = item.get("status") if isinstance(item, Mapping) else None
            self._finish_item(str(status or "completed"))
        elif type == "response.done":
            self.is_done = True
        return type

    def _finish_item(self, status: str) -> None:
        item = self.open_item
        assert item is not None
        item["status"] = status
        if item.get("type") == "message":
            item["content"] = [self._build_part()] if self._kind else []
        else:
            item["arguments"] = self._text
        self.items.append(item)
        self.open_item = None

    def _build_part(self) -> dict[str, Any]:
        name = "transcript" if self._kind == "audio" else "text"
        return {"type": f"output_{self._kind}", name: self._text}

    def cancel(self, reason: str, new_id: Callable[[str], str], rng: Random) -> list[str]:
        """Return the events with which the response ends early.

        Args:
            reason: ``client_cancelled`` or ``turn_detected``.
            new_id: generates ids by prefix.
            rng: source of padding.
        """
        events = ResponseEvents(self._plan, new_id, rng)
        events.output = list(self.items)
        if not self.is_started:
            events.start()
        item = self.open_item
        if item is not None:
            if not self._is_added and self._plan.conversation_id is not None:
                events.write("conversation.item.added", previous_item_id=None, item=item)
            if item.get("type") != "message":
                events.close_call(dict(item), self._text, "incomplete")
            elif self._kind is not None:
                events.close_message(dict(item), self._text, self._kind, "incomplete")
            else:
                events.close_item({**item, "status": "incomplete"})
        events.finish("cancelled", {"type": "cancelled", "reason": reason}, None)
        return events.texts
