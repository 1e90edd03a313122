"""Cerebras."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CACHED_DETAILS,
    CLOUDFLARE,
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.json_style import Style

DIALECTS = (
    chat_dialect(
        "cerebras",
        "id,choices,created,model,system_fingerprint,object",
        "delta,index",
        {
            "role": "role",
            "reasoning": "reasoning",
            "call": "tool_calls[function{name,arguments},type,id,index]",
            "arguments": "tool_calls[function{arguments},type,index]",
        },
        {"finish": "id,choices,created,model,system_fingerprint,object,usage,time_info"},
        {"finish": "delta,finish_reason,index"},
        usage=f"{THREE_COUNTS},{CACHED_DETAILS}",
        usage_chunk="never",
        calls="first",
        ends_with_done=False,
        style=Style(floats="python"),
        fingerprint="fp_{hex20}",
        extra={
            "time_info": {
                "queue_time": 0.0001,
                "prompt_time": 0.002,
                "completion_time": 0.04,
                "total_time": 0.05,
            }
        },
        error="message,type,param,code",
        content_type="text/event-stream; charset=utf-8",
        headers=(
            ("inference-id", "chatcmpl-{uuid}"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("strict-transport-security", "max-age=3600; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-ratelimit-limit-requests-day", "1440000"),
            ("x-ratelimit-limit-tokens-minute", "1000000"),
            ("x-ratelimit-remaining-requests-day", "1439972"),
            ("x-ratelimit-remaining-tokens-minute", "999696"),
            ("x-ratelimit-reset-requests-day", "3503.7551975250244"),
            ("x-ratelimit-reset-tokens-minute", "23.755197525024414"),
            ("x-request-id", "{hex16}-ORD"),
            ("alt-svc", 'h3=":443"; ma=86400'),
            *CLOUDFLARE,
        ),
        mark=r'^\{"id":"chatcmpl-[0-9a-f-]{36}","choices":\[\{"delta":\{"role"',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
