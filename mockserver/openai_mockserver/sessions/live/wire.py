"""How a Live session writes its events.

Rules of this file: no I/O. The order of members is as recorded. An event that answers one of the
client's repeats its id (types/live/error_event.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec.json

from openai_mockserver.api.live.events import describe_error
from openai_mockserver.reply import ApiError
from openai_mockserver.sessions.live.stage import Actions, Json
from openai_mockserver.sessions.session import Send, Turn

__all__ = ["Wire"]


class Wire:
    """Writes the events of one connection.

    Args:
        new_id: generates ids by prefix.

    Attributes:
        new_id: generates ids by prefix.
    """

    def __init__(self, new_id: Callable[[str], str]) -> None:
        self.new_id = new_id

    def build(self, type: str, source: Mapping[str, Any] | None = None, /, **members: Any) -> Json:
        """Return a server event.

        Args:
            type: its type.
            source: the client event that it answers.
            members: its own members.
        """
        id = self.new_id("event")
        if "session" in members:  # recorded: only in these the id comes first
            built = {"event_id": id, "type": type, **members}
        else:
            built = {"type": type, **members, "event_id": id}
        return built | _repeat_id(source)

    def send(
        self,
        type: str,
        source: Mapping[str, Any] | None = None,
        turn: Turn | None = None,
        /,
        **members: Any,
    ) -> Actions:
        """Return how to send a server event, of a turn if it belongs to one; see `build`."""
        built = self.build(type, source, **members)
        return [(0.0, Send(msgspec.json.encode(built).decode(), turn))]

    def refuse(self, error: ApiError, source: Mapping[str, Any] | None = None) -> Actions:
        """Return how to refuse a client event."""
        shown = describe_error(error) | _repeat_id(source)
        return self.send("error", source, error=shown)

    def fail(self, turn: Turn, playing: object, error: Json) -> Actions:
        """Return how to show an error of the mock, such as that no rule answers.

        Args:
            turn: the turn.
            playing: its state.
            error: the error object of the response.
        """
        names = {"type": "server_error", "message": "The request has failed."}
        shown = names | {k: v for k, v in error.items() if isinstance(v, str)}
        shown = {k: shown[k] for k in ("type", "code", "message", "param") if k in shown}
        return self.send("error", None, turn, error={"code": shown["type"], **shown})


def _repeat_id(source: Mapping[str, Any] | None) -> Json:
    id = (source or {}).get("event_id")
    return {"client_event_id": id} if isinstance(id, str) else {}
