"""OpenAI's endpoints. Each module renders a reply to its bytes and reads them back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.api import chat
from openai_mockserver.api.endpoint import Asked, Endpoint
from openai_mockserver.api.routes import Routes
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Script

__all__ = ["ENDPOINTS", "Asked", "Endpoint", "path_of", "read"]


def _others() -> Iterable[Endpoint]:
    """The other endpoints at which a model speaks."""
    from openai_mockserver.api import audio, completions, responses

    return (*responses.ENDPOINTS, *completions.ENDPOINTS, *audio.ENDPOINTS)


def _resources() -> Iterable[Endpoint]:
    """The endpoints at which no model speaks, and what else the SDK knows."""
    from openai_mockserver.api.resources import (
        batches,
        conversations,
        embeddings,
        images,
        models,
        moderations,
        operations,
        uploads,
        vector_stores,
    )

    special = (
        batches,
        conversations,
        embeddings,
        images,
        models,
        moderations,
        uploads,
        vector_stores,
    )
    return operations.endpoints({k: v for module in special for k, v in module.ANSWERS.items()})


ENDPOINTS = Routes(chat.ENDPOINTS, _others, _resources)
"""The endpoints by path and method."""

# How the first JSON of a response looks, by the path of the endpoint where a model speaks so.
_LOOKS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "/v1/responses": lambda said: (
        said.get("object") == "response" or str(said.get("type")).startswith("response.")
    ),
    "/v1/completions": lambda said: said.get("object") == "text_completion",
    "/v1/audio/transcriptions": lambda said: str(said.get("type")).startswith("transcript."),
}


def path_of(script: Script, default: str = chat.PATH) -> str:
    """The endpoint that a response comes from, by the looks of its first JSON.

    Args:
        script: the response.
        default: the endpoint where nothing is known, as of a body that broke off at once.
    """
    for text in _texts(script):
        try:
            said = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError):
            continue
        if isinstance(said, dict):
            return next((path for path, looks in _LOOKS.items() if looks(said)), chat.PATH)
    return default


def _texts(script: Script) -> Iterator[str | bytes]:
    """The data of the events, read no further than is asked for; or the body that has none."""
    decoder, any_event = sse.Decoder(), False
    for step in script.steps:
        for event in decoder.feed(sse.encode(step)):
            any_event = True
            yield event.data
    if not any_event:
        yield sse.body(script.steps)


def read(script: Script) -> Reply | ApiError:
    """What a response says, whichever endpoint it comes from.

    Raises ReplyError where it is no response of a model.
    """
    endpoints, _ = ENDPOINTS.find(path_of(script), "POST")
    reader = endpoints["POST"].read
    assert reader is not None
    return reader(script)
