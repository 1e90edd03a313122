"""Detection of the endpoint that a response comes from, by its JSON.

Rules of this file: one table for all callers: `read`, which reads any response, the player of
ready-made streams, and the command that shows recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from openai_mockserver import sse
from openai_mockserver.api.decode import decode_data
from openai_mockserver.script import Script

__all__ = ["CHAT", "LOOKS", "RESPONSES", "Look", "detect_path", "find_look"]


class Look(NamedTuple):
    """How to recognise the JSON objects in an endpoint's responses.

    Args:
        name: name of the endpoint in messages.
        path: path of the endpoint; None if this server does not have it.
        matches: whether an object belongs to the endpoint, given the event's name and the object.
    """

    name: str
    path: str | None
    matches: Callable[[str, Mapping[str, Any]], bool]


def _starts_with(member: str, prefix: str) -> Callable[[str, Mapping[str, Any]], bool]:
    return lambda event, value: str(value.get(member)).startswith(prefix)


def _has_choices_with(member: str) -> Callable[[str, Mapping[str, Any]], bool]:
    def matches(event: str, value: Mapping[str, Any]) -> bool:
        choices = value.get("choices")
        return isinstance(choices, list) and any(
            isinstance(choice, dict) and member in choice for choice in choices
        )

    return matches


def _is_realtime(event: str, value: Mapping[str, Any]) -> bool:
    response = value.get("response")
    return isinstance(response, dict) and response.get("object") == "realtime.response"


def _is_response(event: str, value: Mapping[str, Any]) -> bool:
    return value.get("object") == "response" or str(value.get("type")).startswith("response.")


def _is_live(event: str, value: Mapping[str, Any]) -> bool:
    names = ("session.input_transcript", "session.output_", "session.delegation.")
    # The translations of the Realtime API have the same names, but another clock.
    return str(value.get("type")).startswith(names) and "elapsed_ms" not in value


CHAT = "chat completions"
RESPONSES = "the Responses API"
_CHAT_PATH = "/v1/chat/completions"
_COMPLETIONS = ("legacy completions", "/v1/completions")

LOOKS = (
    Look(CHAT, _CHAT_PATH, _starts_with("object", "chat.completion")),
    Look(*_COMPLETIONS, lambda e, v: v.get("object") == "text_completion"),
    Look("the Realtime API", "/v1/realtime", _is_realtime),
    Look(RESPONSES, "/v1/responses", _is_response),
    Look("the Live API", "/v1/live/sessions", _is_live),
    Look("audio transcriptions", "/v1/audio/transcriptions", _starts_with("type", "transcript.")),
    Look("audio speech", "/v1/audio/speech", _starts_with("type", "speech.")),
    Look("the Assistants API", None, lambda e, v: e.startswith("thread.")),
    Look("Anthropic's Messages API", None, lambda e, v: v.get("type") == "message_start"),
    # Servers that omit ``object``.
    Look(CHAT, _CHAT_PATH, _has_choices_with("delta")),
    Look(CHAT, _CHAT_PATH, _has_choices_with("message")),
    Look(*_COMPLETIONS, _has_choices_with("text")),
)
"""The looks, in the order in which they are tried; the first match wins."""


def find_look(objects: Iterable[tuple[str, Mapping[str, Any]]]) -> Look | None:
    """Return the look of the first object that any look matches; None if there is no match.

    Args:
        objects: the JSON objects of a response, each with the name of its event ("" if none).
    """
    for event, value in objects:
        for look in LOOKS:
            if look.matches(event, value):
                return look
    return None


def detect_path(script: Script, default: str = _CHAT_PATH) -> str:
    """Return the path of the endpoint that a response comes from.

    This is the path of chat completions if no look matches.

    Args:
        script: the response.
        default: the path if the response contains no JSON object, as after an immediate disconnect.
    """
    any_object = False

    def objects() -> Iterator[tuple[str, Mapping[str, Any]]]:
        nonlocal any_object
        for event, text in _event_data(script):
            value = decode_data(text if isinstance(text, str) else text.decode("utf-8", "replace"))
            if isinstance(value, dict):
                any_object = True
                yield event, value

    look = find_look(objects())
    if look is None and not any_object:
        return default
    return _CHAT_PATH if look is None or look.path is None else look.path


def _event_data(script: Script) -> Iterator[tuple[str, str | bytes]]:
    """Return name and data of each event, lazily; the whole body if there are no events."""
    decoder, any_event = sse.Decoder(), False
    for step in script.steps:
        for event in decoder.feed(sse.encode(step)):
            any_event = True
            yield event.event or "", event.data
    if not any_event:
        yield "", sse.body(script.steps)
