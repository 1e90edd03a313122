"""The exceptions this package raises: one family, so that a user can catch the lot.

Rule: every message is one sentence that says what is wrong and where.
"""

from __future__ import annotations

__all__ = [
    "FaultError",
    "MissingDependency",
    "MockServerError",
    "ReplyError",
    "ScenarioError",
    "ScriptError",
    "ServerError",
    "StreamFileError",
    "TokensError",
    "UnknownStream",
    "UnmatchedRequest",
    "UnusedRule",
]


class MockServerError(Exception):
    """Anything openai-mockserver refuses to do."""


class ReplyError(MockServerError, ValueError):
    """A reply that no server could give, or not to this request."""


class ScriptError(MockServerError, ValueError):
    """A script, or a time in it, that nothing could play."""


class FaultError(MockServerError, ValueError):
    """A fault that cannot happen to this script, so that a test of it would prove nothing."""


class StreamFileError(MockServerError, ValueError):
    """A file of recorded or written streams that cannot be read."""


class TokensError(MockServerError, ValueError):
    """What is to cut text into tokens is none of those there are."""


class ScenarioError(MockServerError, ValueError):
    """A scenario file with a mistake in it; the message says where."""


class UnknownStream(MockServerError, LookupError):
    """No stream of this name is in the catalogue."""


class ServerError(MockServerError, RuntimeError):
    """The server cannot start or cannot go on."""


class MissingDependency(MockServerError, ImportError):
    """An optional package is needed here; the message says what to install."""


class UnmatchedRequest(MockServerError, AssertionError):
    """A request came that no rule answers, or its response could not be recorded."""


class UnusedRule(MockServerError, AssertionError):
    """A rule, or one of its replies, was never given to any request."""
