"""The script of a response as messages: its events without the event-stream format.

Rules of this file: pure functions. A message is the data of an event, and an error that comes
before a stream is an `error` event with its status.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api.responses.renderer import rebuild_stream
from openai_mockserver.script import (
    End,
    Event,
    Pause,
    Script,
    SocketClose,
    SocketEvent,
    SocketMute,
)
from openai_mockserver.sessions.framing import encode_event
from openai_mockserver.sessions.session import (
    Action,
    Close,
    Drop,
    Ended,
    Mute,
    Send,
    SendFrames,
    Turn,
)

__all__ = [
    "Message",
    "add_stream_id",
    "decode_object",
    "end_turn",
    "list_data",
    "list_messages",
    "make_action",
    "read_error",
]

_FIRST = ("type", "code", "message", "param")
"""The members of an error that come first, in the order of OpenAI's guide to WebSocket mode."""


_USUAL_EVENT = re.compile(rb"(?:event: [^\r\n]+\n)?data: ([^\r\n]*)\n\n")

Message = str | SocketEvent | SocketClose | SocketMute
"""A text message, or what a fault has made of it or put after it."""


def list_messages(script: Script, stream_id: str | None) -> Iterator[tuple[float, Message]]:
    """Yield the messages of a response, each with the seconds after which it is due.

    Args:
        script: the response, as POST /v1/responses would send it.
        stream_id: the lane, which each message names; None for the default lane.
    """
    stream = script if script.is_stream else _read_response(script)
    if stream is None or script.head.status != 200:
        yield script.head.delay, _encode_error(script, stream_id)
        return
    for due, message in list_data(stream):
        yield due, message if stream_id is None else _add_stream_id(message, stream_id)


def list_data(script: Script) -> Iterator[tuple[float, Message]]:
    """Yield the messages of a stream, with the seconds after which each is due.

    They are the data of its events, and the steps that only a WebSocket sends.
    """
    decoder = sse.Decoder()  # for events that are raw bytes, or spread over several steps
    if script.lazy is not None:  # no event need become an object
        for frame in script.lazy.frames(script.head.delay):
            data = _read_data(frame.data)
            for text in [e.data for e in decoder.feed(frame.data)] if data is None else [data]:
                if text != sse.DONE.data:
                    yield frame.due, text
        return
    due = script.head.delay
    for step in script.steps:
        if isinstance(step, Pause):
            due += step.seconds
            continue
        if isinstance(step, SocketEvent | SocketClose | SocketMute):
            yield due, step
            continue
        events = [step] if isinstance(step, Event) else decoder.feed(sse.encode(step))
        for event in events:
            if event != sse.DONE:
                yield due, event.data


def _read_data(block: bytes) -> str | None:
    """Return the data of an event in the usual spelling, without the cost of a decoder.

    Args:
        block: the bytes of a single step.

    Returns:
        None if they are anything but a type, if any, one line of data and a blank line.
    """
    match = _USUAL_EVENT.fullmatch(block)
    return None if match is None else match[1].decode("utf-8", "replace")


def make_action(message: Message, turn: Turn | None) -> Action:
    """Return how to send a message of a turn."""
    match message:
        case str():
            return Send(message, turn)
        case SocketEvent():
            return SendFrames(encode_event(message), turn)
        case SocketClose():
            return Close(message.code, message.reason)
        case SocketMute():
            return Mute()


def end_turn(turn: Turn, end: End) -> list[tuple[float, Action]]:
    """Return what follows the last message of a turn.

    Args:
        turn: the turn.
        end: how its script ends.
    """
    if end == "hold":
        return []
    if end not in ("finish", "close"):
        return [(0.0, Drop(turn, "reset" if end == "reset" else "truncate"))]
    return [(0.0, Ended(turn)), *([(0.0, Close())] if end == "close" else [])]


def _add_stream_id(message: Message, stream_id: str) -> Message:
    if isinstance(message, SocketEvent):
        return replace(message, data=add_stream_id(message.data, stream_id))
    return add_stream_id(message, stream_id) if isinstance(message, str) else message


def add_stream_id(data: str, stream_id: str) -> str:
    """Return the JSON of an event with the name of its lane."""
    # A lane's name needs no escaping. What is no object, because of a fault, stays as it is.
    return f'{data[:-1]},"stream_id":"{stream_id}"}}' if data.endswith("}") else data


def _read_response(script: Script) -> Script | None:
    """Return the stream of a response that a rule gives as a JSON object; None if it is none."""
    response = decode_object(sse.body(script.steps))
    if response is None or response.get("object") != "response":
        return None
    stream = rebuild_stream(response, Random(str(response.get("id"))))
    return Script(script.head, stream.steps, script.end)


def _encode_error(script: Script, stream_id: str | None) -> str:
    """Return the `error` event for the response of a request that was refused."""
    error = read_error(script)
    names = [*_FIRST, *(name for name in error if name not in _FIRST)]
    event = {
        "type": "error",
        "status": script.head.status,
        **({} if stream_id is None else {"stream_id": stream_id}),
        "error": {name: error[name] for name in names if error.get(name) is not None},
    }
    return msgspec.json.encode(event).decode()


def read_error(script: Script) -> dict[str, Any]:
    """Return the error object of a response; one that contains none becomes the message."""
    body = sse.body(script.steps)
    error = (decode_object(body) or {}).get("error")
    if isinstance(error, dict):
        return error
    text = error if isinstance(error, str) else body.decode(errors="replace")
    return {"type": "server_error", "message": text}


def decode_object(text: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object in a text; None if there is none."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
