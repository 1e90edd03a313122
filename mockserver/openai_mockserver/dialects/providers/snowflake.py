"""Snowflake Cortex."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    NO_CACHE,
    chat_dialect,
)

DIALECTS = (
    chat_dialect(
        "snowflake",
        "choices,created=0,id,model,object,service_tier,system_fingerprint",
        'delta,index,logprobs={"content":null,"refusal":null}',
        {
            "role": 'content="",refusal="",role,tool_calls=null',
            "text": 'content,refusal="",role,tool_calls=null',
            "reasoning": 'content="",reasoning_details[format="anthropic-claude-v1",id?,index=0,'
            'text=$piece,type="reasoning.text"],refusal="",role,tool_calls=null',
            "call": 'content="",refusal="",role,tool_calls[function{arguments,name},id,index,type]',
            "arguments": 'content="",refusal="",role,tool_calls[function{arguments},index]',
            "finish": 'content="",refusal="",role,tool_calls=null',
        },
        {"usage": "choices,created=0,id,model,object,service_tier,system_fingerprint,usage"},
        {"finish": 'delta,finish_reason?,index,logprobs={"content":null,"refusal":null}'},
        usage="completion_tokens,completion_tokens_details{accepted_prediction_tokens,audio_tokens,"
        "reasoning_tokens,rejected_prediction_tokens},prompt_tokens,prompt_tokens_details{"
        "audio_tokens,cached_tokens},total_tokens",
        usage_chunk="always",
        role="with",
        id="",
        fingerprint="",
        extra={"service_tier": ""},
        headers=(
            NO_CACHE,
            ("expect-ct", "enforce, max-age=3600"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("vary", "Accept-Encoding, User-Agent"),
        ),
        mark=r'"id":"","model":"[^"]*","object":"chat.completion.chunk","service_tier":""',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ((r"/api/v2/cortex/v1/(?P<path>.+)", "snowflake"),)
