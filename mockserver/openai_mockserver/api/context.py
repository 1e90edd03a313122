"""What a response depends on besides its reply.

Rules of this file: one value, the same for every endpoint at which a model speaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from msgspec import Struct

from openai_mockserver.dialects import Dialect, find_dialect

__all__ = ["Context", "context_of"]


class Context(Struct, frozen=True):
    """The circumstances in which a reply is rendered.

    Args:
        parameters: the request's parameters. If None, the endpoint assumes a request that streams
            the whole reply.
        dialect: the provider to imitate; None for OpenAI.
        history: the messages before those of the request.
        rng: the source of ids, obfuscation and header values.
        envelope: the response's ids and timestamps; if None, the endpoint makes a new one.
    """

    parameters: Mapping[str, Any] | None
    dialect: Dialect | None
    history: Iterable[Mapping[str, Any]]
    rng: Random
    envelope: Any = None


def context_of(
    request: Mapping[str, Any] | None = None,
    *,
    dialect: str | Dialect | None = None,
    history: Iterable[Mapping[str, Any]] = (),
    rng: Random | None = None,
    envelope: Any = None,
) -> Context:
    """Return the context of a rendering outside a server; arguments are those of `Context`.

    Raises MockServerError for an unknown dialect.
    """
    return Context(request, find_dialect(dialect), history, rng or Random(), envelope)
