"""The Responses backend of a Live session: what it knows, what it is asked, and what it answers.

Rules of this file: no I/O. The backend gets what has been said, with what the client has added for
it alone, and is asked as POST /v1/responses would be. The events of its response are wrapped; what
it has found out is spoken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec.json

from openai_mockserver.api.live.events import DELEGATED
from openai_mockserver.api.validation.parameters import parameters_of
from openai_mockserver.script import Script
from openai_mockserver.sessions.live import errors
from openai_mockserver.sessions.live.playing import Work
from openai_mockserver.sessions.live.stage import Actions, Json, Role, Stage
from openai_mockserver.sessions.live.state import LiveState
from openai_mockserver.sessions.live.wire import Wire
from openai_mockserver.sessions.messages import Message, list_messages
from openai_mockserver.sessions.session import Send, Turn

__all__ = ["Backend", "clear_snapshot", "make_message"]

_SETTINGS = (
    "instructions",
    "max_output_tokens",
    "parallel_tool_calls",
    "reasoning",
    "service_tier",
    "text",
    "tool_choice",
    "tools",
)
"""The settings that each request to the backend has (types/live/responses_delegation_config.py)."""

_CALLS = ("function_call", "custom_tool_call")


def make_message(role: str, text: str) -> Json:
    """Return a message as an item of the Responses API."""
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def clear_snapshot(event: Mapping[str, Any]) -> Json:
    """Return an event of a response as Live shows it: its snapshots are small.

    Source: types/live/response_event.py.

    >>> clear_snapshot({"type": "response.created", "response": {"id": "r", "tools": [1]}})
    {'type': 'response.created', 'response': {'id': 'r', 'tools': []}}
    """
    response = event.get("response")
    if not isinstance(response, Mapping):
        return dict(event)
    cleared = {name: value for name, value in response.items() if name != "input"}
    empty: Json = {"instructions": None, "tools": [], "output": []}
    cleared |= {name: value for name, value in empty.items() if name in cleared}
    return {**event, "response": cleared}


def _read_text(output: Iterable[Mapping[str, Any]]) -> str:
    """Return the text of a response's messages; a fault may have damaged them."""
    contents = (item.get("content") for item in output if item.get("type") == "message")
    parts = (part for one in contents if isinstance(one, list) for part in one)
    return "".join(
        str(part.get("text") or part.get("refusal") or "")
        for part in parts
        if isinstance(part, Mapping)
    )


def _list_events(script: Script) -> list[tuple[float, Message]]:
    return list(list_messages(script, None))


class Backend:
    """The Responses backend of a session.

    Args:
        state: what the session knows.
        stage: where its turns are played.
        wire: writes events.
        speak: lets the model say a text.

    Attributes:
        items: the conversation, with the items that only the backend has.
    """

    def __init__(
        self, state: LiveState, stage: Stage, wire: Wire, speak: Callable[[str], Actions]
    ) -> None:
        self._state, self._stage, self._wire, self._speak = state, stage, wire, speak
        self.items: list[Json] = list(state.items)
        self._running = 0
        self._waiting: str | None = None  # the delegation that waits for the results of tools
        stage.add_role(Work, Role(self._say, self._finish, self._fail, _list_events))

    def work(self, delegation_id: str | None, is_announced: bool = False) -> Actions:
        """Return how to ask it.

        Args:
            delegation_id: the delegation that it works on; None if the client has asked.
            is_announced: whether the client knows of the delegation.
        """
        settings = self._state.config["delegation"]["responses"]
        body: Json = {"model": settings["model"], "input": self.items, "stream": True}
        body |= {k: settings[k] for k in _SETTINGS if settings.get(k) is not None}
        turn = Turn(msgspec.json.encode(body), path="/v1/responses")
        self._running += 1
        return self._stage.play(turn, Work(delegation_id=delegation_id, is_announced=is_announced))

    # Client events

    def create_item(self, event: Json) -> Actions:
        """Add an item that only the backend has. Raises ValueError with an ApiError."""
        self._check_target(event)
        body = {"model": "", "input": [event["item"]]}
        if (error := parameters_of("POST", "/v1/responses").check(body, False)) is not None:
            raise ValueError(errors.move_place(error))
        self.items.append(event["item"])
        return []

    def create_response(self, event: Json) -> Actions:
        """Ask for a response, or continue one that waits. Raises ValueError with an ApiError."""
        self._check_target(event)
        if self._running:
            raise ValueError(errors.response_is_active())
        waiting, self._waiting = self._waiting, None
        return self.work(waiting, is_announced=True)

    def _check_target(self, event: Json) -> None:
        if self._state.target != "responses":
            raise ValueError(errors.needs_responses(str(event["type"])))

    # What it answers

    def _announce(self, work: Work, response_id: object = None) -> list[Json]:
        """Return the event that tells of a delegation, unless the client knows of it."""
        if work.is_announced or work.delegation_id is None:
            return []
        work.is_announced = True
        delegation = {"id": work.delegation_id, "type": "delegation", "target": "responses"}
        if isinstance(response_id, str):
            delegation["response_id"] = response_id
        offset_ms = self._state.frame_ms
        return [self._wire.build(DELEGATED, offset_ms=offset_ms, delegation=delegation)]

    def _say(self, turn: Turn, work: Work, event: Json) -> tuple[list[Json], Actions]:
        response, item = event.get("response"), event.get("item")
        id = response.get("id") if isinstance(response, Mapping) else None
        events = self._announce(work, id)
        if event.get("type") == "response.output_item.done" and isinstance(item, dict):
            work.output.append(item)
        members: Json = {"event": clear_snapshot(event)}
        if work.delegation_id is not None:
            members["delegation_id"] = work.delegation_id
        return [*events, self._wire.build("response.event", **members)], []

    def _finish(self, work: Work) -> Actions:
        """Let the model say what it has found out, unless that waits for a tool."""
        self._running -= 1
        calls = [item for item in work.output if item.get("type") in _CALLS]
        self.items += calls
        if calls:
            self._waiting = work.delegation_id
            return []
        text = _read_text(work.output)
        return self._speak(text) if text else []

    def _fail(self, turn: Turn, work: Work, error: Json) -> Actions:
        events = (msgspec.json.encode(event).decode() for event in self._announce(work))
        announced: Actions = [(0.0, Send(text, turn)) for text in events]
        return [*announced, *self._wire.fail(turn, work, error)]
