"""LM Studio."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    NO_CACHE,
    ROLE_AND_CONTENT,
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.json_style import Style
from openai_mockserver.dialects.responses import Order, ResponsesFormat

_EVENT = (
    "type",
    "response",
    "item_id",
    "output_index",
    "content_index",
    "item",
    "part",
    "delta",
    "text",
    "arguments",
    "logprobs",
)

_RESPONSE_MEMBERS = (
    "id",
    "object",
    "created_at",
    "completed_at",
    "status",
    "incomplete_details",
    "model",
    "previous_response_id",
    "instructions",
    "output",
    "error",
    "tools",
    "tool_choice",
    "truncation",
    "parallel_tool_calls",
    "text",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "top_logprobs",
    "temperature",
    "reasoning",
    "usage",
    "max_output_tokens",
    "max_tool_calls",
    "store",
    "background",
    "service_tier",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
)

_RESPONSES = ResponsesFormat(
    event=Order(_EVENT, ("sequence_number",)),
    items={"reasoning": Order(("id", "type", "status", "summary", "content"))},
    part=Order(("type", "text", "annotations", "logprobs")),
    usage=Order(("input_tokens", "output_tokens", "total_tokens")),
    logprob=Order(("token", "logprob", "bytes", "top_logprobs")),
    obfuscated_events=frozenset(),
    has_full_logprobs=True,
    has_hidden_content=True,
    with_status=frozenset({"reasoning"}),
    has_call_deltas=False,
    style=Style(floats="js"),
    members=_RESPONSE_MEMBERS,
    id="resp_{hex48}",
    item_id="{prefix}_{alnum25}",
    cache_writes=False,
)

DIALECTS = (
    # As documented: lmstudio.ai/docs/app/api/endpoints/openai; never recorded.
    chat_dialect(
        "lmstudio",
        "id,object,created,model,system_fingerprint,choices",
        deltas={
            "role": 'role,content=""',
            "text": ROLE_AND_CONTENT,
            "reasoning": 'role,content="",reasoning_content',
        },
        usage=f"{THREE_COUNTS},completion_tokens_details{{reasoning_tokens}}",
        role="with",
        id="chatcmpl-{alnum22}",
        fingerprint="{model}",
        error="error=$message",
        headers=(("x-powered-by", "Express"), NO_CACHE),
        responses=_RESPONSES,
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
