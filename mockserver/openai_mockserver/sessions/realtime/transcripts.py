"""Transcripts of what the user says: the events that carry them.

Rules of this file: no I/O. A rule for ``audio/transcriptions`` says what the user has said; without
one, the transcript is generated from the audio.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver.api.audio.transcriptions import generate_transcript
from openai_mockserver.api.context import Context
from openai_mockserver.api.endpoint import Endpoint, EndpointRequest, Rendered
from openai_mockserver.api.ids import Padding
from openai_mockserver.api.realtime.events import make_ids, present_event
from openai_mockserver.api.store import Store
from openai_mockserver.dialects.realtime import RealtimeFormat
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Reply, Text
from openai_mockserver.script import Event, Head, Script
from openai_mockserver.sessions.session import Turn

__all__ = ["COMPLETED", "make_transcript_turn"]

PATH = "/v1/audio/transcriptions"
_NAME = "conversation.item.input_audio_transcription"
COMPLETED = f"{_NAME}.completed"


def make_transcript_turn(
    item_id: str, audio: bytes, seconds: float, config: dict[str, Any], form: RealtimeFormat
) -> Turn:
    """Return the turn that asks what the user has said.

    Args:
        item_id: the item with the audio.
        audio: the audio.
        seconds: its length.
        config: how the session transcribes.
        form: the provider's format.
    """
    model = str(config.get("model") or "whisper-1")
    body = {"model": model, "item_id": item_id, "seconds": round(seconds, 3)}

    def render(reply: Reply | ApiError, context: Context) -> Rendered:
        return _render(reply, context.rng, item_id, model, seconds, form)

    def answer(request: EndpointRequest, store: Store, rng: Random) -> Script:
        reply = Reply(generate_transcript(audio, seconds))
        return _render(reply, rng, item_id, model, seconds, form).script

    endpoint = Endpoint(path=PATH, answer=answer)
    return Turn(msgspec.json.encode(body), path=PATH, endpoint=endpoint, render=render)


def _render(
    reply: Reply | ApiError,
    rng: Random,
    item_id: str,
    model: str,
    seconds: float,
    form: RealtimeFormat,
) -> Rendered:
    place = {"item_id": item_id, "content_index": 0}
    if isinstance(reply, ApiError):
        error = {"type": reply.type, "code": reply.code, "message": reply.message}
        error["param"] = reply.param
        events = [{"type": f"{_NAME}.failed", **place, "error": error}]
    elif reply.text is None:
        raise ReplyError("a transcript is text; this reply has none")
    else:
        events = _list_events(reply.text, rng, place, model, seconds, form)
    new_id: Callable[[str], str] = make_ids(form, rng)
    shown = [present_event(event, form, new_id("event")) for event in events]
    data = [msgspec.json.encode(event).decode() for event in shown if event is not None]
    return Rendered(Script(Head(), tuple(map(Event, data))))


def _list_events(
    text: Text, rng: Random, place: dict[str, Any], model: str, seconds: float, form: RealtimeFormat
) -> list[dict[str, Any]]:
    padding = Padding(rng.getrandbits(2)) if form.has_obfuscation else None
    events: list[dict[str, Any]] = []
    for piece in text.pieces:
        event = {"type": f"{_NAME}.delta", **place, "delta": piece}
        if padding is not None:
            event["obfuscation"] = padding.letters(16 - len(piece) % 16)
        events.append(event)
    usage: dict[str, Any] = {"type": "duration", "seconds": math.ceil(seconds)}
    if "whisper" not in model:
        audio_tokens, written = int(10 * seconds), text.tokens + 2
        usage = {
            "type": "tokens",
            "total_tokens": audio_tokens + written,
            "input_tokens": audio_tokens,
            "input_token_details": {"text_tokens": 0, "audio_tokens": audio_tokens},
            "output_tokens": written,
        }
    # Recorded: deltas may begin with a space, the whole text does not.
    return [*events, {"type": COMPLETED, **place, "transcript": text.strip(), "usage": usage}]
