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
        headers=(("inference-id", "chatcmpl-{uuid}"), *CLOUDFLARE),
        mark=r'^\{"id":"chatcmpl-[0-9a-f-]{36}","choices":\[\{"delta":\{"role"',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
