"""How the events of a response are written: which members, in which order.

Rules of this file: data only. OpenAI has changed the form three times, and each imitator has its
own (WIRE.md §3 and the recordings); what is said is the same in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from openai_mockserver.api.layout import COMPACT, Style

__all__ = ["FORMS", "Form", "Order"]


@dataclass(frozen=True, slots=True)
class Order:
    """The order of an object's members: some first, some last, the others by name."""

    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()

    def of(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The members in this order."""
        return {name: members[name] for name in _ordered(self, tuple(members))}


@lru_cache(maxsize=1024)
def _ordered(order: Order, names: tuple[str, ...]) -> tuple[str, ...]:
    first = [name for name in order.first if name in names]
    last = [name for name in order.last if name in names]
    return (*first, *sorted({*names} - {*first, *last}), *last)


_TYPE_FIRST = Order(("type",))
_ITEM = Order(("id", "type", "status"))
_USAGE = Order(("input_tokens", "input_tokens_details"), ("total_tokens",))
_RESPONSE = Order(("id", "object", "created_at", "status"), ("usage", "user", "metadata"))

OBFUSCATED = frozenset(
    {
        "response.output_text.delta",
        "response.function_call_arguments.delta",
        "response.reasoning_summary_text.delta",
        "response.code_interpreter_call_code.delta",
        "response.mcp_call_arguments.delta",
        "response.custom_tool_call_input.delta",
    }
)
"""The deltas that are padded (WIRE.md §2); refusals are not."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one provider, at one time, writes the events of a response.

    Args:
        event, item, part, response, usage: the orders of their members.
        events: those of events whose types begin so, if others.
        items, parts: those of items and parts of these types, if others.
        final: those of items in the last event, if others again.
        numbered: whether events have a sequence number.
        padded: the deltas that have ``obfuscation``.
        named: whether an ``event`` line says the type.
        done: whether ``[DONE]`` ends the stream.
        with_logprobs: the kinds of events that have ``logprobs`` even if none are asked for.
        with_status: item types that have a status, besides those that have one at OpenAI.
        cache_writes: whether usage tells how many tokens were written to the cache.
        begun: members of items that begin otherwise than at OpenAI; `...` leaves one out.
        thought_content: whether reasoning has ``content`` also where it is not shown.
        sealed: members of reasoning that is encrypted.
        named_calls: whether the last event of a call's arguments tells the function's name.
        style: how its JSON is spelt.
        members: those of the response, in order; by default OpenAI's.
        more: members that OpenAI has not, as they begin.
        ends: those that are otherwise at the end.
        id, item_id: the forms of ids, as of `ids.form`; by default OpenAI's.
        comments: what is said first, to keep the connection alive.
    """

    event: Order = _TYPE_FIRST
    events: tuple[tuple[str, Order], ...] = ()
    items: Mapping[str, Order] = field(default_factory=dict)
    parts: Mapping[str, Order] = field(default_factory=dict)
    final: Mapping[str, Order] = field(default_factory=dict)
    item: Order = _ITEM
    part: Order = _TYPE_FIRST
    response: Order = _RESPONSE
    usage: Order = _USAGE
    numbered: bool = True
    padded: frozenset[str] = OBFUSCATED
    named: bool = True
    done: bool = False
    with_logprobs: bool = True
    cache_writes: bool = True
    with_status: frozenset[str] = frozenset()
    begun: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    thought_content: bool = False
    sealed: Mapping[str, Any] = field(default_factory=dict)
    named_calls: bool = False
    style: Style = COMPACT
    members: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    ends: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    item_id: str = ""
    comments: tuple[str, ...] = ()

    def item_order(self, type: str) -> Order:
        """The order of the members of an item."""
        return self.items.get(type, self.item)

    def of_part(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """A part, an annotation or a summary in its order."""
        return self.parts.get(part.get("type", ""), self.part).of(part)


# 2025: what says where comes before what is said.
_2025 = Order(("type", "sequence_number", "output_index", "item_id", "delta"))
_SPOKEN_2025 = Order(
    (
        "type",
        "sequence_number",
        "item_id",
        "output_index",
        "content_index",
        "summary_index",
        "annotation_index",
        "delta",
        "text",
    )
)
_EVENTS_2025 = tuple(
    (f"response.{stem}", _SPOKEN_2025)
    for stem in ("content_part", "output_text", "refusal", "reasoning", "function_call_arguments")
)

_OPENROUTER = (
    "type",
    "output_index",
    "item_id",
    "content_index",
    "name",
    "arguments",
    "item",
    "part",
    "response",
    "delta",
    "text",
    "logprobs",
)
_OPENROUTER_MEMBERS = (
    "id",
    "object",
    "created_at",
    "model",
    "status",
    "completed_at",
    "output",
    "error",
    "incomplete_details",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "top_logprobs",
    "max_tool_calls",
    "metadata",
    "background",
    "previous_response_id",
    "service_tier",
    "truncation",
    "store",
    "instructions",
    "text",
    "reasoning",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_options",
    "usage",
)
_XAI_MEMBERS = (
    "created_at",
    "completed_at",
    "id",
    "max_output_tokens",
    "model",
    "object",
    "output",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "usage",
    "user",
    "incomplete_details",
    "status",
    "store",
    "metadata",
    "background",
    "service_tier",
    "truncation",
    "top_logprobs",
    "presence_penalty",
    "frequency_penalty",
    "prompt_cache_key",
    "max_tool_calls",
    "safety_identifier",
    "error",
    "instructions",
)
_SAFE = {"filtered": False, "severity": "safe"}
_FILTERS = {
    "hate": _SAFE,
    "sexual": _SAFE,
    "violence": _SAFE,
    "self_harm": _SAFE,
}
_NOT_FOUND = {"detected": False, "filtered": False}
_PROMPT_FILTER = {
    "blocked": False,
    "source_type": "prompt",
    "content_filter_raw": [],
    "content_filter_results": _FILTERS | {"jailbreak": _NOT_FOUND},
    "content_filter_offsets": {"start_offset": 0, "end_offset": 0, "check_offset": 0},
}
_COMPLETION_FILTER = {
    "blocked": False,
    "source_type": "completion",
    "content_filter_raw": [],
    "content_filter_results": {
        "protected_material_code": _NOT_FOUND,
        "protected_material_text": _NOT_FOUND,
    }
    | _FILTERS,
    "content_filter_offsets": {"start_offset": 0, "end_offset": 0, "check_offset": 0},
}
_XAI_CUSTOM = ("sequence_number", "type", "item_id", "output_index", "delta", "input")
_XAI_USAGE = (
    "input_tokens",
    "input_tokens_details",
    "output_tokens",
    "output_tokens_details",
    "total_tokens",
    "num_sources_used",
    "num_server_side_tools_used",
    "cost_in_usd_ticks",
    "context_details",
    "server_side_tool_usage_details",
)

FORMS: Mapping[str, Form] = {
    "openai": Form(),
    # From 2025-05 until the end of that year.
    "openai-2025": Form(event=_2025, events=_EVENTS_2025, cache_writes=False),
    # Before that.
    "openai-2025-03": Form(
        event=_2025,
        events=_EVENTS_2025,
        items={"function_call": Order(("type", "id", "call_id", "name", "arguments", "status"))},
        numbered=False,
        padded=frozenset(),
        with_logprobs=False,
        cache_writes=False,
    ),
    # In the background the order of members is anybody's guess: two recordings, two orders.
    "openai-background": Form(padded=frozenset()),
    # At the beginning of 2026 a search began without its action.
    "openai-2026-01": Form(begun={"web_search_call": {"action": ...}}, cache_writes=False),
    "azure": Form(
        more={"content_filters": None},
        ends={"content_filters": [_PROMPT_FILTER, _COMPLETION_FILTER]},
        cache_writes=False,
    ),
    "deepseek": Form(
        more={"content_filters": None},
        id="{uuid}",
        item_id="{uuid}",
        item=Order(("type", "id", "status")),
        padded=frozenset(),
        with_status=frozenset({"reasoning"}),
        thought_content=True,
        cache_writes=False,
    ),
    "openrouter": Form(
        event=Order(_OPENROUTER, ("sequence_number",)),
        items={
            "message": Order(("id", "type", "status", "role", "content")),
            "reasoning": Order(("id", "type", "status", "summary", "encrypted_content", "format")),
            "function_call": Order(("id", "type", "status", "call_id", "name", "arguments")),
        },
        final={"message": Order(("id", "type", "role", "status", "content"))},
        part=Order(("type", "text", "annotations", "logprobs")),
        usage=Order(
            (
                "input_tokens",
                "input_tokens_details",
                "output_tokens",
                "output_tokens_details",
                "total_tokens",
                "cost",
                "is_byok",
                "cost_details",
            )
        ),
        padded=frozenset(),
        named=False,
        done=True,
        with_status=frozenset({"reasoning"}),
        begun={"reasoning": {"encrypted_content": ..., "format": ...}},
        named_calls=True,
        sealed={"format": "openai-responses-v1"},
        style=Style(floats="js"),
        members=_OPENROUTER_MEMBERS,
        id="gen-{created}-{alnum20}",
        item_id="{prefix}_tmp_{alnum11}",
        comments=("OPENROUTER PROCESSING",),
        cache_writes=False,
    ),
    "xai": Form(
        members=_XAI_MEMBERS,
        id="{uuid}",
        item_id="{prefix}_{uuid}",
        event=Order(("sequence_number", "type"), ("logprobs",)),
        events=(("response.custom_tool_call_input", Order(_XAI_CUSTOM)),),
        items={
            "message": Order(("content", "id", "role", "type", "status")),
            "reasoning": Order(("id", "summary", "type", "status", "encrypted_content")),
            "function_call": Order(("arguments", "call_id", "name", "type", "id", "status")),
            "custom_tool_call": Order(("call_id", "input", "name", "type", "id", "status")),
        },
        parts={
            "output_text": Order(("type", "text", "logprobs", "annotations")),
            "summary_text": Order(("text", "type")),
            "url_citation": Order(("type", "url", "start_index", "end_index", "title")),
        },
        usage=Order(_XAI_USAGE),
        padded=frozenset(),
        with_status=frozenset({"reasoning"}),
        begun={
            "reasoning": {"encrypted_content": ...},
            "web_search_call": {"action": {"type": "search", "query": "", "sources": []}},
        },
        cache_writes=False,
    ),
}
"""The forms: OpenAI's by time, and those of its imitators."""
