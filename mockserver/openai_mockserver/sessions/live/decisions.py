"""Decisions in a Live session: the items that are only for them, what is asked, and when.

Rules of this file: no I/O. Questions are answered as POST /v1/decisions would answer them. The
model asks if it delegates, the client with an event, and a trigger for each piece of a transcript.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api.live.events import DELEGATED, describe_error
from openai_mockserver.api.validation.parameters import parameters_of
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Script
from openai_mockserver.sessions.live import errors
from openai_mockserver.sessions.live.playing import Evaluation
from openai_mockserver.sessions.live.stage import Actions, Json, Role, Stage
from openai_mockserver.sessions.live.state import LiveState
from openai_mockserver.sessions.live.wire import Wire
from openai_mockserver.sessions.messages import Message
from openai_mockserver.sessions.session import Turn

__all__ = ["Decisions"]

MODEL = "gpt-6-luna"
"""The model that answers the questions of triggers (types/decision_create_params.py)."""

_QUESTION = {"type": "predicate", "instructions": "?"}


class Decisions:
    """The decisions of a session.

    Args:
        state: what the session knows.
        stage: where its turns are played.
        wire: writes events.
    """

    def __init__(self, state: LiveState, stage: Stage, wire: Wire) -> None:
        self._state, self._stage, self._wire = state, stage, wire
        self._items: dict[str, Json] = {}
        self._event_ids: set[str] = set()
        stage.add_role(Evaluation, Role(self._say, lambda _: [], wire.fail, _list_body))

    # Client events

    def create(self, event: Json) -> Actions:
        """Answer the questions of the delegation. Raises ValueError with an ApiError."""
        if self._state.target != "decisions":
            raise ValueError(errors.needs_decisions("decision.create"))
        if event["event_id"] in self._event_ids:
            raise ValueError(errors.used_id("event_id", event["event_id"]))
        self._event_ids.add(event["event_id"])
        id = self._wire.new_id("item")
        delegation = {"id": id, "type": "delegation", "target": "decisions"}
        members: Json = {"offset_ms": self._state.frame_ms, "delegation": delegation}
        return self._wire.send(DELEGATED, event, **members) + self.delegate(id)

    def create_item(self, event: Json) -> Actions:
        """Add an item that only decisions see. Raises ValueError with an ApiError."""
        item = event["item"]
        plain = {k: v for k, v in item.items() if k != "id"} if isinstance(item, Mapping) else item
        body = {"model": MODEL, "questions": [_QUESTION], "input": [plain]}
        if (error := parameters_of("POST", "/v1/decisions").check(body, False)) is not None:
            raise ValueError(errors.move_place(error))
        id = item.get("id")
        if id is not None and not (isinstance(id, str) and id):
            raise ValueError(errors.wrong_type("item.id", "a string that is not empty"))
        if id in self._items:
            raise ValueError(errors.used_id("item.id", id))
        kind = {"type": "message"} if "role" in item else {}
        added = {**kind, **item, "id": id or self._wire.new_id("item")}
        self._items[added["id"]] = added
        return self._wire.send("decision.item.created", event, item=added)

    def delete_item(self, event: Json) -> Actions:
        """Remove an item. Raises ValueError with an ApiError."""
        id = event["item_id"]
        if not isinstance(id, str) or id not in self._items:
            raise ValueError(errors.unknown_item(id))
        del self._items[id]
        return self._wire.send("decision.item.deleted", event, item_id=id)

    # What asks

    def delegate(self, id: str) -> Actions:
        """Return how to answer the questions of the delegation, given its id."""
        self._state.delegations.add(id)
        questions = self._state.config["delegation"]["decisions"]["questions"]
        return self._evaluate(questions, {"delegation_id": id})

    def fire(self, event: Json, message: Json) -> Actions:
        """Return how to answer the questions of the triggers for a piece of a transcript.

        Args:
            event: the event that carries it.
            message: the message that it belongs to, as far as it has been sent.
        """
        actions: Actions = []
        for trigger in self._state.config.get("triggers") or ():
            if trigger["event_type"] == event["type"]:
                origin = {
                    "delegation_id": None,
                    "source_event_id": event.get("event_id"),
                    "source_event_type": event["type"],
                    "trigger_id": self._wire.new_id("trigger"),
                }
                actions += self._evaluate(trigger["decisions"]["questions"], origin, message)
        return actions

    def _evaluate(self, questions: Any, origin: Json, *unfinished: Json) -> Actions:
        settings = (self._state.config.get("delegation") or {}).get("decisions") or {}
        messages = [
            {
                "type": "message",
                "role": item["role"],
                "content": "".join(part["text"] for part in item["content"]),
            }
            for item in (*self._state.items, *unfinished)
        ]
        items = [{k: v for k, v in one.items() if k != "id"} for one in self._items.values()]
        body = {
            "model": settings.get("model") or MODEL,
            "input": [*messages, *items],
            "questions": questions,
        }
        turn = Turn(msgspec.json.encode(body), path="/v1/decisions")
        return self._stage.play(turn, Evaluation(origin=origin))

    def _say(self, turn: Turn, evaluation: Evaluation, body: Json) -> tuple[list[Json], Actions]:
        if not _is_decision(body):
            text = "The answer of /v1/decisions is no decision."
            error = describe_error(ApiError(500, text, "server_error"))
            return [self._wire.build("error", error=error)], []
        completed = {"type": "decision.completed", "decision": body}
        return [self._wire.build("decision.event", event=completed, **evaluation.origin)], []


def _is_decision(body: Mapping[str, Any]) -> bool:
    """Whether a rule's answer has the members of a decision (types/decision.py)."""
    kinds = {"answers": list, "model": str, "usage": Mapping}
    return all(isinstance(body.get(name), kind) for name, kind in kinds.items())


def _list_body(script: Script) -> list[tuple[float, Message]]:
    """Return the body of a response that is no stream as one message."""
    return [(script.head.delay, sse.body(script.steps).decode(errors="replace"))]
