"""SGLang."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    chat_dialect,
)

DIALECTS = (
    # Its own delta keys as Azure passes them on (WIRE.md §5); order of sgl-project/sglang,
    # python/sglang/srt/entrypoints/openai/protocol.py.
    chat_dialect(
        "sglang",
        "id,object,created,model,choices,usage=null",
        "index,delta,logprobs,finish_reason,matched_stop",
        {
            "role": 'role,content="",reasoning_content=null,tool_calls=null',
            "text": "role=null,content,reasoning_content=null,tool_calls=null",
            "reasoning": "role=null,content=null,reasoning_content,tool_calls=null",
            "call": "role=null,content=null,reasoning_content=null,"
            "tool_calls[id,index,type,function{name,arguments}]",
            "arguments": "role=null,content=null,reasoning_content=null,"
            'tool_calls[id=null,index,type="function",function{name=null,arguments}]',
            "finish": "role=null,content=null,reasoning_content=null,tool_calls=null",
        },
        {"usage": "id,object,created,model,choices,usage"},
        usage="prompt_tokens,total_tokens,completion_tokens",
        calls="first",
        id="{hex32}",
        headers=(("server", "uvicorn"),),
        mark=r'"matched_stop"',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
