"""Mistral."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CACHED_DETAILS,
    CLOUDFLARE,
    chat_dialect,
)
from openai_mockserver.dialects.variants import Variant

DIALECTS = (
    chat_dialect(
        "mistral",
        "id,object,created,model,choices,p?",
        "index,delta,finish_reason,logprobs=null@logprobs",
        {
            "role": 'role,content=""',
            "reasoning": 'content[type="thinking",thinking[type="text",text=$piece],closed?]',
            "call": "content=null@null-content,"
            "tool_calls[id,type@typed,function{name,arguments},index]",
            "finish": 'content=""',
        },
        {
            "role": "id,object,created,model,choices",
            "finish": "id,object,created,model,choices,usage,p?",
        },
        usage=f"prompt_tokens,total_tokens,completion_tokens,{CACHED_DETAILS}",
        usage_chunk="never",
        calls="whole",
        finish="with",
        id="{hex32}",
        padding="p",
        error='object="error",message,type,param,code,raw_status_code=$status',
        content_type="text/event-stream; charset=utf-8",
        headers=(("mistral-correlation-id", "{uuid}"), *CLOUDFLARE),
        mark=r'"p":"a|^\{"id":"[0-9a-f]{32}","object":"chat.completion.chunk","created":\d+,'
        r'"model":"[^"]*","choices":\[\{"index":0,"delta":\{"role":"assistant","content":""\},'
        r'"finish_reason":null',
        variants={
            "logprobs": Variant("choices have logprobs, which are null: in 2024"),
            "null-content": Variant("the content beside calls is null: in 2024"),
            "typed": Variant("calls have a type"),
        },
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
