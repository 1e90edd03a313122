"""The content of a model's answer: a `Reply` and its parts.

Rules of this package: values that know nothing of endpoints, bytes, clocks or randomness.
"""

from __future__ import annotations

from openai_mockserver.reply.content import (
    Annotation,
    Audio,
    FunctionCall,
    Item,
    Logprob,
    Message,
    Output,
    Reasoning,
    ToolCall,
    url_citation,
)
from openai_mockserver.reply.errors import ApiError
from openai_mockserver.reply.reply import (
    FINISH_REASONS,
    Choice,
    Reply,
    as_reply,
    check_servable,
)
from openai_mockserver.reply.text import Text
from openai_mockserver.reply.usage import USAGE_COUNTS, Usage

__all__ = [
    "FINISH_REASONS",
    "USAGE_COUNTS",
    "Annotation",
    "ApiError",
    "Audio",
    "Choice",
    "FunctionCall",
    "Item",
    "Logprob",
    "Message",
    "Output",
    "Reasoning",
    "Reply",
    "Text",
    "ToolCall",
    "Usage",
    "as_reply",
    "check_servable",
    "url_citation",
]
