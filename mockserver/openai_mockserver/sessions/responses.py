"""A session of the Responses API: OpenAI's WebSocket mode.

Rules of this file: a `response.create` is answered like POST /v1/responses with ``stream``. Errors
have the codes, messages and members of OpenAI's guide to WebSocket mode. How a session works is
explained at the top of `openai_mockserver.sessions.session`.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec.json

from openai_mockserver.api import errors
from openai_mockserver.api.store import Store
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import SocketEvent
from openai_mockserver.sessions.cache import ResponseCache, TurnStore
from openai_mockserver.sessions.lanes import MOST_NAMED, Lanes
from openai_mockserver.sessions.messages import (
    Message,
    decode_object,
    list_messages,
    make_action,
)
from openai_mockserver.sessions.session import (
    Action,
    Answered,
    Ask,
    Close,
    Drop,
    Due,
    Ended,
    Expired,
    Happening,
    Opened,
    Received,
    Send,
    Turn,
)

__all__ = ["ResponsesSession"]

LIFETIME = 3600.0
"""Seconds after which a connection ends."""

MOST_WAITING = 256
"""How many turns may wait before no further event is read. OpenAI's own limit is not known."""

_STREAM_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_SUCCEEDED = ("response.completed", "response.incomplete")

Actions = list[tuple[float, Action]]


class ResponsesSession:
    """The state of one connection to /v1/responses."""

    def __init__(self) -> None:
        self._lanes = Lanes()
        self._cache = ResponseCache()
        self._stores: dict[Turn, TurnStore] = {}
        self._succeeded: set[Turn] = set()

    @property
    def is_full(self) -> bool:
        """Whether to read no further client event for now."""
        return self._lanes.waiting_count >= MOST_WAITING

    def feed(self, happening: Happening) -> Actions:
        """Return what to do, and after how many seconds."""
        match happening:
            case Opened():
                return [(LIFETIME, Expired())]
            case Received(message):
                return self._receive(message)
            case Answered(turn, script):
                return self._send(turn, list(list_messages(script, turn.stream_id)), script.end)
            case Ended(turn):
                return self._end(turn)
            case Due():
                return []  # a turn is sent as a whole
            case Expired():
                error = {
                    "type": "error",
                    "error": {
                        "type": "invalid_request_error",
                        "code": "websocket_connection_limit_reached",
                        "message": "Responses websocket connection limit reached (60 minutes). "
                        "Create a new websocket connection to continue.",
                    },
                    "status": 400,
                }
                return [(0.0, Send(msgspec.json.encode(error).decode())), (0.0, Close())]

    # Client events

    def _receive(self, message: str | bytes) -> Actions:
        """Return what to do about a message of the client."""
        body = message.encode() if isinstance(message, str) else message
        event = decode_object(message) if isinstance(message, str) else None
        if event is None:
            return _refuse(body, errors.invalid_json())
        if event.get("type") == "response.steer":
            return [(0.0, Send(_fail_steering(event)))]
        if event.get("type") != "response.create":
            return _refuse(body, _unknown_type(event.get("type")))
        stream_id = event.pop("stream_id", None)
        if stream_id is not None:
            if not isinstance(stream_id, str) or not _STREAM_ID.fullmatch(stream_id):
                return _refuse(body, _INVALID_STREAM_ID)
            if not self._lanes.admit(stream_id):
                return _refuse(body, _STREAM_LIMIT, stream_id)
        if event.get("background"):
            return _refuse(body, _NO_BACKGROUND, stream_id)
        return _ask(self._lanes.add(self._make_turn(event, stream_id)))

    def _make_turn(self, event: dict[str, Any], stream_id: str | None) -> Turn:
        """Return the turn that a `response.create` asks for."""
        del event["type"]
        reply = None
        if isinstance(event.get("generate"), bool):  # any other value is refused like over HTTP
            reply = None if event.pop("generate") else Reply(output=())
        body = msgspec.json.encode(event | {"stream": True})
        turn = Turn(body, stream_id, reply)

        def layer_store(base: Store) -> Store:
            store = self._stores[turn] = TurnStore(base, self._cache)
            return store

        turn.layer_store = layer_store
        return turn

    # Answers

    def _send(self, turn: Turn, messages: list[tuple[float, Message]], end: str) -> Actions:
        """Return how to send the messages of a turn."""
        actions: Actions = [(due, make_action(message, turn)) for due, message in messages]
        due = messages[-1][0] if messages else 0.0
        last = next((m for _, m in reversed(messages) if isinstance(m, str | SocketEvent)), "")
        last_event = decode_object(last if isinstance(last, str) else last.data)
        if last_event is not None and last_event.get("type") in _SUCCEEDED:
            self._succeeded.add(turn)
        if end == "hold":
            return actions
        if end in ("finish", "close"):
            actions.append((due, Ended(turn)))
        else:
            actions.append((due, Drop(turn, "reset" if end == "reset" else "truncate")))
        if end == "close":
            actions.append((due, Close()))
        return actions

    def _end(self, turn: Turn) -> Actions:
        """Remember or forget responses, and return which turns start."""
        store = self._stores.pop(turn, None)
        if turn in self._succeeded:
            self._succeeded.discard(turn)
            if store is not None:
                self._cache.keep(turn.stream_id, store)
        elif turn.error is None:
            previous = (decode_object(turn.body) or {}).get("previous_response_id")
            self._cache.forget(turn.stream_id, previous)
        return _ask(self._lanes.end(turn))


def _ask(turns: list[Turn]) -> Actions:
    return [(0.0, Ask(turn)) for turn in turns]


def _refuse(body: bytes, error: ApiError, stream_id: str | None = None) -> Actions:
    """Return how to refuse a client event, which waits in no lane."""
    return [(0.0, Ask(Turn(body, stream_id, error=error)))]


_INVALID_STREAM_ID = ApiError(
    400,
    "The 'stream_id' field must be a non-empty string with at most 256 characters and may only "
    "contain letters, numbers, underscores, hyphens, and periods.",
    code="invalid_stream_id",
    param="stream_id",
)
_STREAM_LIMIT = ApiError(
    400,
    "This WebSocket connection has reached its maximum number of distinct stream IDs "
    f"({MOST_NAMED}). Reuse an existing stream_id or open a new WebSocket connection.",
    code="websocket_stream_limit_reached",
    param="stream_id",
)
_NO_BACKGROUND = ApiError(
    400, "Background mode is not supported over WebSocket.", param="background"
)


def _unknown_type(type: object) -> ApiError:
    text = f"Invalid value: {type!r}. Supported values are: 'response.create'."
    return ApiError(400, text, code="invalid_value", param="type")


def _fail_steering(event: dict[str, Any]) -> str:
    """Return the event that gives the input of a `response.steer` back."""
    failed = {
        "type": "response.steer.failed",
        "error": {
            "code": "steering_not_supported",
            "message": "openai-mockserver does not support steering.",
            "type": "invalid_request_error",
        },
        "sequence_number": 0,
        "steer": {
            "input": event.get("input"),
            "previous_response_id": event.get("previous_response_id"),
        },
    }
    return msgspec.json.encode(failed).decode()
