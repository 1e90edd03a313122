"""Databricks."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    ROLE_AND_CONTENT,
    chat_dialect,
)

DIALECTS = (
    chat_dialect(
        "databricks",
        "model,choices,usage=$running_usage,object,id,created",
        "delta,index,finish_reason",
        {
            "role": ROLE_AND_CONTENT,
            "text": ROLE_AND_CONTENT,
            "call": "role,content=null,tool_calls[index,id,type,function{name,arguments}]",
            "arguments": "role,content=null,tool_calls[index,function{arguments}]",
            "finish": 'role,content=""',
        },
        {"finish": "model,choices,usage,object,id,created"},
        usage="cache_read_input_tokens=0,completion_tokens,prompt_tokens,total_tokens,"
        "cache_creation_input_tokens=0",
        usage_chunk="never",
        role="with",
        headers=(
            ("server", "databricks"),
            ("server-timing", 'request_id;dur=0;desc="{uuid}"'),
            ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
            ("x-amzn-bedrock-content-type", "application/json"),
            ("x-amzn-requestid", "{uuid}"),
            ("x-content-type-options", "nosniff"),
            ("x-request-id", "{uuid}"),
            ("alt-svc", 'h3=":443"; ma=86400, h3-29=":443"; ma=86400'),
        ),
        id="msg_bdrk_{alnum24}",
        mark=r'^\{"model":"[^"]*","choices":\[\{"delta":',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ((r"/serving-endpoints/(?P<path>.+)", "databricks"),)
