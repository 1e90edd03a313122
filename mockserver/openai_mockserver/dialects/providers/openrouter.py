"""OpenRouter."""

from __future__ import annotations

from dataclasses import replace

from openai_mockserver.dialects.chat import (
    CLOUDFLARE,
    NO_CACHE,
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.dialect import ExtraStep
from openai_mockserver.dialects.json_style import Style
from openai_mockserver.dialects.responses import Order, ResponsesFormat
from openai_mockserver.dialects.variants import Variant
from openai_mockserver.script import Comment

_CHUNK = "id,object,created,model,provider,system_fingerprint?,choices"
_LAST = "id,object,created,model,provider,system_fingerprint?,service_tier?,choices"
_REASONING = "reasoning,reasoning_details=$reasoning_details"
_NO_REASONING = "reasoning=$null_if_reasoning,reasoning_details=$empty_list_if_reasoning"
_NULL_REFUSAL = "refusal=null@null-refusal"
_BESIDE_REASONING = 'content=""@!null-content,content=null@null-content'
_NO_CONTENT = 'content=null@!empty-content,content=""@empty-content'
_VARIANTS = {
    "null-content": Variant("the content beside reasoning is null, not empty: early in 2025"),
    "null-refusal": Variant("deltas have a refusal, which is null"),
    "empty-content": Variant("the content beside calls is empty, not null"),
    "no-choices": Variant("the chunk with the usage has no choices", {"deltas": {"usage": None}}),
}
_TYPE_FIRST = Variant("pieces of arguments repeat the type, before the function")
_TYPE_LAST = Variant("pieces of arguments repeat the type, after the function")

_EVENT = (
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

_RESPONSE_MEMBERS = (
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

_RESPONSES = ResponsesFormat(
    event=Order(_EVENT, ("sequence_number",)),
    items={
        "message": Order(("id", "type", "status", "role", "content")),
        "reasoning": Order(("id", "type", "status", "summary", "encrypted_content", "format")),
        "function_call": Order(("id", "type", "status", "call_id", "name", "arguments")),
    },
    final_items={"message": Order(("id", "type", "role", "status", "content"))},
    part=Order(("type", "text", "annotations", "logprobs")),
    usage_details=Order(("cached_tokens",)),
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
    obfuscated_events=frozenset(),
    has_event_lines=False,
    ends_with_done=True,
    with_status=frozenset({"reasoning"}),
    initial_items={"reasoning": {"encrypted_content": ..., "format": ...}},
    has_call_names=True,
    encrypted_reasoning={"format": "openai-responses-v1"},
    style=Style(floats="js"),
    members=_RESPONSE_MEMBERS,
    id="gen-{created}-{alnum20}",
    item_id="{prefix}_tmp_{alnum11}",
    comments=("OPENROUTER PROCESSING",),
    cache_writes=False,
)

# In 2025 the members of parts differ between events and items, and those of the response between
# its first events and its last.
_ECHO_2025 = (
    "max_tool_calls",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "metadata",
    "background",
    "previous_response_id",
    "service_tier",
    "truncation",
    "store",
    "instructions",
    "reasoning",
    "safety_identifier",
    "prompt_cache_key",
    "user",
)
_RESPONSE_2025 = ("object", "id", "created_at", "status", "error", "output_text", "output", "model")
_FINAL_2025 = ("object", "id", "created_at", "model", "status", "output", "output_text", "error")
_PLACE_2025 = ("item_id", "output_index", "content_index", "part", "text", "logprobs")

_RESPONSES_2025 = replace(
    _RESPONSES,
    events=(
        ("response.output_text.delta", Order(("type", "logprobs", *_EVENT), ("sequence_number",))),
        ("response.output_text.done", Order(("type", *_PLACE_2025), ("sequence_number",))),
        ("response.content_part", Order(("type", *_PLACE_2025), ("sequence_number",))),
    ),
    items={"message": Order(("type", "status", "content", "id", "role"))},
    item=Order(("type", "id", "summary", "content")),
    final_items={},
    part=Order(("type", "annotations", "text")),
    item_parts={"output_text": Order(("type", "text", "annotations"))},
    new_part_logprobs=False,
    part_logprobs=False,
    with_status=frozenset(),
    initial_items={"reasoning": {"content": ...}},
    ends_reasoning_late=True,
    has_call_names=False,
    members=(*_RESPONSE_2025, "incomplete_details", *_ECHO_2025),
    extra_members={"output_text": ""},
    responses=dict.fromkeys(
        ("completed", "incomplete", "failed"),
        Order((*_FINAL_2025, "incomplete_details", "usage", *_ECHO_2025)),
    ),
)

DIALECTS = (
    chat_dialect(
        "openrouter",
        _CHUNK,
        "index,delta,finish_reason,native_finish_reason=$native_finish_reason",
        {
            "role": f'content="",role,{_NULL_REFUSAL},{_NO_REASONING}',
            "text": f"content,role,{_NULL_REFUSAL},{_NO_REASONING}",
            "reasoning": f"{_BESIDE_REASONING},role,{_NULL_REFUSAL},{_REASONING}",
            "refusal": 'content="",role,refusal',
            "call": f"{_NO_CONTENT},role,tool_calls[index,id,type,function{{name,arguments}}]",
            "arguments": f"{_NO_CONTENT},role,tool_calls[index,type@type-first,"
            "function{arguments},type@type-last]",
            "annotations": 'content="",role,annotations',
            "finish": f'content="",role,{_NO_REASONING}',
            "usage": 'content="",role',
        },
        {"usage": f"{_LAST},usage"},
        usage=f"{THREE_COUNTS},cost=0,is_byok=false,prompt_tokens_details{{cached_tokens,"
        "cache_write_tokens=0,audio_tokens,video_tokens=0},cost_details{upstream_inference_cost=0,"
        "upstream_inference_prompt_cost=0,upstream_inference_completions_cost=0},"
        "completion_tokens_details{reasoning_tokens,image_tokens=0,audio_tokens}",
        usage_chunk="always",
        role="with",
        style=Style(floats="js"),
        id="gen-{created}-{alnum20}",
        extra={"provider": "OpenAI"},
        extra_steps=(ExtraStep(0, Comment("OPENROUTER PROCESSING")),) * 2,
        error="error{message,code=$status}",
        error_finish="error",
        headers=(("access-control-allow-origin", "*"), NO_CACHE, *CLOUDFLARE),
        mark=r'"provider":"[^"]*","choices"',
        responses=_RESPONSES,
        variants=_VARIANTS | {"type-last": _TYPE_LAST, "type-first": _TYPE_FIRST},
    ),
    # The same until early 2026.
    chat_dialect(
        "openrouter-2025",
        "id,provider@!no-provider,model,object,created,choices,system_fingerprint?",
        "index,delta,finish_reason,native_finish_reason=$native_finish_reason@!no-native-reason,"
        "logprobs",
        {
            "role": f'role,content="",{_NULL_REFUSAL},{_NO_REASONING}',
            "text": f"role,content,{_NULL_REFUSAL},{_NO_REASONING}",
            "reasoning": f"role,{_BESIDE_REASONING},{_NULL_REFUSAL},{_REASONING}",
            "refusal": 'role,content="",refusal',
            "call": f"role,{_NO_CONTENT},tool_calls[index,id,type,function{{name,arguments}}]",
            "arguments": f"role,{_NO_CONTENT},tool_calls[index,type@!type-last@!untyped,"
            "function{arguments},type@type-last]",
            "annotations": 'role,content="",annotations',
            "finish": f'role,content="",{_NO_REASONING}',
            "usage": 'role,content=""',
        },
        {"usage": "id,provider@!no-provider,model,object,created,choices,usage"},
        {
            "usage": "index,delta,finish_reason=null,native_finish_reason=null@!no-native-reason,"
            "logprobs"
        },
        usage=f"{THREE_COUNTS},cost=0,is_byok=false,prompt_tokens_details{{cached_tokens,audio_tokens}},"
        "cost_details{upstream_inference_cost=null,upstream_inference_prompt_cost=0,"
        "upstream_inference_completions_cost=0},completion_tokens_details{reasoning_tokens,"
        "image_tokens=0}",
        usage_chunk="always",
        role="with",
        style=Style(floats="js"),
        id="gen-{created}-{alnum20}",
        extra={"provider": "OpenAI"},
        extra_steps=(ExtraStep(0, Comment("OPENROUTER PROCESSING")),) * 2,
        error="error{message,code=$status}",
        error_finish="error",
        headers=(("access-control-allow-origin", "*"), NO_CACHE, *CLOUDFLARE),
        mark=r'^\{"id":"gen-\d+-\w+","provider"',
        variants=_VARIANTS
        | {
            "type-last": _TYPE_LAST,
            "untyped": Variant("pieces of arguments do not repeat the type"),
            "no-native-reason": Variant("no native_finish_reason: in 2024"),
            "no-provider": Variant("no provider: in 2024"),
        },
        responses=_RESPONSES_2025,
    ),
)

PATHS: tuple[tuple[str, str], ...] = ((r"/api/v1/(?P<path>.+)", "openrouter"),)
