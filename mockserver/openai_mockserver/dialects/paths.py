"""The paths of each provider, and the endpoint and dialect of a path."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from openai_mockserver.dialects.registry import has_dialect, providers
from openai_mockserver.reply import ApiError

__all__ = ["Place", "locate", "provider_paths"]


class Place(NamedTuple):
    """The target of a request.

    Args:
        path: OpenAI's path of the endpoint.
        dialect: dialect of the path.
        is_named: whether the path names the dialect, instead of only resembling its paths.
        model: model in the path, as in Azure's deployments.
        error: error that the provider answers instead.
        lacks_v1: whether it is OpenAI's path without ``/v1``, which is missing in the base URL.
    """

    path: str
    dialect: str | None = None
    is_named: bool = False
    model: str | None = None
    error: ApiError | None = None
    lacks_v1: bool = False


@cache
def provider_paths() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the patterns of providers' own paths; the group ``path`` follows OpenAI's ``/v1``."""
    return tuple(
        (re.compile(pattern), name) for provider in providers() for pattern, name in provider.PATHS
    )


def locate(path: str, query: str = "") -> Place:
    """Return the endpoint and the dialect of a path.

    The first segment may name a dialect, as in ``/groq/openai/v1/chat/completions``. Otherwise the
    path may belong to a provider; ``/openai/v1``, which Azure and Groq both use, counts as Azure's.
    After the name of a dialect ``/v1`` may be missing, as with some providers; elsewhere a missing
    ``/v1`` sets ``lacks_v1``.

    Args:
        path: path of the request.
        query: query of the request, without the question mark.

    >>> locate("/groq+sorted/openai/v1/models")[:2]
    ('/v1/models', 'groq+sorted')
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
    dialect_name = first if has_dialect(first) else None
    within = f"/{rest}" if dialect_name else path
    if dialect_name and within.startswith("/v1/"):
        return Place(within, dialect_name, True)
    for pattern, owner in provider_paths():
        if match := pattern.fullmatch(within):
            parts = match.groupdict()
            name = dialect_name or owner
            place = Place(f"/v1/{parts['path']}", name, bool(dialect_name), parts.get("model"))
            has_version = within.startswith("/openai/") and not within.startswith("/openai/v1/")
            if has_version and "api-version=" not in query:
                return place._replace(error=ApiError(404, "Resource not found", code="404"))
            return place
    return Place(
        f"/v1{within}", dialect_name, dialect_name is not None, lacks_v1=dialect_name is None
    )
