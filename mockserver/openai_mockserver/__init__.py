"""A fake OpenAI-compatible server, for testing code that consumes model streams.

The public names; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openai_mockserver.catalogue import stream, streams
    from openai_mockserver.exceptions import (
        CheckError,
        FaultError,
        MissingDependency,
        MockServerError,
        ReplyError,
        ScenarioError,
        ServerError,
        StreamFileError,
        TokensError,
        UnknownStream,
        UnmatchedRequest,
    )
    from openai_mockserver.journal import Call
    from openai_mockserver.mock import MockOpenAI
    from openai_mockserver.mock.remote import connect
    from openai_mockserver.pacing import Pace
    from openai_mockserver.reply import (
        Annotation,
        ApiError,
        Audio,
        Choice,
        FunctionCall,
        Item,
        Logprob,
        Message,
        Reasoning,
        Reply,
        Text,
        ToolCall,
        Usage,
        url_citation,
    )
    from openai_mockserver.request import Request
    from openai_mockserver.rules import (
        all_of,
        any_of,
        contains,
        faulty,
        ge,
        gt,
        le,
        lt,
        not_,
        regex,
    )
    from openai_mockserver.script import (
        Boundary,
        Comment,
        Event,
        Head,
        Pause,
        Raw,
        RecordedSession,
        Script,
        SessionEnd,
        SessionMessage,
    )
    from openai_mockserver.stream_value import Stream

__version__ = "0.1.0"

_HOMES = {
    "catalogue": ("stream", "streams"),
    "exceptions": (
        "CheckError",
        "FaultError",
        "MissingDependency",
        "MockServerError",
        "ReplyError",
        "ScenarioError",
        "ServerError",
        "SessionEnd",
        "SessionMessage",
        "StreamFileError",
        "TokensError",
        "UnknownStream",
        "UnmatchedRequest",
    ),
    "stream_value": ("Stream",),
    "journal": ("Call",),
    "mock": ("MockOpenAI",),
    "mock.remote": ("connect",),
    "pacing": ("Pace",),
    "reply": (
        "Annotation",
        "ApiError",
        "Audio",
        "Choice",
        "FunctionCall",
        "Item",
        "Logprob",
        "Message",
        "Reasoning",
        "Reply",
        "Text",
        "ToolCall",
        "Usage",
        "url_citation",
    ),
    "request": ("Request",),
    "rules": (
        "all_of",
        "any_of",
        "contains",
        "faulty",
        "ge",
        "gt",
        "le",
        "lt",
        "not_",
        "regex",
    ),
    "script": (
        "Boundary",
        "Comment",
        "Event",
        "Head",
        "Pause",
        "Raw",
        "RecordedSession",
        "Script",
        "SessionEnd",
        "SessionMessage",
    ),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Annotation",
    "ApiError",
    "Audio",
    "Boundary",
    "Call",
    "CheckError",
    "Choice",
    "Comment",
    "Event",
    "FaultError",
    "FunctionCall",
    "Head",
    "Item",
    "Logprob",
    "Message",
    "MissingDependency",
    "MockOpenAI",
    "MockServerError",
    "Pace",
    "Pause",
    "Raw",
    "Reasoning",
    "RecordedSession",
    "Reply",
    "ReplyError",
    "Request",
    "ScenarioError",
    "Script",
    "ServerError",
    "SessionEnd",
    "SessionMessage",
    "Stream",
    "StreamFileError",
    "Text",
    "TokensError",
    "ToolCall",
    "UnknownStream",
    "UnmatchedRequest",
    "Usage",
    "all_of",
    "any_of",
    "connect",
    "contains",
    "faulty",
    "ge",
    "gt",
    "le",
    "lt",
    "not_",
    "regex",
    "stream",
    "streams",
    "url_citation",
]


def __getattr__(name: str) -> Any:
    if (module := _MODULE_OF.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULE_OF])
