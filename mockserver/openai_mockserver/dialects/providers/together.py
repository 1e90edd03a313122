"""Together AI."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CLOUDFLARE,
    THREE_COUNTS,
    chat_dialect,
)

DIALECTS = (
    chat_dialect(
        "together",
        "id,object,created,choices,model,usage=null",
        "index,text=$text,logprobs,finish_reason,seed=null,delta",
        {
            "role": 'token_id=0,role,content=""',
            "text": "token_id=0,role,content",
            "reasoning": 'token_id=0,role,content="",reasoning',
            "finish": 'token_id=0,role,content=""',
        },
        {"finish": "id,object,created,choices,model,usage"},
        usage=f"{THREE_COUNTS},cached_tokens=0",
        usage_chunk="never",
        role="with",
        id="{alnum7}-{alnum6}-{hex16}",
        headers=CLOUDFLARE,
        mark=r'"token_id"|^\{"id":"o[0-9A-Za-z]{6}-',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
