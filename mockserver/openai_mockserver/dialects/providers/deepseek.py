"""DeepSeek."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CACHED_DETAILS,
    NO_CACHE,
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.responses import Order, ResponsesFormat

_RESPONSES = ResponsesFormat(
    extra_members={"content_filters": None},
    id="{uuid}",
    item_id="{uuid}",
    item=Order(("type", "id", "status")),
    obfuscated_events=frozenset(),
    with_status=frozenset({"reasoning"}),
    has_hidden_content=True,
    cache_writes=False,
)

DIALECTS = (
    chat_dialect(
        "deepseek",
        "id,object,created,model,system_fingerprint,choices,usage=$null_usage_if_requested",
        "index,delta,logprobs=$bare_logprobs,finish_reason",
        deltas={
            "role": "role,content=$empty_text_unless_reasoning,reasoning_content?",
            "text": "content,reasoning_content=$null_if_reasoning",
            "reasoning": "content=null,reasoning_content",
            "finish": 'content="",reasoning_content=$null_if_reasoning',
        },
        chunks={"finish": "id,object,created,model,system_fingerprint,choices,usage"},
        usage=f"{THREE_COUNTS},{CACHED_DETAILS},prompt_cache_hit_tokens=0,prompt_cache_miss_tokens=0",
        usage_chunk="never",
        id="{uuid}",
        fingerprint="fp_{hex10}_prod0820_fp8_kvcache_20260402",
        content_type="text/event-stream; charset=utf-8",
        headers=(NO_CACHE, ("x-ds-trace-id", "{hex32}")),
        mark=r"_kvcache|_prod\d",
        responses=_RESPONSES,
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
