"""OpenAI's endpoints. Each module renders a reply to its bytes and reads them back."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.api import chat
from mockserver.api.endpoint import Asked, Endpoint, Routes

__all__ = ["ENDPOINTS", "Asked", "Endpoint"]


def _resources() -> Iterator[Endpoint]:
    """The endpoints at which no model speaks, and what else the SDK knows."""
    from mockserver.api import (
        conversations,
        embeddings,
        images,
        models,
        moderations,
        resources,
        uploads,
        vector_stores,
    )

    special = (conversations, embeddings, images, models, moderations, uploads, vector_stores)
    return resources.endpoints({k: v for module in special for k, v in module.ANSWERS.items()})


ENDPOINTS = Routes([*chat.ENDPOINTS], _resources)
"""The endpoints by path and method."""
