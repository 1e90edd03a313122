"""The format of the Responses API: the members of its events, and their order.

Rules of this file: data only. OpenAI has changed the format three times, and other providers have
their own (WIRE.md §3 and the recordings); the content is the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from openai_mockserver.dialects.json_style import COMPACT, Style

__all__ = ["OBFUSCATED", "SEQUENCE_NUMBER", "Order", "ResponsesFormat"]


@dataclass(frozen=True, slots=True)
class Order:
    """The order of an object's members: some first, some last, the others sorted by name."""

    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()

    def sort_members(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the members in this order."""
        return {name: members[name] for name in _sort_names(self, tuple(members))}


@lru_cache(maxsize=1024)
def _sort_names(order: Order, names: tuple[str, ...]) -> tuple[str, ...]:
    first = [name for name in order.first if name in names]
    last = [name for name in order.last if name in names]
    return (*first, *sorted({*names} - {*first, *last}), *last)


_SORTED = Order()
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
        "response.shell_call_command.delta",
        "response.apply_patch_call_operation_diff.delta",
    }
)
"""The delta events with random padding in ``obfuscation`` (WIRE.md §2); refusals have none."""


SEQUENCE_NUMBER = re.compile(r'"sequence_number":(\d+)')
"""Matches an event's number in its JSON."""


@dataclass(frozen=True, slots=True)
class ResponsesFormat:
    """How one provider, at one time, writes the events of a response.

    Args:
        event, item, part, response, usage, usage_details, logprob: default orders of their members.
        events: orders for events, as pairs of the start of a type and an order.
        items, parts: orders for items and parts, by type.
        item_parts: orders for parts in an item, by type, if they differ from those in events.
        final_items: orders for items in the last event, by type, if they differ there.
        responses: orders for the response, by its status.
        echoes: orders for objects that are members of a response with such an order, by name.
        has_numbers: whether events have a ``sequence_number``.
        obfuscated_events: types of the delta events that have ``obfuscation``.
        has_empty_padding: whether that is empty.
        has_event_lines: whether an ``event`` line repeats the type.
        has_data_first: whether that line comes after the data.
        ends_with_done: whether ``[DONE]`` ends the stream.
        with_logprobs: whether text events have ``logprobs`` even if the request asks for none.
        new_part_logprobs, part_logprobs: whether text parts have ``logprobs`` too: when they are
            added, and when they are finished.
        has_full_logprobs: whether finished parts repeat all log probabilities, unrounded.
        with_status: item types that have a status, besides OpenAI's.
        cache_writes: whether usage has the number of tokens written to the cache.
        initial_items: members of items when they are added, by type, if they differ from OpenAI's;
            `...` omits a member.
        initial_status: status of items when they are added; OpenAI's ``-pro`` models finish a
            response before they stream it.
        has_hidden_content: whether reasoning has ``content`` even if its text is not shown.
        encrypted_reasoning: additional members of encrypted reasoning.
        has_call_names: whether the event that ends a call's arguments has the function's name.
        has_call_deltas: whether the arguments of function calls arrive in pieces.
        reasoning_part: name of the events of a part of reasoning text, without ``.added``.
        counts_all_parts: whether ``content_index`` counts the parts of all items.
        ends_reasoning_late: whether reasoning ends when all items have.
        style: spelling of the JSON.
        members: members of the response, in order; empty for OpenAI's.
        extra_members: members that OpenAI's response lacks, with their initial values.
        final_members: members of the response that differ at the end.
        id, item_id: patterns of ids for `ids.fill_pattern`; empty for OpenAI's.
        comments: comments at the start of the stream, which keep the connection alive.
        nested_errors: whether an ``error`` event has its error as an object, and also precedes
            ``response.failed``; until 2026 the event had the error's members, and only one of the
            two events was sent.
    """

    event: Order = _TYPE_FIRST
    events: tuple[tuple[str, Order], ...] = ()
    items: Mapping[str, Order] = field(default_factory=dict)
    parts: Mapping[str, Order] = field(default_factory=dict)
    item_parts: Mapping[str, Order] = field(default_factory=dict)
    final_items: Mapping[str, Order] = field(default_factory=dict)
    responses: Mapping[str, Order] = field(default_factory=dict)
    echoes: Mapping[str, Order] = field(default_factory=dict)
    item: Order = _ITEM
    part: Order = _TYPE_FIRST
    response: Order = _RESPONSE
    usage: Order = _USAGE
    usage_details: Order = _SORTED
    logprob: Order = _SORTED
    has_numbers: bool = True
    obfuscated_events: frozenset[str] = OBFUSCATED
    has_empty_padding: bool = False
    has_event_lines: bool = True
    has_data_first: bool = False
    ends_with_done: bool = False
    with_logprobs: bool = True
    new_part_logprobs: bool = True
    part_logprobs: bool = True
    has_full_logprobs: bool = False
    cache_writes: bool = True
    with_status: frozenset[str] = frozenset()
    initial_items: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    initial_status: str = "in_progress"
    has_hidden_content: bool = False
    encrypted_reasoning: Mapping[str, Any] = field(default_factory=dict)
    has_call_names: bool = False
    has_call_deltas: bool = True
    reasoning_part: str = "content_part"
    counts_all_parts: bool = False
    ends_reasoning_late: bool = False
    style: Style = COMPACT
    members: tuple[str, ...] = ()
    extra_members: Mapping[str, Any] = field(default_factory=dict)
    final_members: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    item_id: str = ""
    comments: tuple[str, ...] = ()
    nested_errors: bool = True

    def item_order(self, type: str) -> Order:
        """Return the order of an item's members."""
        return self.items.get(type, self.item)

    def sort_part(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """Return a part, an annotation or a summary with its members in order."""
        return self.parts.get(part.get("type", ""), self.part).sort_members(part)
