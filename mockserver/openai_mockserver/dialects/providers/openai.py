"""OpenAI: the formats of its Responses API over time, and of its completions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from openai_mockserver.dialects.completions import CompletionsFormat
from openai_mockserver.dialects.json_style import Style
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

_IMAGE_2025 = Order(
    (
        "type",
        "sequence_number",
        "output_index",
        "item_id",
        "partial_image_index",
        "partial_image_b64",
        "size",
        "quality",
        "background",
        "output_format",
    )
)

_EVENTS_2025 = (
    *(
        (f"response.{stem}", _SPOKEN_2025)
        for stem in (
            "content_part",
            "output_text",
            "refusal",
            "reasoning",
            "function_call_arguments",
            "apply_patch_call",
        )
    ),
    ("response.image_generation_call.partial_image", _IMAGE_2025),
)

# From 2025-07 until the end of that year; padding came in 2025-08.
_2025_07 = ResponsesFormat(
    event=_2025,
    events=_EVENTS_2025,
    initial_items={"web_search_call": {"action": ...}},
    cache_writes=False,
    nested_errors=False,
)

# In 2025-04 and 2025-05 events had no numbers yet.
_2025_04 = replace(_2025_07, has_numbers=False, with_logprobs=False, obfuscated_events=frozenset())

# Members were in the order of the documentation, where later ones are sorted.
_ITEMS_2025_03 = {
    "message": Order(("type", "id", "status", "role", "content")),
    "reasoning": Order(("type", "id", "summary")),
    "function_call": Order(("type", "id", "call_id", "name", "arguments", "status")),
    "web_search_call": Order(("type", "id", "status")),
    "file_search_call": Order(("type", "id", "status", "queries", "results")),
    "computer_call": Order(
        ("type", "id", "call_id", "action", "pending_safety_checks"), ("status",)
    ),
}
_PARTS_2025_03 = {
    "output_text": Order(("type", "text", "annotations")),
    "url_citation": Order(("type", "start_index", "end_index", "url", "title")),
    "file_citation": Order(("type", "index", "file_id", "filename")),
}

# In the background members come in the order of a hash table, from `response.in_progress` on. This
# is the most frequent order in the recordings. Others exchange a few neighbours, even within one
# stream, which no rule explains.
_BACKGROUND_RESPONSE = Order(
    (
        "truncation",
        "tool_choice",
        "id",
        "usage",
        "status",
        "top_p",
        "temperature",
        "top_logprobs",
        "object",
        "created_at",
        "prompt_cache_key",
        "text",
        "incomplete_details",
        "frequency_penalty",
        "previous_response_id",
        "model",
        "safety_identifier",
        "metadata",
        "store",
        "output",
        "parallel_tool_calls",
        "error",
        "instructions",
        "max_output_tokens",
        "service_tier",
        "max_tool_calls",
        "prompt_cache_retention",
        "tools",
        "user",
        "presence_penalty",
        "reasoning",
        "background",
        "completed_at",
    )
)
_BACKGROUND_STATUSES = ("in_progress", "completed", "incomplete", "failed")
_BACKGROUND = ResponsesFormat(
    event=Order(
        ("type", "delta", "text", "logprobs", "item_id", "part", "content_index"),
        ("output_index", "sequence_number"),
    ),
    events=tuple(
        (f"response.{status}", Order(("type", "sequence_number")))
        for status in _BACKGROUND_STATUSES
    ),
    item=Order(("id",), ("status", "type")),
    part=Order(("text", "logprobs", "type", "annotations")),
    responses=dict.fromkeys(_BACKGROUND_STATUSES, _BACKGROUND_RESPONSE),
    echoes={"text": Order(("verbosity", "format"))},
    usage=Order(("input_tokens", "input_tokens_details", "output_tokens_details")),
    obfuscated_events=frozenset(),
)

RESPONSES: Mapping[str, ResponsesFormat] = {
    "now": ResponsesFormat(),
    "2025": _2025_07,
    # In 2025-05 and 2025-06.
    "2025-05": replace(_2025_07, with_logprobs=False, obfuscated_events=frozenset()),
    "2025-04": _2025_04,
    # The first month.
    "2025-03": replace(_2025_04, items=_ITEMS_2025_03, parts=_PARTS_2025_03),
    "background": _BACKGROUND,
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

COMPLETIONS_2023 = replace(COMPLETIONS, style=Style(has_spaces=True, ascii=True))
"""The format of completions until 2023."""
