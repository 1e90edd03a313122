"""The format of the Responses API: which members its events have, and in which order.

Rules of this file: data only. OpenAI has changed the format three times, and each imitator has its
own (WIRE.md §3 and the recordings); what they say is the same.
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


SEQUENCE_NUMBER = re.compile(r'"sequence_number":(\d+)')
"""An event's number in its JSON."""


@dataclass(frozen=True, slots=True)
class ResponsesFormat:
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
        id, item_id: the forms of ids, as of `ids.fill_pattern`; by default OpenAI's.
        comments: what is said first, to keep the connection alive.
        nested_errors: whether an ``error`` event holds its error as an object, and comes before
            ``response.failed`` too; until 2026 its members stood in the event, and one of the two
            came.
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
    nested_errors: bool = True

    def item_order(self, type: str) -> Order:
        """The order of the members of an item."""
        return self.items.get(type, self.item)

    def of_part(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """A part, an annotation or a summary in its order."""
        return self.parts.get(part.get("type", ""), self.part).of(part)


"""The forms: OpenAI's by time, and those of its imitators."""
