"""Together AI."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CLOUDFLARE,
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.variants import Variant

DIALECTS = (
    chat_dialect(
        "together",
        "id,object,created,choices,model,usage=null",
        "index,text=$text,logprobs,finish_reason,seed,delta",
        {
            "role": 'token_id,role,content="",tool_calls=null@null-calls',
            "text": "token_id,role,content,tool_calls=null@null-calls",
            "reasoning": 'token_id,role,content="",reasoning,tool_calls=null@null-calls',
            "finish": 'token_id,role,content="",tool_calls=null@null-calls',
        },
        {"finish": "id,object,created,choices,model,usage"},
        usage=f"{THREE_COUNTS},cached_tokens=0",
        usage_chunk="never",
        role="with",
        id="{alnum7}-{alnum6}-{hex16}",
        extra={"choices.delta.token_id": 0},
        content_type="text/event-stream;charset=utf-8",
        headers=CLOUDFLARE,
        mark=r'"token_id"|^\{"id":"o[0-9A-Za-z]{6}-',
        variants={"null-calls": Variant("deltas have tool_calls, which are null: in 2024")},
    ),
    # Its tool calls of 2025, which a vLLM writes.
    chat_dialect(
        "together-calls",
        "id,object,created,model,choices",
        deltas={"role": "role,content=null"},
        usage=THREE_COUNTS,
        finish="with",
        id="{hex16}",
        headers=CLOUDFLARE,
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
