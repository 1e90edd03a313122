"""Gemini's OpenAI-compatible endpoint."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    chat_dialect,
)
from openai_mockserver.dialects.variants import Variant

DIALECTS = (
    # As documented (ai.google.dev/gemini-api/docs/openai) and reported: calls have no index, on
    # which the SDK's stream helper fails, and streams of calls finish with "stop"
    # (github.com/googleapis/python-genai/issues/2868). The calls recorded in March 2025 have an
    # empty id: `ToolCall(id="")`.
    chat_dialect(
        "gemini",
        "choices,created,id,model,object,usage=$running_usage@usage-everywhere",
        "delta,finish_reason?,index",
        {
            "role": "role",
            "text": "content,role",
            "reasoning": "content=$tagged_reasoning,role",
            "call": "role,tool_calls[extra_content?,function{arguments,name},id,type]",
        },
        {"finish": "choices,created,id,model,object,usage=$usage_if_requested"},
        usage="completion_tokens,prompt_tokens,total_tokens",
        usage_chunk="never",
        role="with",
        calls="whole",
        finish="with",
        calls_finish="stop",
        id="{alnum22}",
        error='error{code=$status,message,status="INVALID_ARGUMENT"}',
        headers=(
            ("server", "scaffolding on HTTPServer2"),
            ("server-timing", "gfet4t7; dur=361"),
            ("vary", "Origin"),
            ("vary", "X-Origin"),
            ("vary", "Referer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "SAMEORIGIN"),
            ("x-xss-protection", "0"),
            ("alt-svc", 'h3=":443"; ma=2592000,h3-29=":443"; ma=2592000'),
        ),
        mark=r'"model":"gemini-',
        variants={
            "usage-everywhere": Variant("each chunk has the usage so far: in 2025"),
        },
    ),
)

PATHS: tuple[tuple[str, str], ...] = ((r"/v1beta/openai/(?P<path>.+)", "gemini"),)
