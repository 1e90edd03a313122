"""Perplexity."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CLOUDFLARE,
    ROLE_AND_CONTENT,
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.json_style import Style
from openai_mockserver.dialects.variants import Variant

DIALECTS = (
    chat_dialect(
        "perplexity",
        "id,model,created,usage=$running_usage,citations,search_results?,object,choices",
        'index,message{role="assistant",content=$text_so_far}@!no-message,delta',
        {"text": ROLE_AND_CONTENT, "role": 'role,content=""', "finish": 'role,content=""'},
        {
            "finish": "id,model,created,usage=$running_usage,citations,search_results?,"
            'object="chat.completion.done",choices'
        },
        {
            "finish": 'index,message{role="assistant",content=$text_so_far}@!no-message,delta,'
            "finish_reason"
        },
        usage=f'{THREE_COUNTS},search_context_size="low",cost{{input_tokens_cost=0,output_tokens_cost=0,'
        "request_cost=0.005,total_cost=0.005}",
        usage_chunk="never",
        role="with",
        ends_with_done=False,
        eol="\r\n",
        style=Style(floats="python"),
        variants={"no-message": Variant("chunks do not repeat the message: in 2026")},
        id="{uuid}",
        extra={"citations": [], "search_results": []},
        error="error{message,type,code=$status}",
        content_type="text/event-stream; charset=utf-8",
        headers=CLOUDFLARE,
        mark=r'"citations"|"search_results"',
    ),
    chat_dialect(
        "perplexity-2025",
        "id,model,created,usage=$running_usage,citations,search_results?,"
        'object="chat.completion",choices',
        'index,finish_reason,message{role="assistant",content=$text_so_far},delta',
        {"text": ROLE_AND_CONTENT, "role": 'role,content=""', "finish": 'role,content=""'},
        usage=f'{THREE_COUNTS},search_context_size="low"',
        usage_chunk="never",
        role="with",
        finish="with",
        ends_with_done=False,
        eol="\r\n",
        style=Style(has_spaces=True, floats="python"),
        id="{uuid}",
        extra={"citations": [], "search_results": []},
        error="error{message,type,code=$status}",
        content_type="text/event-stream; charset=utf-8",
        headers=CLOUDFLARE,
        mark=r'"object": ?"chat\.completion", ?"choices"',
    ),
)

# Perplexity's base URL has no path, which elsewhere means that /v1 is missing: so the host name
# stands in the path.
PATHS: tuple[tuple[str, str], ...] = ((r"/api\.perplexity\.ai/(?P<path>.+)", "perplexity"),)
