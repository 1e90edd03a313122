"""Gemini's OpenAI-compatible endpoint."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    chat_dialect,
)

DIALECTS = (
    # As documented: ai.google.dev/gemini-api/docs/openai; never recorded.
    chat_dialect(
        "gemini",
        "choices,created,id,model,object",
        "delta,finish_reason?,index",
        {
            "role": "role",
            "text": "content,role",
            "reasoning": "content=$thought,role",
            "call": "role,tool_calls[function{arguments,name},id,type,index]",
        },
        {"finish": "choices,created,id,model,object,usage=$usage_if_asked"},
        usage="completion_tokens,prompt_tokens,total_tokens",
        usage_chunk="never",
        role="with",
        calls="whole",
        finish="with",
        id="{alnum22}",
        error='error{code=$status,message,status="INVALID_ARGUMENT"}',
        headers=(("server", "scaffolding on HTTPServer2"),),
    ),
)

PATHS: tuple[tuple[str, str], ...] = ((r"/v1beta/openai/(?P<path>.+)", "gemini"),)
