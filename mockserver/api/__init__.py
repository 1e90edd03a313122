"""OpenAI's endpoints. Each module renders a reply to its bytes and reads them back."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.api import chat
from mockserver.api.endpoint import Asked, Endpoint, Routes

__all__ = ["ENDPOINTS", "Asked", "Endpoint"]


def _resources() -> Iterator[Endpoint]:
    """The endpoints at which no model speaks, and what else the SDK knows."""
    from mockserver.api import (
        batches,
        conversations,
        embeddings,
        images,
        models,
        moderations,
        resources,
        uploads,
        vector_stores,
    )

    special = (
        *batches.ANSWERS.items(),
        *conversations.ANSWERS.items(),
        *embeddings.ANSWERS.items(),
        *images.ANSWERS.items(),
        *models.ANSWERS.items(),
        *moderations.ANSWERS.items(),
        *uploads.ANSWERS.items(),
        *vector_stores.ANSWERS.items(),
    )
    return resources.endpoints(dict(special))


ENDPOINTS = Routes([*chat.ENDPOINTS], _resources)
"""The endpoints by path and method."""
