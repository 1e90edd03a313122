"""OpenAI: its eras, and the formats of its Responses API and of its completions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from openai_mockserver.dialects.chat import CLOUDFLARE, chat_dialect
from openai_mockserver.dialects.completions import CompletionsFormat
from openai_mockserver.dialects.dialect import Dialect
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

_CHUNK = (
    "id,object,created,model,service_tier?,system_fingerprint,choices,"
    "usage=$null_usage_if_requested"
)
_LAST = "id,object,created,model,service_tier?,system_fingerprint,choices,usage"
_PADDING = {
    "chunk": f"{_CHUNK},obfuscation?",
    "chunks": {"usage": f"{_LAST},obfuscation?"},
    "padding": "obfuscation",
}
_HEADERS = (
    ("openai-version", "2020-10-01"),
    ("openai-organization", "mockserver"),
    ("openai-processing-ms", "211"),
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-limit-tokens", "2000000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-remaining-tokens", "1999989"),
    ("x-request-id", "req_{hex32}"),
    *CLOUDFLARE,
)


def _era(name: str, responses: str, **differences: Any) -> Dialect:
    """Return OpenAI's formats of one time."""
    arguments: dict[str, Any] = {
        "chunk": _CHUNK,
        "chunks": {"usage": _LAST},
        "deltas": {"role": "role,content,refusal=$null_refusal"},
        "body": "id,object,created,model,choices[index,message{role,content,reasoning_content?,"
        "tool_calls?,function_call?,refusal,annotations?,audio?},logprobs,"
        "finish_reason],usage,service_tier?,system_fingerprint",
        "id": "chatcmpl-{openai}",
        "fingerprint": "fp_{hex10}",
        "content_type": "text/event-stream; charset=utf-8",
        "headers": _HEADERS,
        "responses": RESPONSES[responses],
        "completions": COMPLETIONS,
    }
    return chat_dialect(name, **arguments | differences)


DIALECTS = (
    _era("openai-2026-01", "2026-01", **_PADDING),
    # From 2025-08, when padding came, until the end of the year.
    _era("openai-2025", "2025", **_PADDING),
    _era("openai-2025-05", "2025-05"),
    _era("openai-2025-04", "2025-04"),
    # The first month of the Responses API.
    _era("openai-2025-03", "2025-03"),
    # Chat completions until the end of 2024; there was no Responses API yet.
    _era(
        "openai-2024",
        "2025-03",
        chunk="id,object,created,model,system_fingerprint,choices,usage=$null_usage_if_requested",
        chunks={"usage": "id,object,created,model,system_fingerprint,choices,usage"},
        usage="prompt_tokens,completion_tokens,total_tokens,"
        "completion_tokens_details{reasoning_tokens}",
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
