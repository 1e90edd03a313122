"""LM Studio."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    NO_CACHE,
    ROLE_AND_CONTENT,
    THREE_COUNTS,
    chat_dialect,
)

DIALECTS = (
    # As documented: lmstudio.ai/docs/app/api/endpoints/openai; never recorded.
    chat_dialect(
        "lmstudio",
        "id,object,created,model,system_fingerprint,choices",
        deltas={
            "role": 'role,content=""',
            "text": ROLE_AND_CONTENT,
            "reasoning": 'role,content="",reasoning_content',
        },
        usage=f"{THREE_COUNTS},completion_tokens_details{{reasoning_tokens}}",
        role="with",
        id="chatcmpl-{alnum22}",
        fingerprint="{model}",
        error="error=$message",
        headers=(("x-powered-by", "Express"), NO_CACHE),
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
