"""``/v1/audio/speech``: a text as audio."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import sse, tokens
from openai_mockserver.api import headers
from openai_mockserver.api.audio import tones
from openai_mockserver.api.audio.transcriptions import PIECE, read, stream_response
from openai_mockserver.api.decode import DECODE_ERRORS, check_depth, explain_error
from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.store import Store
from openai_mockserver.reply import ApiError, Usage
from openai_mockserver.script import Head, Raw, Script

__all__ = ["Speech", "read_speech", "render_speech"]

# Speech


@dataclass(frozen=True, slots=True)
class Speech:
    """A text's sound.

    Args:
        data: the audio, in whatever format was asked for.
        usage: token counts, which only a stream of events states.
    """

    data: bytes
    usage: Usage = field(default_factory=Usage)


def render_speech(
    speech: Speech, request: Mapping[str, Any] | None = None, *, rng: Random | None = None
) -> Script:
    """The response that is this speech: its bytes, or events that hold them.

    Args:
        speech: the sound.
        request: the request's parameters; without one, it asks for events.
        rng: where ids come from.
    """
    rng = rng or Random()
    request = {"stream_format": "sse"} if request is None else request
    parts = [speech.data[at : at + PIECE] for at in range(0, len(speech.data), PIECE)]
    if request.get("stream_format") != "sse":
        mime = tones.MIME[request.get("response_format") or "mp3"]
        head = Head(200, headers.audio_headers(mime, None, rng))
        return Script(head, tuple(Raw(part, 0) for part in parts))
    usage = speech.usage
    stated = {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
    events: list[dict[str, Any]] = [
        {"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()} for part in parts
    ]
    return stream_response([*events, {"type": "speech.audio.done", "usage": stated}], True, rng)


def read_speech(script: Script) -> Speech | ApiError:
    """The speech that a response is, or the error it is instead.

    Raises:
        ReplyError: for events that are none of a speech.
    """
    body = sse.body(script.steps)
    if script.head.status >= 400:
        found = read(script)
        return found if isinstance(found, ApiError) else ApiError(script.head.status)
    if not script.is_stream:
        return Speech(body)
    data, usage = b"", Usage()
    for number, event in enumerate(sse.decode(body), 1):
        if event.data.startswith("[DONE]"):
            break
        try:
            value = msgspec.json.decode(event.data)
            check_depth(value, event.data)
            if value["type"] == "speech.audio.delta":
                data += base64.b64decode(value["audio"])
            elif value["type"] == "speech.audio.done":
                counts = value.get("usage") or {}
                names = ("input_tokens", "output_tokens", "total_tokens")
                usage = Usage(*(counts[name] for name in names if name in counts))
        except DECODE_ERRORS as error:
            what = f"event {number} is none of a speech"
            raise explain_error(what, error, event.data) from None
    return Speech(data, usage)


def speak_text(asked: Asked, store: Store, rng: Random) -> Script:
    """Sound as long as the text."""
    request = asked.parameters
    text, voice = request["input"], request["voice"]
    name = voice if isinstance(voice, str) else str(voice.get("id"))
    speed = request.get("speed") or 1.0
    data = tones.speak(text, request.get("response_format") or "mp3", name, speed)
    told = (text, request.get("instructions") or "")
    prompt = sum(tokens.count(one, request["model"]) for one in told)
    # As recorded: 82 tokens for 3 seconds.
    made = round(len(text) * tones.SECONDS / speed * 82 / 3)
    return render_speech(Speech(data, Usage(prompt, made)), request, rng=rng)
