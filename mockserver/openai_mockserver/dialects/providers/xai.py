"""xAI."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CLOUDFLARE,
    NO_CACHE,
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.responses import Order, ResponsesFormat
from openai_mockserver.dialects.variants import Variant

_XAI_CALL = "tool_calls[id,function{name,arguments},index,type]"

_RESPONSE_MEMBERS = (
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

_CUSTOM_TOOL_EVENT = ("sequence_number", "type", "item_id", "output_index", "delta", "input")

_RESPONSES_USAGE = (
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

_RESPONSES = ResponsesFormat(
    members=_RESPONSE_MEMBERS,
    id="{uuid}",
    item_id="{prefix}_{uuid}",
    event=Order(("sequence_number", "type"), ("logprobs",)),
    events=(("response.custom_tool_call_input", Order(_CUSTOM_TOOL_EVENT)),),
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
    usage=Order(_RESPONSES_USAGE),
    obfuscated_events=frozenset(),
    with_status=frozenset({"reasoning"}),
    initial_items={
        "reasoning": {"encrypted_content": ...},
        "web_search_call": {"action": {"type": "search", "query": "", "sources": []}},
    },
    cache_writes=False,
)

DIALECTS = (
    chat_dialect(
        "xai",
        "id,object,created,model,choices,system_fingerprint,service_tier?",
        "index,delta",
        {
            "role": "role",
            "role+text": "content,role",
            "role+reasoning": "reasoning_content,role",
            "role+call": f"role,{_XAI_CALL}",
            "call": _XAI_CALL,
        },
        {"usage": "id,object,created,model,choices,usage,system_fingerprint,service_tier?"},
        {"finish": "index,delta,finish_reason"},
        variants={
            "usage-with-finish": Variant(
                "the chunk with the finish reason has the usage: grok-2",
                {
                    "chunks": {
                        "finish": "id,object,created,model,choices,usage,system_fingerprint,"
                        "service_tier?"
                    },
                    "usage_chunk": "never",
                    "finish": "with",
                },
            ),
        },
        usage=f"{THREE_COUNTS},prompt_tokens_details{{text_tokens=0,audio_tokens,image_tokens=0,"
        "cached_tokens},completion_tokens_details{reasoning_tokens,audio_tokens,"
        "accepted_prediction_tokens,rejected_prediction_tokens},num_sources_used=0,"
        "cost_in_usd_ticks=0",
        usage_chunk="always",
        role="with",
        calls="whole",
        id="{uuid}",
        fingerprint="fp_{hex10}",
        error="code=$type,error=$message",
        headers=(NO_CACHE, ("x-request-id", "{uuid}"), *CLOUDFLARE),
        mark=r'"num_sources_used"|"model":"grok',
        responses=_RESPONSES,
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
