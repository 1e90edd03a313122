"""LiteLLM."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    chat_dialect,
)

DIALECTS = (
    chat_dialect(
        "litellm",
        "id,created,model,object,choices,stream_options?",
        "index,delta",
        {"role": "role", "role+text": "content,role", "usage": ""},
        choices={"finish": "finish_reason,index,delta"},
        usage="completion_tokens,prompt_tokens,total_tokens,completion_tokens_details{"
        "accepted_prediction_tokens,audio_tokens,reasoning_tokens,rejected_prediction_tokens},"
        "prompt_tokens_details{audio_tokens,cached_tokens}",
        role="with",
        error="error{message,type,param,code=$status_text}",
        content_type="text/event-stream; charset=utf-8",
        headers=(
            ("server", "uvicorn"),
            ("x-litellm-version", "1.80.0"),
            ("x-litellm-call-id", "{uuid}"),
            ("x-litellm-key-spend", "0.0"),
        ),
        mark=r'"stream_options"',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
