"""How the events of a response are written: which members, in which order.

Rules of this file: data only. OpenAI has changed the form three times, and each imitator has its
own (WIRE.md §3 and the recordings); what is said is the same in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

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
        numbered: whether events have a sequence number.
        padded: the deltas that have ``obfuscation``.
        named: whether an ``event`` line says the type.
        data_first: whether that line comes after the data.
        done: whether ``[DONE]`` ends the stream.
        with_logprobs: the kinds of events that have ``logprobs`` even if none are asked for.
        with_status: item types that have a status, besides those that have one at OpenAI.
        cache_writes: whether usage tells how many tokens were written to the cache.
        begun: members of items that begin otherwise than at OpenAI; `...` leaves one out.
        thought_part: the stem of the events around a part of open reasoning.
        members: members that events of a type have here besides.
    """

    event: Order = _TYPE_FIRST
    events: tuple[tuple[str, Order], ...] = ()
    item: Order = _ITEM
    part: Order = _TYPE_FIRST
    response: Order = _RESPONSE
    usage: Order = _USAGE
    numbered: bool = True
    padded: frozenset[str] = OBFUSCATED
    named: bool = True
    data_first: bool = False
    done: bool = False
    with_logprobs: bool = True
    cache_writes: bool = True
    with_status: frozenset[str] = frozenset()
    begun: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    thought_part: str = "content_part"
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


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
_BACKGROUND = ("type", "item", "delta", "text", "logprobs", "item_id")

FORMS: Mapping[str, Form] = {
    "openai": Form(),
    # From 2025-05 until the end of that year.
    "openai-2025": Form(event=_2025, events=_EVENTS_2025, cache_writes=False),
    # Before that.
    "openai-2025-03": Form(
        event=_2025,
        events=_EVENTS_2025,
        item=Order(("type", "id", "call_id", "name", "arguments", "status")),
        numbered=False,
        padded=frozenset(),
        with_logprobs=False,
        cache_writes=False,
    ),
    # Streams of responses that are made in the background.
    "openai-background": Form(
        event=Order(_BACKGROUND),
        events=(("response.content_part.added", Order((*_BACKGROUND, "part"))),),
        item=Order(("id",)),
        part=Order(("annotations", "text", "logprobs"), ("type",)),
        usage=Order(
            ("input_tokens", "input_tokens_details", "output_tokens_details"), ("total_tokens",)
        ),
        padded=frozenset(),
        cache_writes=False,
    ),
}
"""The forms of OpenAI by time."""
