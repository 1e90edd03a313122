"""xAI."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CLOUDFLARE,
    NO_CACHE,
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.realtime import RealtimeFormat, own
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

_NO_CONTENT = {"message": {"content": ...}}

_REALTIME = RealtimeFormat(
    names={"conversation.item.done": ""},
    parts={"output_text": "text", "output_audio": "audio"},
    events={
        "session.created": own("type event_id session"),
        "session.updated": own("session type event_id") | {"previous_item_id": None},
        "conversation.item.added": own("item previous_item_id"),
        "response.created": own("response"),
        "response.output_item.added": own("item response_id") | {"output_index": 0},
        "response.content_part.added": own("item_id")
        | {"previous_item_id": "0"}
        | own("part response_id content_index output_index"),
        "response.output_audio.delta": own(
            "item_id response_id delta content_index output_index rid latency audio_duration_ms ts"
        ),
        "response.output_audio_transcript.delta": own(
            "item_id response_id delta content_index output_index rid start_time"
        ),
        "response.output_audio_transcript.done": own(
            "item_id transcript response_id content_index output_index"
        ),
        "response.output_audio.done": own("item_id response_id content_index output_index"),
        "response.content_part.done": own("item_id response_id content_index output_index"),
        "response.function_call_arguments.delta": own("item_id response_id delta call_id"),
        "response.function_call_arguments.done": own("item_id response_id")
        | {"output_index": 0}
        | own("call_id name arguments"),
        "response.output_item.done": own("item response_id") | {"output_index": 0},
        "response.done": own("response response_id usage"),
    },
    last={"previous_item_id": None},
    items={
        "message": own("id object type status role content"),
        "function_call": own("id object type status")
        | {"role": "user"}
        | own("call_id name arguments"),
        "function_call_output": own("id object type")
        | {"status": "completed", "role": "tool"}
        | own("call_id output"),
    },
    changes={
        "response.output_item.added": _NO_CONTENT,
        "response.output_item.done": _NO_CONTENT,
        "conversation.item.added": {"function_call": {"role": "tool"}},
    },
    response=own("id object output status") | {"status_details": "unimplemented", "usage": {}},
    session="mixed",
    new_session_members=own("id object instructions voice modalities turn_detection tools model"),
    session_members=own("instructions")
    | {"enable_noise_suppression": True}
    | own("turn_detection model tools")
    | {"keep_context": False, "enable_phonetic_spelling": False}
    | own("input_audio_transcription modalities")
    | {"input_audio_format": "not specified", "output_audio_format": "not specified"}
    | own("tool_choice")
    | {"temperature": -1.0}
    | own("max_response_output_tokens audio"),
    has_obfuscation=False,
    has_conversation=True,
    has_call_links=False,
    has_call_deltas=False,
    checks_type=False,
    sends_audio_first=True,
    closes_audio_last=True,
    token_kinds={"grok_tokens": 0},
    usage={
        "": own(
            "input_tokens input_token_details output_tokens output_token_details total_tokens "
            "output_audio_seconds billable_audio_seconds"
        )
    },
    ids={"": "{uuid}", "sess": "{hex32}", "call": "call-{uuid}-0"},
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
        realtime=_REALTIME,
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
