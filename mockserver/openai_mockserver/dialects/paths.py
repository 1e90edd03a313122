"""The paths at which a provider is found, and the dialect that a path means."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from openai_mockserver.dialects.registry import dialects, providers
from openai_mockserver.reply import ApiError

__all__ = ["Place", "locate", "provider_paths"]


class Place(NamedTuple):
    """Where a request goes.

    Args:
        path: the endpoint's path, as OpenAI has it.
        dialect: the one that the path tells.
        chosen: whether the path names the dialect, and does not merely look like its own.
        model: the one that the path names, as Azure's deployments do.
        error: what the provider answers instead.
        lacks_v1: whether the path is OpenAI's but for the ``/v1`` that a base URL ends in.
    """

    path: str
    dialect: str | None = None
    chosen: bool = False
    model: str | None = None
    error: ApiError | None = None
    lacks_v1: bool = False


@cache
def provider_paths() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each provider's own paths; ``path`` is what comes after OpenAI's ``/v1``."""
    return tuple(
        (re.compile(pattern), name) for provider in providers() for pattern, name in provider.PATHS
    )


def locate(path: str, query: str = "") -> Place:
    """Which endpoint a path means, and which dialect.

    The first segment may name a dialect, as in ``/groq/openai/v1/chat/completions``; else the path
    may be a provider's own. ``/openai/v1`` is Azure's and Groq's: Groq's only where it is chosen.
    After the name of a dialect ``/v1`` may be left out, as some providers do; elsewhere that is
    told.

    Args:
        path: the request's.
        query: its query, without the question mark.

    >>> locate("/openrouter/api/v1/chat/completions")[:3]
    ('/v1/chat/completions', 'openrouter', True)
    >>> place = locate("/openai/deployments/gpt-4o/chat/completions", "api-version=2024-10-21")
    >>> place.dialect, place.model
    ('azure', 'gpt-4o')
    >>> place = locate("/chat/completions")
    >>> place.path, place.dialect, place.lacks_v1
    ('/v1/chat/completions', None, True)
    """
    if path.startswith("/v1/"):
        return Place(path)
    first, _, rest = path[1:].partition("/")
    chosen = first if first in dialects() else None
    within = f"/{rest}" if chosen else path
    if chosen and within.startswith("/v1/"):
        return Place(within, chosen, True)
    for pattern, own in provider_paths():
        if found := pattern.fullmatch(within):
            parts = found.groupdict()
            place = Place(f"/v1/{parts['path']}", chosen or own, bool(chosen), parts.get("model"))
            dated = within.startswith("/openai/") and not within.startswith("/openai/v1/")
            if dated and "api-version=" not in query:
                return place._replace(error=ApiError(404, "Resource not found", code="404"))
            return place
    return Place(f"/v1{within}", chosen, chosen is not None, lacks_v1=chosen is None)
