"""The fields of a response around its output: ids, times and the echoed request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from openai_mockserver import models, seed
from openai_mockserver.api import ids
from openai_mockserver.dialects import Dialect
from openai_mockserver.dialects.providers.openai import RESPONSES
from openai_mockserver.dialects.responses import ResponsesFormat

__all__ = ["Envelope", "adapt_format", "clear_result"]

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""The reason in ``incomplete_details``, by finish reason."""

# Fields of a response to a request that sets none of them, in the order of WIRE.md §3.
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
"""The first events of a response that is not generated in the background."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The fields of a response other than its output, and the format it is written in.

    Args:
        id: id of the response.
        created, completed: Unix timestamps in seconds.
        template: all members of the initial response object, in their order.
        new_id: creates an item's id from its prefix.
        service_tier: ``service_tier`` of the final response.
        ends: members that only the final response has.
        item_members: members that all items of a type have, by type, such as the metadata that
            ChatGPT's endpoint for Codex repeats.
        form: the provider's format of events and objects.
        opening: the first events, without ``response.``.
        starting_after: sequence number of the last event to skip; -1 skips none.
        comments: comments before the first event, which keep the connection alive.
        noise: seed of the `ids.Padding` that pads the deltas.
    """

    id: str
    created: float
    completed: float
    template: Mapping[str, Any]
    new_id: Callable[[str], str]
    service_tier: str | None = "default"
    ends: Mapping[str, Any] = field(default_factory=dict)
    item_members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    form: ResponsesFormat = RESPONSES["now"]
    opening: tuple[str, ...] = OPENING
    starting_after: int = -1
    comments: tuple[str, ...] = ()
    noise: int = 0

    @classmethod
    def fresh(
        cls, request: Mapping[str, Any], rng: Random, dialect: Dialect | None = None
    ) -> Envelope:
        """Create the envelope with which OpenAI, or the dialect's provider, would answer now."""
        created_at = seed.now(rng)
        background = bool(request.get("background"))
        form = RESPONSES["background" if background else "now"]
        if dialect is not None:
            form = dialect.responses or form
        form = adapt_format(form, str(request.get("model") or ""))
        new_id = _make_id_factory(form, created_at, rng)
        tier = request.get("service_tier")
        return cls(
            ids.fill_pattern(form.id, rng, created_at) if form.id else new_id("resp"),
            created_at,
            created_at,
            _make_template(request, form),
            new_id,
            tier if tier in ("flex", "priority") else "default",
            form.final_members,
            form=form,
            opening=("created", "queued", "in_progress") if background else OPENING,
            comments=form.comments,
            noise=rng.getrandbits(ids.NOISE_BITS),
        )

    def vary(self, other: Envelope) -> tuple[str, ...]:
        """Return the names of the values that differ in another response to the same request."""
        return ("id", "created")

    def values(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the values of these names as text; any other name is the prefix of a new id."""
        texts = {"id": self.id, "created": str(self.created)}
        return tuple([texts.get(name) or self.new_id(name) for name in names])

    def watch(self) -> tuple[list[tuple[str, str]], Envelope]:
        """Return a list that collects (prefix, id) of each new id, and a copy that fills it."""
        ids: list[tuple[str, str]] = []

        def new_id(prefix: str) -> str:
            ids.append((prefix, self.new_id(prefix)))
            return ids[-1][1]

        return ids, replace(self, new_id=new_id)

    def replay(self, values: tuple[str, ...]) -> Envelope:
        """Return a copy whose new ids are, in order, these values without the first two."""
        ids = iter(values[2:])
        return replace(self, new_id=lambda prefix: next(ids))


_PRO = re.compile(r"(?:o\d|gpt-)[\w.]*-pro\b")


def adapt_format(form: ResponsesFormat, model: str) -> ResponsesFormat:
    """Return the format of a model's responses: OpenAI's ``-pro`` models add items as completed.

    >>> adapt_format(RESPONSES["now"], "gpt-5.2-pro-2025-12-11").initial_status
    'completed'
    """
    return replace(form, initial_status="completed") if _PRO.match(model) else form


def _make_id_factory(form: ResponsesFormat, created_at: int, rng: Random) -> Callable[[str], str]:
    """Return a function that creates an item's id from its prefix."""
    if not form.item_id:
        return ids.response_ids(created_at, rng)
    return lambda prefix: ids.fill_pattern(
        form.item_id.replace("{prefix}", prefix), rng, created_at
    )


def _make_template(request: Mapping[str, Any], form: ResponsesFormat) -> dict[str, Any]:
    """Return the initial response object, which echoes the request."""
    name = str(request.get("model") or "gpt-4o-mini")
    model = models.find_chat_model(name)
    template = dict(_DEFAULTS)
    for member in ("prompt", "conversation", "prompt_cache_options"):
        if request.get(member) is not None:
            template[member] = None
    for member in (template.keys() & request.keys()) - _NOT_ECHOED:
        if (value := request[member]) is not None:
            template[member] = _CONVERTERS.get(member, _keep_value)(value)
    template["model"] = model.snapshot
    if not model.logprobs_key and "reasoning" not in request:
        template["reasoning"] = {"effort": "medium", "summary": None}
    template |= form.extra_members
    if form.members:
        return {name: template.get(name) for name in form.members}
    return form.response.sort_members(template)


def _keep_value(value: Any) -> Any:
    return value


def _identify_conversation(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


def _complete_tools(value: Any) -> list[Any]:
    return [_FUNCTION | tool if tool.get("type") == "function" else tool for tool in value]


def _complete_text(value: dict[str, Any]) -> dict[str, Any]:
    text = _DEFAULTS["text"] | value
    format = text.get("format") or {"type": "text"}
    if format.get("type") == "json_schema":
        format = {"type": "json_schema", "description": None, "strict": False} | format
    return {**text, "format": format}


_FUNCTION = {
    "type": "function",
    "description": None,
    "name": "",
    "parameters": None,
    "strict": True,
}

# Members of the response that share a parameter's name but not its meaning.
_NOT_ECHOED = frozenset({"moderation"})

# Functions that convert a parameter to the echoed member; the others are echoed unchanged.
_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "temperature": float,
    "top_p": float,
    "tools": _complete_tools,
    "text": _complete_text,
    "reasoning": lambda value: {"effort": None, "summary": None} | value,
    "conversation": _identify_conversation,
    "prompt_cache_retention": lambda value: value.replace("-", "_"),
    "prompt_cache_options": lambda value: {"mode": "implicit", "ttl": "30m"} | value,
    "prompt": lambda value: {"id": "", "variables": None, "version": None} | value,
}


def clear_result(response: Mapping[str, Any], status: str) -> dict[str, Any]:
    """Return the response with this status and without output, usage, error or completion time."""
    empty = {"completed_at": None, "incomplete_details": None, "error": None, "usage": None}
    members = {k: empty.get(k, v) for k, v in response.items()}
    return members | {"status": status, "output": []}
