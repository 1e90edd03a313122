"""vLLM."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CACHED_DETAILS,
    CHOICE,
    chat_dialect,
)
from openai_mockserver.dialects.completions import CompletionsFormat

_COMPLETIONS = CompletionsFormat(
    id="cmpl-{hex32}",
    choice=("index", "text", "logprobs", "finish_reason", "stop_reason"),
    usage_null=True,
)

DIALECTS = (
    chat_dialect(
        "vllm",
        "id,object,created,model,choices",
        "index,delta,logprobs,finish_reason,token_ids=null",
        {
            "role": 'role,content=""',
            "reasoning": "reasoning",
            "call": "tool_calls[id,type,index,function{name,arguments}]",
        },
        {
            "role": "id,object,created,model,choices,prompt_token_ids=null,prompt_text=null",
            "usage": "id,object,created,model,choices,usage,system_fingerprint?",
        },
        {
            "role": CHOICE,
            "finish": "index,delta,logprobs,finish_reason,stop_reason,token_ids=null",
        },
        usage=f"prompt_tokens,total_tokens,completion_tokens,{CACHED_DETAILS}",
        calls="first",
        id="chatcmpl-{hex16}",
        fingerprint="vllm-0.24.0-tp1-{hex8}",
        content_type="text/event-stream; charset=utf-8",
        headers=(("server", "uvicorn"),),
        mark=r'"prompt_token_ids"|"stop_reason"',
        completions=_COMPLETIONS,
    ),
    # Until 2024: no members about tokens, and the last text has the finish reason.
    chat_dialect(
        "vllm-2024",
        "id,object,created,model,choices",
        deltas={"role": "role"},
        choices={"finish": "index,delta,logprobs,finish_reason,stop_reason"},
        usage="prompt_tokens,total_tokens,completion_tokens",
        finish="with",
        id="chat-{hex32}",
        content_type="text/event-stream; charset=utf-8",
        headers=(("server", "uvicorn"),),
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
