"""How OpenAI's imitators differ: what a dialect is, and the paths at which one is found.

Rules of this file: data. The dialects themselves are in `openai_mockserver.api.manners`, which is
looked at when one is first asked for; `openai_mockserver.api.chunks` lays out what is said as they
tell.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from openai_mockserver.api import usage as usages
from openai_mockserver.api.ids import Aside
from openai_mockserver.api.layout import COMPACT, Style
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Event, Raw, Step

__all__ = ["PATHS", "Dialect", "Place", "dialects", "locate", "named"]

Kind = str
"""What a chunk says: a key of `manners.DELTAS`; one with ``role+`` opens, with ``+finish`` ends."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one provider speaks.

    Args:
        name: what `MockOpenAI` and base paths call it.
        layouts: of each kind of chunk.
        usage: the layout of its usage object.
        usage_chunk: whether usage has a chunk of its own: ``always``, ``never``, or when ``asked``
            for.
        role: where the role goes: in a chunk ``alone``, ``with`` the first that says something, or
            with a single tool ``call``.
        calls: whether tool calls come ``split`` after a header without arguments, with the
            ``first`` piece in it, or ``whole``.
        finish: whether the finish reason comes ``alone`` or ``with`` the last that is said.
        done: whether ``[DONE]`` ends the stream.
        eol: its line ends.
        field: what comes before an event's JSON.
        style: how it writes JSON.
        spaced: the kinds of chunks that are written with spaces although others are not.
        id, fingerprint: their forms; see `openai_mockserver.api.ids.form`.
        extra: what its own members say in a fresh response, by path.
        asides: comments and other chunks that a fresh response holds.
        padding: the member that is padded at random, and by which rule.
        body: the layout of the JSON answer.
        error: the layout of an error's JSON.
        errors: of those with this code or status, where it is another.
        error_event: the name of the event that carries an error mid-stream.
        headers: what it sends beside the content type, by which it is known.
        content_type: of its streams.
        mark: what its streams can be told by.
    """

    name: str
    layouts: Mapping[Kind, Any] = dataclasses.field(default_factory=dict)
    usage: Mapping[str, Any] = dataclasses.field(default_factory=lambda: usages.OPENAI)
    usage_chunk: str = "asked"
    role: str = "alone"
    calls: str = "split"
    finish: str = "alone"
    done: bool = True
    eol: str = "\n"
    field: str = "data: "
    style: Style = COMPACT
    spaced: frozenset[Kind] = frozenset()
    id: str = "chatcmpl-{uuid}"
    fingerprint: str | None = None
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    asides: tuple[Aside, ...] = ()
    padding: str | None = None
    body: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    error: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    errors: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    error_event: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "text/event-stream"
    mark: re.Pattern[str] | None = None

    def event(self, data: str, name: str | None = None) -> Step:
        """An event as it writes them."""
        if self.eol == "\n" and self.field == "data: ":
            return Event(data, name)
        lines = [f"event: {name}"] if name else []
        return Raw(self.eol.join([*lines, f"{self.field}{data}", "", ""]).encode(), 1)

    def layout(self, kind: Kind) -> Any:
        """The layout of a kind of chunk; a compound without its own has that of what it says."""
        found = self.layouts.get(kind)
        if found is None and kind.startswith("role+"):
            found = self.layout(kind.removeprefix("role+"))
        if found is None and kind.endswith("+finish"):
            found = self.layout(kind.removesuffix("+finish"))
        if found is None and "+" in kind:
            found = self.layout(kind.partition("+")[0])
        return found


@cache
def dialects() -> Mapping[str, Dialect]:
    """The dialects by name."""
    from openai_mockserver.api.manners import DIALECTS

    return DIALECTS


def named(name: str | Dialect | None) -> Dialect | None:
    """The dialect of this name; None for OpenAI's own.

    Raises MockServerError for a name that no dialect has.
    """
    if name is None or isinstance(name, Dialect):
        return name
    if name == "openai":
        return None
    if name not in dialects():
        known = ", ".join(dialects())
        raise MockServerError(f"dialect={name!r}: there is none of this name; there are {known}")
    return dialects()[name]


class Place(NamedTuple):
    """Where a request goes.

    Args:
        path: the endpoint's path, as OpenAI has it.
        dialect: the one that the path tells.
        chosen: whether the path names the dialect, and does not merely look like its own.
        model: the one that the path names, as Azure's deployments do.
        error: what the provider answers instead.
    """

    path: str
    dialect: str | None = None
    chosen: bool = False
    model: str | None = None
    error: ApiError | None = None


PATHS: tuple[tuple[str, str], ...] = (
    (r"/openai/deployments/(?P<model>[^/]+)/(?P<path>.+)", "azure"),
    (r"/openai/v1/(?P<path>.+)", "azure"),
    (r"/openai/(?P<path>.+)", "azure"),
    (r"/api/v1/(?P<path>.+)", "openrouter"),
    (r"/v1beta/openai/(?P<path>.+)", "gemini"),
    (r"/inference/v1/(?P<path>.+)", "fireworks"),
    (r"/api/paas/v4/(?P<path>.+)", "zai"),
    (r"/serving-endpoints/(?P<path>.+)", "databricks"),
    (r"/client/v4/accounts/[^/]+/ai/v1/(?P<path>.+)", "cloudflare"),
    (r"/api/v2/cortex/v1/(?P<path>.+)", "snowflake"),
    (r"/(?P<path>chat/completions)", "perplexity"),
)
"""Each provider's own paths; ``path`` is what comes after OpenAI's ``/v1``."""

_PATHS = tuple((re.compile(pattern), name) for pattern, name in PATHS)


def locate(path: str, query: str = "") -> Place:
    """Which endpoint a path means, and which dialect.

    The first segment may name a dialect, as in ``/groq/openai/v1/chat/completions``; else the path
    may be a provider's own. ``/openai/v1`` is Azure's and Groq's: Groq's only where it is chosen.

    Args:
        path: the request's.
        query: its query, without the question mark.

    >>> locate("/openrouter/api/v1/chat/completions")[:3]
    ('/v1/chat/completions', 'openrouter', True)
    >>> place = locate("/openai/deployments/gpt-4o/chat/completions", "api-version=2024-10-21")
    >>> place.dialect, place.model
    ('azure', 'gpt-4o')
    """
    if path.startswith("/v1/"):
        return Place(path)
    first, _, rest = path[1:].partition("/")
    chosen = first if first in dialects() else None
    within = f"/{rest}" if chosen else path
    if chosen and within.startswith("/v1/"):
        return Place(within, chosen, True)
    for pattern, own in _PATHS:
        if found := pattern.fullmatch(within):
            parts = found.groupdict()
            place = Place(f"/v1/{parts['path']}", chosen or own, bool(chosen), parts.get("model"))
            dated = within.startswith("/openai/") and not within.startswith("/openai/v1/")
            if dated and "api-version=" not in query:
                return place._replace(error=ApiError(404, "Resource not found", code="404"))
            return place
    return Place(within, chosen, chosen is not None)
