"""Which ready-made streams the expensive tests play: these show each thing once.

The others are documented misbehaviours, more than a hundred. Cheap tests take all of them; a test
that opens connections or runs programs takes `PLAYED`, and leaves the others to `-m slow`.
"""

from __future__ import annotations

from openai_mockserver import catalogue
from openai_mockserver.api.chat import PATH

__all__ = ["OTHER_CHATS", "PLAYED", "TRANSPORT"]

PLAYED = (
    "azure-empty-choices-first",
    "content-filter",
    "empty",
    "empty-deltas",
    "error-mid-stream",
    "function-call-legacy",
    "keep-alive-comments",
    "length",
    "litellm-error-mid-stream",
    "litellm-length",
    "litellm-reasoning",
    "litellm-text",
    "litellm-tool-calls",
    "litellm-usage",
    "logprobs",
    "long",
    "malformed-chunk",
    "missing-done",
    "n-3",
    "one-token",
    "reasoning",
    "refusal",
    "reset",
    "silence",
    "stall",
    "text",
    "text-then-tool-call",
    "tool-call",
    "tool-call-cut-by-length",
    "tool-call-no-arguments",
    "tool-calls-parallel",
    "truncation",
    "unicode",
    "usage",
)

TRANSPORT = frozenset(
    {
        "buffering",
        "compression",
        "connection",
        "content_type",
        "headers",
        "http_status",
        "retry",
        "termination",
        "timing",
    }
)
"""The families of transport: `test_transport_rows` plays their streams, all at the same time."""

OTHER_CHATS = tuple(
    one.name
    for one in catalogue.streams()
    if one.path == PATH and one.name not in PLAYED and one.family not in TRANSPORT
)
"""The other streams of chat completions, each of one exchange that ends soon."""
