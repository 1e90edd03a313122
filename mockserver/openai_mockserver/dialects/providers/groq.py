"""Groq."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CLOUDFLARE,
    NO_CACHE,
    chat_dialect,
)
from openai_mockserver.dialects.json_style import Style

DIALECTS = (
    chat_dialect(
        "groq",
        "id,object,created,model,system_fingerprint,choices",
        deltas={
            "reasoning": "reasoning,channel?",
            "call": "tool_calls[id,type,function{name,arguments},index]",
        },
        chunks={
            "role": "id,object,created,model,system_fingerprint,choices,x_groq{id,seed?}",
            "finish": "id,object,created,model,system_fingerprint,choices,"
            "x_groq{id,usage=$usage},usage",
            "usage": "id,object,created,model,system_fingerprint,choices,usage,"
            'service_tier="on_demand"',
        },
        usage="queue_time=0.02,prompt_tokens,prompt_time=0.01,completion_tokens,"
        "completion_time=0.1,total_tokens,total_time=0.11",
        calls="whole",
        style=Style(html=True, floats="js"),
        fingerprint="fp_{hex10}",
        extra={"x_groq.id": "req_{ulid}"},
        error="error{message,type,code?}",
        error_event="error",
        headers=(
            NO_CACHE,
            ("x-groq-region", "fra"),
            ("x-request-id", "req_{ulid}"),
            ("via", "1.1 google"),
            ("vary", "Origin"),
            *CLOUDFLARE,
        ),
        mark=r'"x_groq"',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
