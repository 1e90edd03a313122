"""A stored response, and the items of its input.

Rules of this file: values only. The items of an input are those that the conversations of
`api.resources` would store, with ids that are always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api import ids
from openai_mockserver.api.json_body import decode_json
from openai_mockserver.api.messages import read_messages
from openai_mockserver.api.resources.conversations import build_item
from openai_mockserver.script import Event, Script

__all__ = ["KIND", "ResponseText", "StoredResponse", "build_items", "list_events"]

KIND = "response"
"""The kind of responses in the store."""

KEPT = 30 * 86_400.0
"""Seconds for which a response is kept (https://platform.openai.com/docs/guides/your-data)."""


@dataclass(frozen=True, slots=True)
class ResponseText:
    """Makes a response object from its JSON, so that a store can keep the text as it is."""

    text: bytes

    def __call__(self) -> dict[str, Any]:
        response: dict[str, Any] = decode_json(self.text)
        return response


class _Background(msgspec.Struct):
    """What is read of a response to know whether it is in the background."""

    background: bool | None = None


@dataclass(frozen=True)
class StoredResponse:
    """A stored response. Its properties are computed when they are first used.

    Args:
        make_response: creates the final response object.
        script: the response as it was sent; None if it was never sent or is cancelled.
        input: ``input`` of the request.
        history: the messages before the input.
        was_retrieved: whether a client retrieved it, and so knows its final status.
        stored_at: when it was stored, on the clock of the jobs, in seconds; infinity if it is not.
    """

    make_response: Callable[[], Mapping[str, Any]]
    script: Script | None = None
    input: object = None
    history: tuple[Mapping[str, Any], ...] = ()
    was_retrieved: bool = False
    stored_at: float = 0.0

    def has_expired(self, now: float) -> bool:
        """Whether OpenAI would not keep the response any longer at this time."""
        return now - self.stored_at >= KEPT

    def add_skipped(self, seconds: float) -> StoredResponse:
        """Return the response, stored later by the seconds that were skipped."""
        return replace(self, stored_at=self.stored_at + seconds) if seconds else self

    @cached_property
    def response(self) -> Mapping[str, Any]:
        """The final response object."""
        return self.make_response()

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """The events that were sent; none if the response was not streamed."""
        return () if self.script is None else list_events(self.script)

    @cached_property
    def items(self) -> tuple[Mapping[str, Any], ...]:
        """The input as items; their ids are always the same."""
        created_at = int(self.response.get("created_at") or 0)
        return tuple(build_items(self.input, Random(self.response["id"]), created_at))

    @cached_property
    def messages(self) -> tuple[Mapping[str, Any], ...]:
        """The messages of the conversation, including this response."""
        input_messages = read_messages({"input": self.input})
        return (*self.history, *input_messages, *read_messages({"input": self.response["output"]}))

    @property
    def in_background(self) -> bool:
        """Whether the response is generated in the background."""
        if isinstance(self.make_response, ResponseText):
            return bool(msgspec.json.decode(self.make_response.text, type=_Background).background)
        return bool(self.response.get("background"))


def list_events(script: Script) -> tuple[Event, ...]:
    """Return the events of a script, also of one whose events are raw bytes."""
    return script.events or tuple(sse.decode(sse.body(script.steps)))


def build_items(input_: object, rng: Random, created_at: int) -> list[dict[str, Any]]:
    """Return the input as items, each with an id that holds this time."""
    items = [{"role": "user", "content": input_}] if isinstance(input_, str) else input_
    if not isinstance(items, list):
        return []
    new_id = ids.response_ids(created_at, rng)
    built_items = (
        _build_item(item, new_id(ids.item_prefix(str(item.get("type") or "message"))))
        for item in items
        if isinstance(item, dict)
    )
    return [item for item in built_items if item is not None]


def _build_item(item: dict[str, Any], id: str) -> dict[str, Any] | None:
    """Return an item of an input; None for a reference to an unknown one, and for a trigger."""
    item = item | {"id": item.get("id") or id}
    if item.get("type", "message") != "message":
        return build_item({"status": "completed"} | item, Random(id))
    role = item.get("role")
    content = item.get("content")
    if isinstance(content, str):
        content = [{"type": "input_text", "text": content}]
    if role == "assistant":
        content = [_make_output_part(part) for part in content or ()]
    fields = {"type": "message", "status": item.get("status") or "completed"}
    return item | fields | {"content": content, "role": role}


def _make_output_part(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of what the assistant said, also if it was sent as a part of an input."""
    if part.get("type") != "input_text":
        return part
    return {"type": "output_text", "text": part.get("text"), "annotations": []}
