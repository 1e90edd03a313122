"""Hugging Face."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.completions import CompletionsFormat

_COMPLETIONS = CompletionsFormat(  # Featherless, behind its router
    id="{uuid}",
    fingerprint="fp1-rss-p1",
    choice=("text", "index", "finish_reason"),
    usage_chunk=("id", "object", "model", "created", "choices", "usage"),
    usage=("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens"),
    usage_null=False,
    usage_always=True,
    length_with_text=False,
    fingerprint_at_end=True,
)

DIALECTS = (
    chat_dialect(
        "huggingface",
        "id,object,created,model,choices",
        "delta,index,finish_reason",
        {
            "role": "role",
            "role+text": "content,role",
            "role+call": "tool_calls[index,id,type,function{name}],role",
            "call": "tool_calls[index,id,type,function{name}]",
        },
        {
            "finish": "id,object,created,model,choices,system_fingerprint",
            "usage": "id,object,model,created,choices,usage",
        },
        {
            "call": "delta,index",
            "arguments": "delta,index",
        },
        usage=f"{THREE_COUNTS},cached_tokens=0",
        role="with",
        id="{uuid}",
        fingerprint="fp1-rss-p1",
        mark=r'^\{"id":"[^"]*","object":"chat.completion.chunk","created":\d+,"model":"[^"]*",'
        r'"choices":\[\{"delta":',
        completions=_COMPLETIONS,
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
