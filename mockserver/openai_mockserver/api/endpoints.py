"""The table of all endpoints, and the reading of any response.

Rules of this file: chat completions are known at once; the others are imported when a request, or a
response, first needs them.
"""

from __future__ import annotations

from collections.abc import Iterable

from openai_mockserver.api import chat
from openai_mockserver.api.detection import detect_path
from openai_mockserver.api.endpoint import Endpoint
from openai_mockserver.api.routes import Routes
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Script

__all__ = ["ENDPOINTS", "read"]


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
        evals,
        images,
        models,
        moderations,
        operations,
        threads,
        uploads,
        vector_stores,
        videos,
    )

    special = (
        batches,
        conversations,
        embeddings,
        evals,
        images,
        models,
        moderations,
        threads,
        uploads,
        vector_stores,
        videos,
    )
    return operations.endpoints({k: v for module in special for k, v in module.ANSWERS.items()})


ENDPOINTS = Routes(chat.ENDPOINTS, _others, _resources)
"""The endpoints by path and method."""


def read(script: Script) -> Reply | ApiError:
    """What a response states, whichever endpoint it is of.

    Raises ReplyError for what is no response of a model.
    """
    endpoints, _ = ENDPOINTS.find(detect_path(script), "POST")
    return (endpoints["POST"].read or chat.read)(script)
