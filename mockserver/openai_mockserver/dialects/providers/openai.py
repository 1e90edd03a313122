"""OpenAI itself: the formats of its Responses API over time, and of its completions."""

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
    # Before that.
    "2025-03": ResponsesFormat(
        event=_2025,
        events=_EVENTS_2025,
        items={"function_call": Order(("type", "id", "call_id", "name", "arguments", "status"))},
        numbered=False,
        nested_errors=False,
        padded=frozenset(),
        with_logprobs=False,
        cache_writes=False,
    ),
    # In the background the order of members is anybody's guess: two recordings, two orders.
    "background": ResponsesFormat(padded=frozenset()),
    # At the beginning of 2026 a search began without its action.
    "2026-01": ResponsesFormat(
        begun={"web_search_call": {"action": ...}}, cache_writes=False, nested_errors=False
    ),
}
"""The formats of the Responses API, by when they were used; ``background`` is that of its jobs."""

COMPLETIONS = CompletionsFormat(
    id="cmpl-{openai}",
    chunk=("id", "object", "created", "choices", "model", "usage"),
    choice=("text", "index", "logprobs", "finish_reason"),
    usage_chunk=("id", "object", "created", "model", "usage", "choices"),
    usage=("prompt_tokens", "completion_tokens", "total_tokens"),
    finish_together=True,
    indent=2,
)
