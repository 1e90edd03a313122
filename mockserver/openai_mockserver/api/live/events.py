"""What is said in a Live session, as events: transcripts, and the model's speech.

Rules of this file: no I/O. The order, the members and the steps of time are as recorded: the model
hears and speaks in frames of 200 ms, and its audio arrives in pieces of 100 ms. Times in a script
count from where it begins; the session adds that when it sends an event.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver.api.context import Context
from openai_mockserver.api.endpoint import Rendered
from openai_mockserver.api.realtime.events import make_ids
from openai_mockserver.api.realtime.sound import PCM, bytes_per_second, encode_speech
from openai_mockserver.dialects.realtime import OPENAI
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Message, Reasoning, Reply, Text, ToolCall
from openai_mockserver.reply.reply import Choice, check_servable
from openai_mockserver.script import Event, Head, Script

__all__ = [
    "DELEGATED",
    "FRAME_MS",
    "HEARD",
    "SOUND",
    "SPOKEN",
    "SpeechPlan",
    "compose_speech",
    "compose_transcript",
    "describe_error",
    "new_ids",
    "round_down",
]

Json = dict[str, Any]

FRAME_MS = 200
PIECE_MS = 100

HEARD = "session.input_transcript.delta"
SPOKEN = "session.output_transcript.delta"
SOUND = "session.output_audio.delta"
DELEGATED = "session.delegation.created"


def new_ids(rng: Random) -> Callable[[str], str]:
    """Return a function that generates an id, given its prefix."""
    return make_ids(OPENAI, rng)


def round_down(ms: float) -> int:
    """Return the start of the frame at a time, in milliseconds.

    >>> round_down(399.9)
    200
    """
    return int(ms) // FRAME_MS * FRAME_MS


@dataclass(frozen=True, slots=True)
class SpeechPlan:
    """What a session knows of the model's speech before the mock has answered.

    Args:
        format: the format of the audio.
        voice: the voice.
        target: who works on what the model delegates.
        shows_times: whether audio states its time, as on a sideband.
    """

    format: Mapping[str, Any] = field(default_factory=lambda: PCM)
    voice: str = "marin"
    target: str = "client"
    shows_times: bool = False


def describe_error(error: ApiError) -> Json:
    """Return an error as a Live session shows it; each has a code (types/live/error.py)."""
    shown = {"type": error.type, "code": error.code or error.type, "message": error.message}
    return shown if error.param is None else shown | {"param": error.param}


def compose_speech(reply: Reply | ApiError, context: Context, plan: SpeechPlan) -> Rendered:
    """Return what the model says as a script.

    A reply with tool calls delegates: what the work is does not show, so one event stands for all.

    Raises ReplyError for a reply that a Live session cannot have.
    """
    if isinstance(reply, ApiError):
        return _render([{"type": "error", "error": describe_error(reply)}], context.rng)
    events = list(_list_choice(_read_choice(reply), plan))
    if reply.error is not None:
        events.append({"type": "error", "error": describe_error(reply.error)})
    return _render(events, context.rng)


def _read_choice(reply: Reply) -> Choice:
    """Return the only choice of a reply. Raises ReplyError if a session cannot have it."""
    check_servable(reply, any_reason=True)
    if len(reply.choices) > 1:
        raise ReplyError(f"a Live answer has one choice; this reply has {len(reply.choices)}")
    (choice,) = reply.choices
    if choice.function_call is not None:
        raise ReplyError("a Live answer has no function_call; use tool_calls")
    for item in choice.output:
        if not isinstance(item, Message | ToolCall | Reasoning):
            raise ReplyError(f"a Live answer has no {item!r:.200}")
    return choice


def _list_choice(choice: Choice, plan: SpeechPlan) -> Iterator[Json]:
    """Yield the events of one choice: speech, and then what is delegated."""
    rate, start_ms = bytes_per_second(plan.format), 0.0
    if choice.audio is not None:
        for piece in choice.audio.transcript.pieces:
            yield _build_delta(SPOKEN, piece, 0, FRAME_MS)
        for piece in choice.audio.data.pieces:
            end_ms = start_ms + 1000 * (len(piece) * 3 // 4) / rate
            yield _build_sound(piece, start_ms, end_ms, plan)
            start_ms = end_ms
    texts = [item.text or item.refusal for item in choice.output if isinstance(item, Message)]
    for text in filter(None, texts):
        sound = encode_speech(str(text), plan.format, plan.voice, 1.0)
        yield from _interleave(text, sound, start_ms, plan)
        start_ms += 1000 * len(sound) / rate
    if any(isinstance(item, ToolCall) for item in choice.output):
        yield {
            "type": DELEGATED,
            "offset_ms": round_down(start_ms),
            "delegation": {"id": "", "type": "delegation", "target": plan.target},
        }


def _interleave(text: Text, sound: bytes, start_ms: float, plan: SpeechPlan) -> Iterator[Json]:
    """Yield each piece of a text, followed by its sound in pieces of 100 ms."""
    rate = bytes_per_second(plan.format)
    size = rate * PIECE_MS // 1000
    length, sent, spoken = max(1, len(text)), 0, 0
    for piece in text.pieces:
        begin = start_ms + 1000 * len(sound) * spoken / length / rate
        spoken += len(piece)
        end = start_ms + 1000 * len(sound) * spoken / length / rate
        if piece:
            yield _build_delta(SPOKEN, piece, begin, end)
        until = len(sound) * spoken // length if spoken < len(text) else len(sound)
        while sent < len(sound) and (sent + size <= until or spoken >= len(text)):
            data = base64.b64encode(sound[sent : sent + size]).decode()
            end_ms = start_ms + 1000 * min(len(sound), sent + size) / rate
            yield _build_sound(data, start_ms + 1000 * sent / rate, end_ms, plan)
            sent += size


def _build_sound(delta: str, start_ms: float, end_ms: float, plan: SpeechPlan) -> Json:
    times = {"start_ms": int(start_ms), "end_ms": int(end_ms)} if plan.shows_times else {}
    return {"type": SOUND, "delta": delta, **times}


def _build_delta(type: str, piece: str, begin: float, end: float) -> Json:
    start = round_down(begin)
    end_ms = max(start + FRAME_MS, round_down(end))
    return {"type": type, "start_ms": start, "end_ms": end_ms, "delta": piece}


def compose_transcript(
    reply: Reply | ApiError, rng: Random, start_ms: float, end_ms: float
) -> Rendered:
    """Return what the user has said as a script.

    Args:
        reply: its text; or why it cannot be said.
        rng: source of ids.
        start_ms, end_ms: when it was said, in milliseconds of the session.

    Raises ReplyError for a reply without text.
    """
    if isinstance(reply, ApiError):
        return _render([{"type": "error", "error": describe_error(reply)}], rng)
    if reply.text is None:
        raise ReplyError("a transcript is text; this reply has none")
    return _render(list(_list_heard(reply.text, start_ms, end_ms)), rng)


def _list_heard(text: Text, start_ms: float, end_ms: float) -> Iterator[Json]:
    """Yield the pieces of what the user has said, spread evenly over its time."""
    position, pace = 0, (end_ms - start_ms) / max(1, len(text))  # milliseconds per character
    for piece in filter(None, text.pieces):
        begin = start_ms + pace * position
        position += len(piece)
        yield _build_delta(HEARD, piece, begin, start_ms + pace * position)


def _render(events: list[Json], rng: Random) -> Rendered:
    """Return a script of events; all but audio have an id, at their end."""
    new_id = new_ids(rng)
    for event in events:
        if event["type"] == DELEGATED:
            event["delegation"]["id"] = new_id("item")
        if event["type"] != SOUND:
            event["event_id"] = new_id("event")
    data = [msgspec.json.encode(event).decode() for event in events]
    return Rendered(Script(Head(), tuple(map(Event, data))))
