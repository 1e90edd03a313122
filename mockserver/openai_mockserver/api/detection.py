"""Which endpoint a response is of, by the looks of its JSON.

Rules of this file: one table for all who ask: `read`, which reads any response, the player of
ready-made streams, and the drawing of recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from openai_mockserver import sse
from openai_mockserver.api.decode import decode_data
from openai_mockserver.script import Script

__all__ = ["CHAT", "LOOKS", "RESPONSES", "Look", "detect_path", "find_look"]


class Look(NamedTuple):
    """How a JSON object of an endpoint's responses looks.

    Args:
        name: the endpoint, for a person.
        path: where it is; None for one that is not served.
        matches: whether an object is one of its responses' or events', by the event's name and the
            object.
    """

    name: str
    path: str | None
    matches: Callable[[str, Mapping[str, Any]], bool]


def _has_type(prefix: str) -> Callable[[str, Mapping[str, Any]], bool]:
    return lambda event, value: str(value.get("type")).startswith(prefix)


def _has_choices_with(member: str) -> Callable[[str, Mapping[str, Any]], bool]:
    def matches(event: str, value: Mapping[str, Any]) -> bool:
        choices = value.get("choices")
        return isinstance(choices, list) and any(
            isinstance(choice, dict) and member in choice for choice in choices
        )

    return matches


def _is_response(event: str, value: Mapping[str, Any]) -> bool:
    return value.get("object") == "response" or str(value.get("type")).startswith("response.")


CHAT = "chat completions"
RESPONSES = "the Responses API"
_CHAT_PATH = "/v1/chat/completions"
_COMPLETIONS = ("legacy completions", "/v1/completions")

LOOKS = (
    Look(CHAT, _CHAT_PATH, lambda e, v: str(v.get("object")).startswith("chat.completion")),
    Look(*_COMPLETIONS, lambda e, v: v.get("object") == "text_completion"),
    Look(RESPONSES, "/v1/responses", _is_response),
    Look("audio transcriptions", "/v1/audio/transcriptions", _has_type("transcript.")),
    Look("audio speech", "/v1/audio/speech", _has_type("speech.")),
    Look("the Assistants API", None, lambda e, v: e.startswith("thread.")),
    Look("Anthropic's Messages API", None, lambda e, v: v.get("type") == "message_start"),
    # Servers that leave out ``object``.
    Look(CHAT, _CHAT_PATH, _has_choices_with("delta")),
    Look(CHAT, _CHAT_PATH, _has_choices_with("message")),
    Look(*_COMPLETIONS, _has_choices_with("text")),
)
"""The looks, in the order in which they are tried."""


def find_look(objects: Iterable[tuple[str, Mapping[str, Any]]]) -> Look | None:
    """The look of the first object that has one.

    Args:
        objects: the JSON objects of a response, each with the name of its event, or "".
    """
    for event, value in objects:
        for look in LOOKS:
            if look.matches(event, value):
                return look
    return None


def detect_path(script: Script, default: str = _CHAT_PATH) -> str:
    """The path of the endpoint that a response is of: that of chats if no other is recognised.

    Args:
        script: the response.
        default: the path if nothing is known, as of a body that broke off at once.
    """
    any_object = False

    def objects() -> Iterator[tuple[str, Mapping[str, Any]]]:
        nonlocal any_object
        for event, text in _texts(script):
            value = decode_data(text if isinstance(text, str) else text.decode("utf-8", "replace"))
            if isinstance(value, dict):
                any_object = True
                yield event, value

    look = find_look(objects())
    if look is None and not any_object:
        return default
    return _CHAT_PATH if look is None or look.path is None else look.path


def _texts(script: Script) -> Iterator[tuple[str, str | bytes]]:
    """The data of the events, read no further than is asked for; or the body that has none."""
    decoder, any_event = sse.Decoder(), False
    for step in script.steps:
        for event in decoder.feed(sse.encode(step)):
            any_event = True
            yield event.event or "", event.data
    if not any_event:
        yield "", sse.body(script.steps)
