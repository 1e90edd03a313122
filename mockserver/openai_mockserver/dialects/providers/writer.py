"""Writer."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    chat_dialect,
)

DIALECTS = (
    chat_dialect(
        "writer",
        "id,object,choices,created,model,usage=null,system_fingerprint,service_tier=null",
        "index,finish_reason,message=$delta_copy,delta,logprobs,trace_details=null",
        {
            kind: f"content{'=null' if kind != 'text' else ''},role,"
            + {
                "call": "tool_calls[index,id,type,function{name,arguments=null}]",
                "arguments": "tool_calls[index,id=null,type=null,function{name=null,arguments}]",
            }.get(kind, "tool_calls=null")
            + ',graph_data={"sources":null,"status":null,"subqueries":null},llm_data=null,'
            "image_data=null,translation_data=null,web_search_data=null,"
            + ("refusal" if kind == "refusal" else "refusal=null")
            for kind in ("role", "text", "call", "arguments", "refusal", "finish")
        },
        {
            "usage": "id,object,choices,created,model,usage,system_fingerprint,service_tier=null",
        },
        usage="prompt_tokens,total_tokens,completion_tokens,prompt_token_details=null,"
        "completion_tokens_details=null",
        ends_with_done=False,
        id="{uuid}",
        fingerprint="v1",
        mark=r'"graph_data"',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
