"""The table of all endpoints, and a reader for the response of any of them.

Rules of this file: chat completions are imported eagerly; the other endpoints when a request or a
response first needs them.
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


def _load_model_endpoints() -> Iterable[Endpoint]:
    """Import and return the other endpoints that return model output."""
    from openai_mockserver.api import audio, completions, responses

    return (*responses.ENDPOINTS, *completions.ENDPOINTS, *audio.ENDPOINTS)


def _load_resources() -> Iterable[Endpoint]:
    """Import and return the endpoints without model output: all others that the SDK has."""
    from openai_mockserver.api import agents, assistants
    from openai_mockserver.api.live import sessions as live_sessions
    from openai_mockserver.api.realtime import calls
    from openai_mockserver.api.resources import (
        batches,
        conversations,
        decisions,
        embeddings,
        evals,
        fine_tuning,
        images,
        models,
        moderations,
        operations,
        uploads,
        vector_stores,
        videos,
        webhook_endpoints,
    )

    special = (
        agents,
        assistants,
        batches,
        conversations,
        decisions,
        embeddings,
        evals,
        fine_tuning,
        images,
        models,
        moderations,
        uploads,
        vector_stores,
        videos,
        webhook_endpoints,
        calls,
        live_sessions,
    )
    answers = {k: v for module in special for k, v in module.ANSWERS.items()}
    sockets = (*calls.ENDPOINTS, *live_sessions.ENDPOINTS)
    return (*sockets, *operations.endpoints(answers))


ENDPOINTS = Routes(chat.ENDPOINTS, _load_model_endpoints, _load_resources)
"""All endpoints, by path and method."""


def read(script: Script) -> Reply | ApiError:
    """Return the reply or error that a response contains, whatever its endpoint.

    Raises:
        ReplyError: if the script is not a response with model output.
    """
    endpoints, _ = ENDPOINTS.find(detect_path(script), "POST")
    return (endpoints["POST"].read or chat.read)(script)
