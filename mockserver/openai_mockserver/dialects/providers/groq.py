"""Groq."""

from __future__ import annotations

from typing import Any

from openai_mockserver.dialects.chat import (
    CLOUDFLARE,
    NO_CACHE,
    chat_dialect,
)
from openai_mockserver.dialects.dialect import Dialect
from openai_mockserver.dialects.json_style import Style

_CHUNK = "id,object,created,model,system_fingerprint,choices"
_ROLE = f"{_CHUNK},x_groq{{id,seed?}}"
_FINISH = f"{_CHUNK},x_groq{{id,usage=$usage}}"


def _groq(name: str, **differences: Any) -> Dialect:
    return chat_dialect(
        name,
        _CHUNK,
        usage="queue_time=0.02,prompt_tokens,prompt_time=0.01,completion_tokens,"
        "completion_time=0.1,total_tokens,total_time=0.11",
        deltas={
            "reasoning": "reasoning,channel?",
            "call": "tool_calls[id,type,function{name,arguments},index]",
        },
        calls="whole",
        style=Style(html=True, floats="js"),
        fingerprint="fp_{hex10}",
        extra={"x_groq.id": "req_{ulid}"},
        error="error{message,type,code?}",
        error_event="error",
        headers=(
            NO_CACHE,
            ("x-ratelimit-limit-requests", "14400"),
            ("x-ratelimit-limit-tokens", "15000"),
            ("x-ratelimit-remaining-requests", "14397"),
            ("x-ratelimit-remaining-tokens", "14985"),
            ("x-ratelimit-reset-requests", "17.683s"),
            ("x-ratelimit-reset-tokens", "60ms"),
            ("x-groq-region", "fra"),
            ("x-request-id", "req_{ulid}"),
            ("via", "1.1 google"),
            ("vary", "Origin"),
            *CLOUDFLARE,
        ),
        **differences,
    )


DIALECTS = (
    _groq(
        "groq",
        chunks={
            "role": _ROLE,
            "finish": f"{_FINISH},usage",
            "usage": f'{_CHUNK},usage,service_tier="on_demand"',
        },
        mark=r'"x_groq"',
    ),
    # Until early 2025 only x_groq had the usage.
    _groq(
        "groq-2024",
        chunks={"role": _ROLE, "finish": _FINISH},
        usage_chunk="never",
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
