"""What a response states of itself, apart from its output: ids, times, the echoed request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from openai_mockserver import models, seed
from openai_mockserver.api import ids
from openai_mockserver.dialects import Dialect
from openai_mockserver.dialects.providers.openai import RESPONSES
from openai_mockserver.dialects.responses import ResponsesFormat

__all__ = ["Envelope", "as_begun"]

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a response is incomplete, by finish reason."""

# What a response says of itself where the request says nothing, in the order of WIRE.md §3.
_DEFAULTS: dict[str, Any] = {
    "id": "",
    "object": "response",
    "created_at": 0,
    "status": "in_progress",
    "background": False,
    "completed_at": None,
    "error": None,
    "frequency_penalty": 0.0,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "model": "",
    "moderation": None,
    "output": [],
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "auto",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}


OPENING = ("created", "in_progress")
"""The events that begin a response which is made at once."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a response says of itself, and how it is written.

    Args:
        id: the response's.
        created, completed: seconds since 1970.
        template: all members of the response in their order, as it begins.
        new_id: makes the ids of its items.
        service_tier: the one that served it in the end.
        ends: members that it has at its end and not at its beginning.
        form: how it is written.
        opening: the events it begins with.
        starting_after: how many events are left out, being known already, less one.
        comments: what is said before the first event, to keep the connection alive.
        noise: the number of the `ids.Padding` that pads its deltas.
    """

    id: str
    created: float
    completed: float
    template: Mapping[str, Any]
    new_id: Callable[[str], str]
    service_tier: str | None = "default"
    ends: Mapping[str, Any] = field(default_factory=dict)
    form: ResponsesFormat = RESPONSES["now"]
    opening: tuple[str, ...] = OPENING
    starting_after: int = -1
    comments: tuple[str, ...] = ()
    noise: int = 0

    @classmethod
    def fresh(
        cls, request: Mapping[str, Any], rng: Random, dialect: Dialect | None = None
    ) -> Envelope:
        """A new one, as OpenAI, or whom the dialect is of, would answer this request now."""
        created = seed.now(rng)
        background = bool(request.get("background"))
        form = RESPONSES["background" if background else "now"]
        if dialect is not None:
            form = dialect.responses or form
        new_id = _ids(form, created, rng)
        tier = request.get("service_tier")
        return cls(
            ids.fill_pattern(form.id, rng, created) if form.id else new_id("resp"),
            created,
            created,
            _template(request, form),
            new_id,
            tier if tier in ("flex", "priority") else "default",
            form.final_members,
            form,
            ("created", "queued", "in_progress") if background else OPENING,
            comments=form.comments,
            noise=rng.getrandbits(ids.NOISE_BITS),
        )

    def vary(self, other: Envelope) -> tuple[str, ...]:
        """The names of the values that another response to the same request has otherwise."""
        return ("id", "created")

    def values(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The values of these names, as they are written; of others, new ids of that prefix."""
        known = {"id": self.id, "created": str(self.created)}
        return tuple([known.get(name) or self.new_id(name) for name in names])

    def watch(self) -> tuple[list[tuple[str, str]], Envelope]:
        """The same, and a list of the ids that are made with it, each after its prefix."""
        ids: list[tuple[str, str]] = []

        def new_id(prefix: str) -> str:
            ids.append((prefix, self.new_id(prefix)))
            return ids[-1][1]

        return ids, replace(self, new_id=new_id)

    def replay(self, values: tuple[str, ...]) -> Envelope:
        """The same, which makes the ids among these values again: all but the first two."""
        ids = iter(values[2:])
        return replace(self, new_id=lambda prefix: next(ids))


def _ids(form: ResponsesFormat, created: int, rng: Random) -> Callable[[str], str]:
    """Makes the ids of items."""
    if not form.item_id:
        return ids.response_ids(created, rng)
    return lambda prefix: ids.fill_pattern(form.item_id.replace("{prefix}", prefix), rng, created)


def _template(request: Mapping[str, Any], form: ResponsesFormat) -> dict[str, Any]:
    """A response that echoes the request."""
    name = str(request.get("model") or "gpt-4o-mini")
    model = models.chat_model(name)
    template = dict(_DEFAULTS)
    for member in ("prompt", "conversation", "prompt_cache_options"):
        if request.get(member) is not None:
            template[member] = None
    for member in (template.keys() & request.keys()) - _OTHERWISE:
        if (given := request[member]) is not None:
            template[member] = _ECHOED.get(member, _same)(given)
    template["model"] = model.snapshot
    if not model.logprobs_key and "reasoning" not in request:
        template["reasoning"] = {"effort": "medium", "summary": None}
    if form.members:
        return {name: template.get(name) for name in form.members}
    return form.response.sort_members(template | dict(form.extra_members))


def _same(given: Any) -> Any:
    return given


def _tools(given: Any) -> list[Any]:
    return [_FUNCTION | tool if tool.get("type") == "function" else tool for tool in given]


def _text_config(given: dict[str, Any]) -> dict[str, Any]:
    text = _DEFAULTS["text"] | given
    shape = text.get("format") or {"type": "text"}
    if shape.get("type") == "json_schema":
        shape = {"type": "json_schema", "description": None, "strict": False} | shape
    return {**text, "format": shape}


_FUNCTION = {
    "type": "function",
    "description": None,
    "name": "",
    "parameters": None,
    "strict": True,
}

# What is called as a parameter and means another thing.
_OTHERWISE = frozenset({"moderation"})

# How a parameter is echoed, where not as it is.
_ECHOED: Mapping[str, Callable[[Any], Any]] = {
    "temperature": float,
    "top_p": float,
    "tools": _tools,
    "text": _text_config,
    "reasoning": lambda given: {"effort": None, "summary": None} | given,
    "conversation": lambda given: {"id": given} if isinstance(given, str) else given,
    "prompt_cache_retention": lambda given: given.replace("-", "_"),
    "prompt_cache_options": lambda given: {"mode": "implicit", "ttl": "30m"} | given,
    "prompt": lambda given: {"id": "", "variables": None, "version": None} | given,
}


def as_begun(response: Mapping[str, Any], status: str) -> dict[str, Any]:
    """A response as it is when nothing has come of it yet, or will."""
    empty = {"completed_at": None, "incomplete_details": None, "error": None, "usage": None}
    made = {k: empty.get(k, v) for k, v in response.items()}
    return made | {"status": status, "output": []}
