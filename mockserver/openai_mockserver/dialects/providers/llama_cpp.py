"""llama.cpp."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    chat_dialect,
)
from openai_mockserver.dialects.json_style import Style

DIALECTS = (
    chat_dialect(
        "llamacpp",
        "choices,created,id,model,system_fingerprint,object",
        "finish_reason,index,delta",
        {"role": "role,content=null"},
        {
            "usage": "choices,created,id,model,system_fingerprint,object,usage,timings",
        },
        usage="completion_tokens,prompt_tokens,total_tokens",
        usage_chunk="always",
        calls="first",
        style=Style(floats="python"),
        id="chatcmpl-{alnum32}",
        fingerprint="b7010-{hex9}",
        extra={
            "timings": {
                "cache_n": 0,
                "prompt_n": 16,
                "prompt_ms": 8.0,
                "prompt_per_token_ms": 0.5,
                "prompt_per_second": 2000.0,
                "predicted_n": 20,
                "predicted_ms": 160.0,
                "predicted_per_token_ms": 8.0,
                "predicted_per_second": 125.0,
            }
        },
        error="error{code=$status,message,type}",
        headers=(("server", "llama.cpp"), ("access-control-allow-origin", "")),
        mark=r'^\{"choices":\[\{"finish_reason":null,"index":0,"delta":',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
