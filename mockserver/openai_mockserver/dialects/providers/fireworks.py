"""Fireworks AI."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CACHED_DETAILS,
    chat_dialect,
)

DIALECTS = (
    # As documented: docs.fireworks.ai/api-reference/post-chatcompletions; never recorded.
    chat_dialect(
        "fireworks",
        "id,object,created,model,choices,usage=null",
        "index,delta,finish_reason,logprobs",
        {"role": "role"},
        {"finish": "id,object,created,model,choices,usage"},
        usage=f"prompt_tokens,total_tokens,completion_tokens,{CACHED_DETAILS}",
        usage_chunk="never",
        calls="first",
        id="{uuid}",
        error='error{object="error",type,code,message}',
        headers=(("fireworks-server-processing-time", "0.1"),),
        mark=r'"accounts/fireworks',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ((r"/inference/v1/(?P<path>.+)", "fireworks"),)
