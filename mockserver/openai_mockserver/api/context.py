"""Everything that a response depends on besides its reply.

Rules of this file: one value, the same for every endpoint that returns model output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from msgspec import Struct

from openai_mockserver.dialects import Dialect, find_dialect

__all__ = ["Context", "make_context"]


class Context(Struct, frozen=True):
    """The inputs of rendering besides the reply.

    Args:
        parameters: parameters of the request. If None, the endpoint assumes a request that streams
            the whole reply.
        dialect: the provider to imitate; None for OpenAI.
        history: the messages that precede those of the request.
        rng: the source of ids, obfuscation and header values.
        envelope: ids and timestamps of the response; if None, the endpoint creates new ones.
        cached_tokens: tokens of the prompt that were cached, for the usage that is counted.
    """

    parameters: Mapping[str, Any] | None
    dialect: Dialect | None
    history: Iterable[Mapping[str, Any]]
    rng: Random
    envelope: Any = None
    cached_tokens: int = 0


def make_context(
    request: Mapping[str, Any] | None = None,
    *,
    dialect: str | Dialect | None = None,
    history: Iterable[Mapping[str, Any]] = (),
    rng: Random | None = None,
    envelope: Any = None,
) -> Context:
    """Return a context for rendering outside a server. The arguments are those of `Context`.

    Raises:
        MockServerError: if the dialect is unknown.
    """
    return Context(request, find_dialect(dialect), history, rng or Random(), envelope)
