"""Providers with few recordings, and what most compatible servers have in common."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CACHED_DETAILS,
    CLOUDFLARE,
    ROLE_AND_CONTENT,
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.json_style import Style
from openai_mockserver.dialects.variants import Variant

_COMPATIBLE = (
    "id,object,created,model,system_fingerprint?@!fingerprint-last,choices,"
    "system_fingerprint?@fingerprint-last"
)
_BESIDE = 'content=null@null-content,content=""@empty-content'
_NATIVE = "index,delta,finish_reason,native_finish_reason=$native_finish_reason"
_SORTED = "choices,created,id,model,object"
_CACHE_CREATION = (
    "cache_creation{ephemeral_1h_input_tokens=0,ephemeral_24h_input_tokens=0,"
    "ephemeral_5m_input_tokens=0},cache_creation_input_tokens=0,cache_read_input_tokens=0"
)

DIALECTS = (
    # No server of its own: the least that a client must expect of a compatible server.
    chat_dialect(
        "compatible",
        f"{_COMPATIBLE},usage=null@null-usage",
        "index,delta,logprobs@logprobs-first,finish_reason@!late-finish,"
        "finish_reason?@late-finish,logprobs@logprobs-last,"
        "native_finish_reason=$native_finish_reason@native-reason",
        {
            "role": 'role,content=""@!bare-role@!null-content,content=null@null-content,'
            "refusal=null@null-refusal",
            "role+text": f"{ROLE_AND_CONTENT},refusal=null@null-refusal",
            "text": "role@role-everywhere,content",
            "reasoning": f"role@role-everywhere,{_BESIDE},reasoning@short-reasoning,"
            "reasoning_content@!short-reasoning",
            "call": f"role@role-everywhere,{_BESIDE},"
            "tool_calls[index,id,type,function{name,arguments}]",
            "arguments": f"role@role-everywhere,{_BESIDE},"
            "tool_calls[index,type@typed,function{arguments}]",
            "finish": 'role@role-everywhere,content=""@empty-finish',
        },
        {
            "usage": f"{_COMPATIBLE},usage",
            "finish": f"{_COMPATIBLE},usage@usage-with-finish,usage=null@null-usage",
        },
        usage=THREE_COUNTS,
        variants={
            "null-usage": Variant("chunks have a usage that is null"),
            "usage-with-finish": Variant(
                "the chunk with the finish reason has the usage", {"usage_chunk": "never"}
            ),
            "logprobs-first": Variant("choices have null logprobs before the finish reason"),
            "logprobs-last": Variant("choices have null logprobs after the finish reason"),
            "late-finish": Variant("choices have a finish reason only at their end"),
            "fingerprint-last": Variant("the fingerprint follows the choices"),
            "bare-role": Variant("the chunk with the role has no content"),
            "null-content": Variant("the content beside the role, reasoning or calls is null"),
            "empty-content": Variant("the content beside reasoning or calls is empty"),
            "native-reason": Variant("choices end with OpenRouter's native_finish_reason"),
            "null-refusal": Variant("the delta with the role has a refusal, which is null"),
            "short-reasoning": Variant("reasoning has OpenRouter's name"),
            "typed": Variant("pieces of arguments repeat the type"),
            "role-everywhere": Variant("each delta has the role"),
            "empty-finish": Variant("the last delta has empty content"),
        },
    ),
    chat_dialect(
        "ai21",
        "id,choices",
        deltas={"role": "role", "finish": 'content=""'},
        chunks={"finish": "id,choices,usage"},
        usage=THREE_COUNTS,
        usage_chunk="never",
        eol="\r\n",
        style=Style(has_spaces=True),
        id="chatcmpl-{uuid}",
        content_type="text/event-stream; charset=utf-8",
        headers=(
            ("request-id", "{uuid}"),
            ("strict-transport-security", "max-age=15552000; includeSubDomains"),
            ("via", "1.1 google"),
            *CLOUDFLARE,
        ),
        mark=r'^\{"id": "[^"]*", "choices": \[\{"index": 0, "delta": \{"role": "assistant"\}, "l',
    ),
    # Its first chunk is its own, all others are OpenRouter's without the provider.
    chat_dialect(
        "avian",
        "id,object,created,model,choices",
        _NATIVE,
        {
            "role": "role",
            "text": "content,role",
            "reasoning": 'content="",role,reasoning_details=$reasoning_details,reasoning_content',
            "call": "content=null,role,tool_calls[index,id,type,function{name,arguments}]",
            "arguments": "content=null,role,tool_calls[index,function{arguments}]",
            "finish": 'content="",role,reasoning_content=$null_if_reasoning',
            "usage": 'content="",role',
        },
        choices={"role": "index,delta,finish_reason"},
        usage=f"{THREE_COUNTS},cost=0,prompt_tokens_details{{cached_tokens,cache_write_tokens=0,"
        "audio_tokens,video_tokens=0},completion_tokens_details{reasoning_tokens,image_tokens=0,"
        "audio_tokens}",
        usage_chunk="always",
        style=Style(has_spaces=True),
        id="gen-{created}-{alnum20}",
        content_type="text/event-stream; charset=utf-8",
        mark=r'^\{"id": "gen-',
    ),
    chat_dialect(
        "doubleword",
        _SORTED,
        "delta,finish_reason?,index",
        {
            "role": "role",
            "text": "content,role",
            "reasoning": "reasoning_content,role",
            "call": "role,tool_calls[function{arguments,name},id,index,type]",
            "arguments": "role,tool_calls[function{arguments},index]",
            "finish": "role",
        },
        {"usage": f"{_SORTED},usage"},
        usage=f"{_CACHE_CREATION},completion_tokens,completion_tokens_details{{"
        "accepted_prediction_tokens,audio_tokens,reasoning_tokens,rejected_prediction_tokens},"
        "prompt_tokens,prompt_tokens_details{cached_tokens},total_tokens",
        usage_chunk="always",
        role="with",
        mark=r'"ephemeral_24h_input_tokens"',
        variants={
            "openrouter": Variant(
                "models behind OpenRouter",
                {
                    "deltas": {
                        "text": "content,role",
                        "reasoning": 'content="",reasoning,'
                        "reasoning_details=$reasoning_details,role",
                        "finish": 'content="",role',
                        "usage": 'content="",role',
                    }
                },
            ),
        },
    ),
    chat_dialect(
        "opencode",
        "id,object,created,model,choices,usage=null",
        deltas={
            "role": 'role,content="",reasoning_content=null,tool_calls=null',
            "text": "role,content,reasoning_content=null,tool_calls=null",
            "reasoning": 'role,content="",reasoning_content,tool_calls=null',
            "call": 'role,content="",reasoning_content=null,'
            "tool_calls[index,id,type,function{name,arguments}]",
            "arguments": 'role,content="",reasoning_content=null,'
            "tool_calls[index,function{arguments}]",
            "finish": 'role,content="",reasoning_content=null,tool_calls=null',
        },
        chunks={"finish": "id,object,created,model,choices,usage"},
        usage="prompt_tokens,total_tokens,completion_tokens,estimated_cost=0.0,"
        "prompt_tokens_details{cached_tokens,cache_write_tokens=0}",
        usage_chunk="never",
        finish="with",
        style=Style(has_spaces=True, floats="python"),
        mark=r'"estimated_cost"',
    ),
    chat_dialect(
        "venice",
        _SORTED,
        "delta,finish_reason,index,logprobs,token_ids=null",
        {
            "role": 'content="",reasoning_content=null,reasoning_encrypted=false,role',
            "text": "content,reasoning_content=null,reasoning_encrypted=false",
            "reasoning": 'content="",reasoning_content,reasoning_encrypted=false',
            "call": 'content="",reasoning_content=null,reasoning_encrypted=false,'
            "tool_calls[function{arguments,name},id,index,type]",
            "arguments": 'content="",reasoning_content=null,reasoning_encrypted=false,'
            "tool_calls[function{arguments},index]",
            "finish": 'content="",reasoning_content=null,reasoning_encrypted=false',
        },
        {
            "role": f"{_SORTED},prompt_token_ids=null",
            "usage": "choices,cost,created,id,model,object,usage",
        },
        {
            "role": "delta,finish_reason,index,logprobs",
            "finish": "delta,finish_reason,index,logprobs,stop_reason,token_ids=null",
        },
        usage=f"completion_tokens,prompt_tokens,{CACHED_DETAILS},total_tokens",
        usage_chunk="always",
        extra={"cost": {"diem": 0, "usd": 0.0001}},
        content_type="text/event-stream; charset=utf-8",
        mark=r'"reasoning_encrypted"',
    ),
    # A fork of llama.cpp's server, which GPUStack runs.
    chat_dialect(
        "llama-box",
        f"{_SORTED},usage=null",
        "delta,finish_reason,index",
        {
            "role": "role",
            "role+text": "content",
            "role+reasoning": "reasoning_content",
            "finish": 'content=""',
        },
        {"finish": f"{_SORTED},usage"},
        usage="completion_tokens,completion_tokens_details{accepted_prediction_tokens,"
        "reasoning_tokens,rejected_prediction_tokens},draft_tokens=0,draft_tokens_acceptance=0.0,"
        f"prompt_tokens,{CACHED_DETAILS},prompt_tokens_per_second=100.0,"
        "time_per_output_token_ms=10.0,time_to_first_token_ms=50.0,tokens_per_second=100.0,"
        "total_tokens",
        usage_chunk="never",
        role="with",
        ends_with_done=False,
        style=Style(floats="python"),
        id="chatcmpl-{alnum32}",
        headers=(
            ("server", "uvicorn"),
            ("access-control-allow-origin", "*"),
            ("cache-control", "no-cache, no-store, no-transform"),
            ("x-request-accepted-at", "{digits10}"),
            ("x-request-id", "{uuid}"),
        ),
        mark=r'"draft_tokens"',
    ),
    # As documented: volcengine.com/docs/82379; never recorded.
    chat_dialect(
        "volcengine",
        "choices,created,id,model,service_tier,object,usage=null",
        "delta,finish_reason?,index",
        {
            "role": 'content="",role',
            "text": "content,role",
            "reasoning": 'content="",reasoning_content,role',
            "call": 'content="",role,tool_calls[function{arguments,name},id,index,type]',
            "arguments": 'content="",role,tool_calls[function{arguments},index]',
            "finish": 'content="",role',
        },
        {"usage": "choices,created,id,model,service_tier,object,usage"},
        usage=f"completion_tokens,prompt_tokens,total_tokens,{CACHED_DETAILS},"
        "completion_tokens_details{reasoning_tokens}",
        role="with",
        id="{date}{hex16}",
    ),
    # One API and its relatives leave out what is null.
    chat_dialect(
        "one-api",
        "id,object,created,model,choices,service_tier?,system_fingerprint?",
        "index,delta,finish_reason?",
        {"role": 'role,content=""'},
        {"usage": "id,object,created,model,choices,service_tier?,system_fingerprint?,usage"},
        {"role": "index,delta"},
        usage=f"{THREE_COUNTS},prompt_tokens_details{{audio_tokens,cached_tokens}},"
        "completion_tokens_details{accepted_prediction_tokens,audio_tokens,reasoning_tokens,"
        "rejected_prediction_tokens}",
        id="chatcmpl-{openai}",
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
