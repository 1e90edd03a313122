"""A session of the Responses API: OpenAI's WebSocket mode.

Rules of this file: a `response.create` is answered like POST /v1/responses with ``stream``. Errors
have the codes, messages and members of OpenAI's guide to WebSocket mode. How a session works is
explained at the top of `openai_mockserver.sessions.session`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver.api import errors
from openai_mockserver.api.store import Store
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Script
from openai_mockserver.sessions.cache import ResponseCache, TurnStore
from openai_mockserver.sessions.lanes import MOST_NAMED, Lanes
from openai_mockserver.sessions.messages import (
    Message,
    add_stream_id,
    decode_object,
    end_turn,
    list_messages,
    make_action,
    read_error,
)
from openai_mockserver.sessions.running import RunningTurn
from openai_mockserver.sessions.session import (
    Action,
    Answered,
    Ask,
    Close,
    Due,
    Ended,
    Expired,
    Happening,
    Opened,
    Received,
    Send,
    Turn,
)
from openai_mockserver.sessions.steering import (
    MOST_PENDING,
    Steer,
    accept,
    fail,
    find_problem,
    hold,
    list_required_input,
    merge_input,
    supports_steering,
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
        self._running: dict[Turn, RunningTurn] = {}
        self._ended_ids: set[str] = set()
        # Accepted input that waits for the client's own, by the lane and the response.
        self._held: dict[tuple[str | None, object], list[Steer]] = {}
        self._used: dict[Turn, list[Steer]] = {}  # accepted input that a turn brings along
        self._automatic: set[Turn] = set()  # turns that no `response.create` asks for

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
                return self._begin(turn, script)
            case Due(turn):
                return self._continue(self._running[turn])
            case Ended(turn):
                return self._end(turn)
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
            return [(0.0, self._steer(event))]
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
        if steers := self._held.pop((stream_id, event.get("previous_response_id")), []):
            event["input"] = merge_input(steers, event.get("input"))
        reply = None
        if isinstance(event.get("generate"), bool):  # any other value is refused like over HTTP
            reply = None if event.pop("generate") else Reply(output=())
        body = msgspec.json.encode(event | {"stream": True})
        turn = Turn(body, stream_id, reply)

        def layer_store(base: Store) -> Store:
            store = self._stores[turn] = TurnStore(base, self._cache)
            return store

        turn.layer_store = layer_store
        if steers:
            self._used[turn] = steers
        return turn

    # Answers

    def _begin(self, turn: Turn, script: Script) -> Actions:
        """Begin to send what the mock has answered."""
        messages: Iterable[tuple[float, Message]] = list_messages(script, turn.stream_id)
        steers = self._used.pop(turn, [])
        if steers and script.head.status != 200:
            message = str(read_error(script).get("message") or "")
            returned = [(script.head.delay, _give_back(turn, one, message)) for one in steers]
            messages = returned if turn in self._automatic else [*messages, *returned]
        running = self._running[turn] = RunningTurn(turn, messages, script.end)
        if running.next_due is None:
            return self._finish(running)
        return [(running.next_due, running.due)]

    def _continue(self, running: RunningTurn) -> Actions:
        """Send the messages of a turn that are due, and return when the next ones are."""
        turn, now = running.turn, running.next_due or 0.0
        actions: Actions = [(0.0, make_action(one, turn)) for one in running.take_due()]
        if running.next_due is None:
            return actions + self._finish(running)
        actions.append((max(running.next_due - now, 0.0), running.due))
        return actions

    def _finish(self, running: RunningTurn) -> Actions:
        """Return what follows the last message of a turn."""
        turn, end = running.turn, running.end
        texts = self._settle_steers(running) if end in ("finish", "close") else ()
        return [*((0.0, Send(text, turn)) for text in texts), *end_turn(turn, end)]

    def _settle_steers(self, running: RunningTurn) -> Iterator[str]:
        """Yield the messages about accepted input that the response has not used."""
        if not running.steers or running.last_type is None:
            return
        if running.last_type not in _SUCCEEDED:
            for steer in running.steers:
                yield _give_back(running.turn, steer)
            running.steers = []
        elif required := list_required_input(running.response):
            self._held[running.turn.stream_id, running.response_id] = running.steers
            for steer in running.steers:
                yield running.add_event(hold(steer, running.next_number, required))
            running.steers = []

    def _end(self, turn: Turn) -> Actions:
        """Remember or forget responses, and return which turns start."""
        store = self._stores.pop(turn, None)
        running = self._running.pop(turn, None)
        self._automatic.discard(turn)
        if running is not None and running.response_id is not None:
            self._ended_ids.add(running.response_id)
        if running is not None and running.last_type in _SUCCEEDED:
            if store is not None:
                if running.is_cut:
                    store.change(running.response)
                self._cache.keep(turn.stream_id, store)
            if running.steers:
                return _ask([self._follow(running)])
        elif turn.error is None:
            previous = (decode_object(turn.body) or {}).get("previous_response_id")
            self._cache.forget(turn.stream_id, previous)
        return _ask(self._lanes.end(turn))

    # Steering

    def _steer(self, event: dict[str, Any]) -> Send:
        """Return the answer to a `response.steer`."""
        id, input = event.get("previous_response_id"), event.get("input")
        running = next((one for one in self._running.values() if one.response_id == id), None)
        if (problem := find_problem(event)) is not None:
            code, message = "invalid_input", problem
        else:
            code, message = self._find_refusal(running, id), ""
        if running is None:
            return Send(msgspec.json.encode(fail(code, input, id, message=message)).decode())
        if code:
            answer = fail(code, input, id, running.next_number, message)
        else:
            steer = Steer(_make_steer_id(str(id), running.next_number), str(id), input)
            answer = accept(steer, running.next_number)
            running.steers.append(steer)
        return Send(running.add_event(answer), running.turn)

    def _find_refusal(self, running: RunningTurn | None, id: object) -> str:
        """Return the code of the error for valid input; empty if it is accepted."""
        if running is None:
            return "response_already_completed" if id in self._ended_ids else "response_not_found"
        if running.last_type is not None:
            return "response_already_completed"
        if not supports_steering(decode_object(running.turn.body) or {}):
            return "steering_not_supported"
        return "too_many_pending_steers" if len(running.steers) >= MOST_PENDING else ""

    def _follow(self, running: RunningTurn) -> Turn:
        """Return the turn that continues a response with the accepted input."""
        request = decode_object(running.turn.body) or {}
        request |= {"type": "response.create", "previous_response_id": running.response_id}
        request["input"] = merge_input(running.steers)
        successor = self._make_turn(request, running.turn.stream_id)
        self._used[successor] = running.steers
        self._automatic.add(successor)
        self._lanes.follow(running.turn, successor)
        return successor


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
    text = f"Invalid value: {type!r}. Supported values are: 'response.create' and 'response.steer'."
    return ApiError(400, text, code="invalid_value", param="type")


def _make_steer_id(response_id: str, number: int) -> str:
    return f"steer_{Random(f'{response_id} {number}').getrandbits(128):032x}"


def _give_back(turn: Turn, steer: Steer, message: str = "") -> str:
    """Return the message that gives accepted input back, because no response can use it."""
    code = "successor_creation_failed"
    event = fail(code, steer.input, steer.response_id, message=message, id=steer.id)
    text = msgspec.json.encode(event).decode()
    return text if turn.stream_id is None else add_stream_id(text, turn.stream_id)
