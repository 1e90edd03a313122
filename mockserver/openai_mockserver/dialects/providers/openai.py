"""OpenAI: the formats of its Responses API over time, and of its completions."""

from __future__ import annotations

from collections.abc import Mapping

from openai_mockserver.dialects.completions import CompletionsFormat
from openai_mockserver.dialects.responses import Order, ResponsesFormat

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


RESPONSES: Mapping[str, ResponsesFormat] = {
    "now": ResponsesFormat(),
    # From 2025-05 until the end of that year.
    "2025": ResponsesFormat(
        event=_2025, events=_EVENTS_2025, cache_writes=False, nested_errors=False
    ),
    # Before 2025-05.
    "2025-03": ResponsesFormat(
        event=_2025,
        events=_EVENTS_2025,
        items={"function_call": Order(("type", "id", "call_id", "name", "arguments", "status"))},
        has_numbers=False,
        nested_errors=False,
        obfuscated_events=frozenset(),
        with_logprobs=False,
        cache_writes=False,
    ),
    # The order of members in background responses is unknown: two recordings have two orders.
    "background": ResponsesFormat(obfuscated_events=frozenset()),
    # In January 2026 a web search was added without its action.
    "2026-01": ResponsesFormat(
        initial_items={"web_search_call": {"action": ...}}, cache_writes=False, nested_errors=False
    ),
}
"""The formats of the Responses API by time; ``background`` is that of background responses."""

COMPLETIONS = CompletionsFormat(
    id="cmpl-{openai}",
    chunk=("id", "object", "created", "choices", "model", "usage"),
    choice=("text", "index", "logprobs", "finish_reason"),
    usage_chunk=("id", "object", "created", "model", "usage", "choices"),
    usage=("prompt_tokens", "completion_tokens", "total_tokens"),
    finish_together=True,
    indent=2,
)
