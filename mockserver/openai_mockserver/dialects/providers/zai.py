"""Z.ai."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CACHED_DETAILS,
    ROLE_AND_CONTENT,
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.variants import Variant

DIALECTS = (
    chat_dialect(
        "zai",
        "id,created,object,model,choices",
        "index,finish_reason?,delta",
        {
            "role": 'role,content=""',
            "text": f'{ROLE_AND_CONTENT},reasoning_content=""@empty-reasoning',
            "reasoning": "role,reasoning_content",
            "role+reasoning": 'role,content=""@content-first,reasoning_content',
            "call": 'role@calls-with-text,content=""@calls-with-text,'
            'reasoning_content=""@calls-with-text,tool_calls[id,index@!negative-index,index=-1@negative-index,type,function{name,arguments}]',
            "finish": 'role,content=""',
        },
        {"finish": "id,created,object,model,choices,usage"},
        usage=f"{THREE_COUNTS},{CACHED_DETAILS},completion_tokens_details{{reasoning_tokens}}",
        usage_chunk="never",
        role="with",
        calls="whole",
        id="{date}{hex16}",
        error="error{code,message}",
        content_type="text/event-stream;charset=UTF-8",
        mark=r'^\{"id":"20\d{12}[0-9a-f]{16}"|"model":"glm',
        variants={
            "empty-reasoning": Variant("text has empty reasoning beside it: glm-4.5v"),
            "content-first": Variant("the first chunk of the reasoning has empty content: in 2025"),
            "negative-index": Variant("the index of calls is -1: glm-4.5-flash"),
            "calls-with-text": Variant("calls have empty text beside them: glm-4.5v"),
        },
    ),
)

PATHS: tuple[tuple[str, str], ...] = ((r"/api/paas/v4/(?P<path>.+)", "zai"),)
