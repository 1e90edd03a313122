"""Cloudflare Workers AI."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    CLOUDFLARE,
    THREE_COUNTS,
    chat_dialect,
)

DIALECTS = (
    chat_dialect(
        "cloudflare",
        "id,created,model,object,choices",
        "index,delta",
        {"role": "role", "role+text": "content"},
        {"finish": "id,object,created,model,choices,usage"},
        {"finish": "index,delta,finish_reason"},
        usage=THREE_COUNTS,
        usage_chunk="never",
        role="with",
        id="id-{created}{digits3}",
        headers=(
            ("api-version", "2025-12-31"),
            ("cf-auditlog-id", "{uuid}"),
            ("vary", "Accept-Encoding"),
            *CLOUDFLARE,
        ),
        mark=r'^\{"id":"id-\d+"|"@cf/',
    ),
)

PATHS: tuple[tuple[str, str], ...] = (
    (r"/client/v4/accounts/[^/]+/ai/v1/(?P<path>.+)", "cloudflare"),
)
