"""Ollama, local and in its cloud."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    ROLE_AND_CONTENT,
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.json_style import Style

DIALECTS = (
    chat_dialect(
        "ollama-cloud",
        "id,object,created,model,system_fingerprint,choices",
        "index,delta,finish_reason",
        {
            "role": 'role,content=""',
            "role+text": ROLE_AND_CONTENT,
            "role+reasoning": 'role,content="",reasoning',
            "reasoning": 'content="",reasoning',
            "call": 'content="",tool_calls[id,index,type,function{name,arguments}]',
        },
        usage=THREE_COUNTS,
        role="with",
        calls="whole",
        style=Style(html=True, floats="js"),
        id="chatcmpl-{digits3}",
        fingerprint="fp_ollama",
        headers=(
            ("server", "Google Frontend"),
            ("via", "1.1 google"),
            ("x-build-commit", "{hex40}"),
            ("x-build-time", "2026-08-12T14:41:44-07:00"),
            ("x-cloud-trace-context", "{hex32}/{digits19}"),
            ("x-frame-options", "DENY"),
            ("x-request-id", "{uuid}"),
            ("alt-svc", 'h3=":443"; ma=2592000'),
        ),
        mark=r'"fp_ollama","choices":\[\{"index":0,"delta":(\{"content":|\{\},"finish_reason":"\w)',
    ),
    chat_dialect(
        "ollama",
        "id,object,created,model,system_fingerprint,choices",
        "index,delta,finish_reason",
        {
            "role": 'role,content=""',
            "text": ROLE_AND_CONTENT,
            "reasoning": 'role,content="",reasoning',
            "call": 'role,content="",tool_calls[id,index,type,function{name,arguments}]',
            "finish": 'role,content=""',
        },
        usage=THREE_COUNTS,
        role="with",
        calls="whole",
        style=Style(html=True, floats="js"),
        id="chatcmpl-{digits3}",
        fingerprint="fp_ollama",
        mark=r'"fp_ollama"',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
