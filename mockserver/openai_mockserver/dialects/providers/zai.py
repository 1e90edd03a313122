"""Z.ai."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CACHED_DETAILS,
    ROLE_AND_CONTENT,
    THREE_COUNTS,
    chat_dialect,
)

DIALECTS = (
    chat_dialect(
        "zai",
        "id,created,object,model,choices",
        "index,delta",
        {
            "role": 'role,content=""',
            "text": ROLE_AND_CONTENT,
            "reasoning": "role,reasoning_content",
            "call": "tool_calls[id,index,type,function{name,arguments}]",
            "finish": 'role,content=""',
        },
        {"finish": "id,created,object,model,choices,usage"},
        {"finish": "index,finish_reason,delta"},
        usage=f"{THREE_COUNTS},{CACHED_DETAILS},completion_tokens_details{{reasoning_tokens}}",
        usage_chunk="never",
        role="with",
        calls="whole",
        id="{date}{hex16}",
        error="error{code,message}",
        content_type="text/event-stream;charset=UTF-8",
        mark=r'^\{"id":"20\d{12}[0-9a-f]{16}"|"model":"glm',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ((r"/api/paas/v4/(?P<path>.+)", "zai"),)
