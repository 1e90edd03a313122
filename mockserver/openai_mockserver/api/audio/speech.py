"""``/v1/audio/speech``: render text as audio, and read it back."""

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
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.store import Store
from openai_mockserver.reply import ApiError, Usage
from openai_mockserver.script import Head, Raw, Script

__all__ = ["Speech", "read_speech", "render_speech"]


@dataclass(frozen=True, slots=True)
class Speech:
    """The audio of a text.

    Args:
        data: the audio, in the format that the request names.
        usage: token counts; only a stream of events states them.
    """

    data: bytes
    usage: Usage = field(default_factory=Usage)


def render_speech(
    speech: Speech, request: Mapping[str, Any] | None = None, *, rng: Random | None = None
) -> Script:
    """Return the response with this speech, as bytes or as events that hold them.

    Args:
        speech: the audio.
        request: the parameters of the request; by default, a request for events.
        rng: random generator of ids.
    """
    rng = rng or Random()
    request = {"stream_format": "sse"} if request is None else request
    parts = [speech.data[start : start + PIECE] for start in range(0, len(speech.data), PIECE)]
    if request.get("stream_format") != "sse":
        mime = tones.MIME[request.get("response_format") or "mp3"]
        head = Head(200, headers.audio_headers(mime, None, rng))
        return Script(head, tuple(Raw(part, 0) for part in parts))
    usage = speech.usage
    counts = {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
    events: list[dict[str, Any]] = [
        {"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()} for part in parts
    ]
    return stream_response([*events, {"type": "speech.audio.done", "usage": counts}], True, rng)


def read_speech(script: Script) -> Speech | ApiError:
    """Return the speech that a response holds, or the error that it is instead.

    Raises:
        ReplyError: for events that are not those of a speech.
    """
    body = sse.body(script.steps)
    if script.head.status >= 400:
        error_reply = read(script)
        return error_reply if isinstance(error_reply, ApiError) else ApiError(script.head.status)
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
            problem = f"event {number} is not a valid event of a speech"
            raise explain_error(problem, error, event.data) from None
    return Speech(data, usage)


def speak_text(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return generated audio, as long as the text takes to say."""
    parameters = request.parameters
    text, voice = parameters["input"], parameters["voice"]
    name = voice if isinstance(voice, str) else str(voice.get("id"))
    speed = parameters.get("speed") or 1.0
    data = tones.speak(text, parameters.get("response_format") or "mp3", name, speed)
    prompts = (text, parameters.get("instructions") or "")
    prompt_tokens = sum(tokens.count(prompt, parameters["model"]) for prompt in prompts)
    # As recorded: 82 tokens for 3 seconds.
    audio_tokens = round(len(text) * tones.SECONDS / speed * 82 / 3)
    return render_speech(Speech(data, Usage(prompt_tokens, audio_tokens)), parameters, rng=rng)
