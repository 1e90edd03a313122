"""A turn of a session as events: what the model says, in the form of agents.

Rules of this file: no I/O. The events of a turn are those of the response that answers it, under
other names and with the ids of session and turn; no recording shows their order. That of a turn
that answers with a text:

    agent.session.turn.created, agent.session.in_progress, agent.session.turn.in_progress
    agent.session.turn.item.added, for each message of the user
    agent.session.turn.item.added, …content_part.added, …output_text.delta, …output_text.done,
        …content_part.done, …item.done
    agent.session.turn.completed, agent.session.idle

A call of a function is added with its arguments, and done when the client has sent its result. The
turn waits until then, after ``agent.session.requires_action``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import seed
from openai_mockserver.api import ids
from openai_mockserver.api.agents.live import LoggedEvent, SessionLog
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Event, Pause, Script

__all__ = ["TurnWriter"]

Json = dict[str, Any]

_TURN = "agent.session.turn"

# Events of a response that a turn has too, and their members that stay.
_SAME: Mapping[str, tuple[str, ...]] = {
    "content_part.added": ("content_index", "item_id", "output_index", "part"),
    "content_part.done": ("content_index", "item_id", "output_index", "part"),
    "output_text.delta": ("content_index", "delta", "item_id", "output_index"),
    "output_text.done": ("content_index", "item_id", "output_index", "text"),
    "reasoning_summary_part.added": ("item_id", "output_index", "part", "summary_index"),
    "reasoning_summary_part.done": ("item_id", "output_index", "part", "summary_index"),
    "reasoning_summary_text.delta": ("delta", "item_id", "output_index", "summary_index"),
    "reasoning_summary_text.done": ("item_id", "output_index", "summary_index", "text"),
}
_STREAMED = ("message", "reasoning", "web_search_call")
"""Items that are added before they are done; a call of a function is added with its arguments."""


class TurnWriter:
    """Writes the events of a turn into the log of its session.

    Args:
        session: the session; it changes as the events say.
        turn: the turn, which does too.
        log: the log.
        add_item: stores a finished item.
        rng: random generator of ids.
    """

    def __init__(
        self,
        session: Json,
        turn: Json,
        log: SessionLog,
        add_item: Callable[[Json], None],
        rng: Random,
    ) -> None:
        self.session, self.turn, self._log = session, turn, log
        self._add_item, self._rng = add_item, rng
        self._pause = 0.0

    def _write(self, type_: str, is_last: bool = False, **members: Any) -> None:
        id = f"evt_{ids.letters(24, self._rng)}"
        value = {"type": type_, "event_id": id, **members}
        event = Event(msgspec.json.encode(value).decode(), event=type_)
        self._log.add(LoggedEvent(event, self._pause, is_last))
        self._pause = 0.0

    def _write_turn(self, name: str, **members: Any) -> None:
        ids_ = {"session_id": self.session["id"], "turn_id": self.turn["id"]}
        self._write(f"{_TURN}.{name}", **ids_, **members)

    def change_session(self, status: str, **changes: Any) -> None:
        """Change the status of the session."""
        self.session |= {"status": status, "last_active_at": seed.now(self._rng), **changes}
        is_last = status in ("idle", "failed")
        self._write(f"agent.session.{status}", is_last, session=self.session)

    def change_turn(self, status: str, **changes: Any) -> None:
        """Change the status of the turn."""
        self.turn |= {"status": status, **changes}
        self._write_turn(status, turn=self.turn)

    # Beginning and end

    def announce(self) -> None:
        """Write that the session was created."""
        self._write("agent.session.created", session=self.session)

    def begin(self) -> None:
        """Begin the turn."""
        self._write_turn("created", turn=self.turn)
        self.change_session("in_progress")
        self.change_turn("in_progress", started_at=seed.now(self._rng))

    def add_input(self, item: Json) -> None:
        """Add a message of the user, or the result of a function."""
        item = {**item, "turn_id": self.turn["id"], "status": "completed"}
        self._add_item(item)
        self._write_turn("item.added", item=item)

    def end(self, status: str, **changes: Any) -> None:
        """End the turn, and then the work of the session."""
        self.change_turn(status, completed_at=seed.now(self._rng), **changes)
        self.change_session("idle", required_actions=[])

    def finish_call(self, call: Json) -> None:
        """Note that a call of a function has its result."""
        call |= {"status": "completed"}
        self._add_item(call)
        self._write_turn("item.done", item=call, output_index=0)

    # What the model says

    def add(self, script: Script, error: ApiError | None, calls: list[Json]) -> None:
        """Write what the model says.

        Args:
            script: the stream of the response that answers the turn.
            error: the error, if the response is one.
            calls: the list to which calls of functions are added.
        """
        response: Json = {}
        for step in script.steps:
            if isinstance(step, Pause):
                self._pause += step.seconds
            elif isinstance(step, Event) and error is None:
                value = msgspec.json.decode(step.data)
                self._convert(value, calls)
                response = value.get("response") or response
        failure = response.get("error")
        if error is None and failure is None:
            usage = response.get("usage")
            if calls:
                self._wait(calls)
            else:
                self.end("completed", usage=usage and _convert_usage(usage))
            return
        message = str((failure or {}).get("message") or (error and error.message) or "")
        code = "rate_limit_exceeded" if error and error.status == 429 else "server_error"
        self.end("failed", error={"code": code, "message": message})

    def _wait(self, calls: list[Json]) -> None:
        """Let the turn wait for the results of functions."""
        self.turn |= {"status": "waiting"}
        actions = [
            {"type": "function_call", **{name: call[name] for name in _ACTION}} for call in calls
        ]
        self.change_session("requires_action", required_actions=actions)

    def _convert(self, value: Json, calls: list[Json]) -> None:
        """Write the event of a turn that an event of a response stands for, if there is one."""
        name = str(value.get("type")).removeprefix("response.")
        if name in _SAME:
            members = {member: value[member] for member in _SAME[name]}
            if isinstance(part := members.get("part"), dict):
                if part.get("type") not in ("output_text", "summary_text"):
                    return
                members["part"] = {"type": part["type"], "text": part["text"]}
            self._write_turn(name, **members)
        elif name in ("output_item.added", "output_item.done"):
            item, index = value["item"], value["output_index"]
            if item["type"] in _STREAMED:
                item = self._convert_item(item)
                self._write_turn(name.removeprefix("output_"), item=item, output_index=index)
                if name.endswith("done"):
                    self._add_item(item)
            elif item["type"] == "function_call" and name.endswith("done"):
                call = self._convert_call(item)
                calls.append(call)
                self._add_item(call)
                self._write_turn("item.added", item=call, output_index=index)

    def _convert_item(self, item: Json) -> Json:
        members = {"id": item["id"], "type": item["type"], "turn_id": self.turn["id"]}
        if item["type"] == "reasoning":
            return members | {"summary": item["summary"], "status": None}
        members["status"] = item.get("status") or "completed"
        if item["type"] == "web_search_call":
            return members | {"action": item.get("action")}
        parts = [part for part in item["content"] if part["type"] == "output_text"]
        content = [{"type": "output_text", "text": part["text"]} for part in parts]
        return members | {"role": "assistant", "content": content, "phase": item.get("phase")}

    def _convert_call(self, item: Json) -> Json:
        try:
            arguments = msgspec.json.decode(item["arguments"])
        except msgspec.DecodeError:
            arguments = item["arguments"]  # the model may say anything
        members = {"id": item["id"], "type": "function_call", "turn_id": self.turn["id"]}
        call = {"arguments": arguments, "call_id": item["call_id"], "name": item["name"]}
        return members | call | {"status": "in_progress"}


_ACTION = ("arguments", "call_id", "name", "turn_id")


def _convert_usage(usage: Mapping[str, Any]) -> Json:
    """Return the usage of a response without the members that a turn lacks."""
    return {
        "input_tokens": usage["input_tokens"],
        "input_tokens_details": {"cached_tokens": usage["input_tokens_details"]["cached_tokens"]},
        "output_tokens": usage["output_tokens"],
        "output_tokens_details": {
            "reasoning_tokens": usage["output_tokens_details"]["reasoning_tokens"]
        },
        "total_tokens": usage["total_tokens"],
    }
