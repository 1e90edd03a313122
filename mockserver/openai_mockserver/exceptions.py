"""The exceptions of this package, with a common base class to catch them all.

Rules of this file: every message is one sentence that says what is wrong and where.
"""

from __future__ import annotations

__all__ = [
    "BusyStateError",
    "CheckError",
    "FaultError",
    "MissingDependency",
    "MockServerError",
    "ReplyError",
    "ScenarioError",
    "ScriptError",
    "ServerError",
    "StateError",
    "StreamFileError",
    "TokensError",
    "UnknownStream",
    "UnmatchedRequest",
    "UnusedRule",
    "WrongOrder",
]


class MockServerError(Exception):
    """Base class of all exceptions of openai-mockserver."""


class ReplyError(MockServerError, ValueError):
    """A reply that cannot be served, at all or to this request."""


class ScriptError(MockServerError, ValueError):
    """A script, or a time in it, that cannot be played."""


class FaultError(MockServerError, ValueError):
    """A fault that cannot happen to this script, so that testing it would prove nothing."""


class StreamFileError(MockServerError, ValueError):
    """A file of recorded or written streams that cannot be read."""


class TokensError(MockServerError, ValueError):
    """An unknown tokenizer or vocabulary."""


class ScenarioError(MockServerError, ValueError):
    """An invalid scenario file; the message says where."""


class CheckError(MockServerError, ValueError):
    """A consumer that cannot be checked: it cannot be reached, or reports something unreadable."""


class UnknownStream(MockServerError, LookupError):
    """The catalogue has no stream of this name."""


class ServerError(MockServerError, RuntimeError):
    """The server cannot start or cannot continue."""


class StateError(MockServerError, RuntimeError):
    """What a server remembers cannot be read or written."""


class BusyStateError(StateError):
    """What a server remembers cannot be read or written now; it may work later."""


class MissingDependency(MockServerError, ImportError):
    """A required optional package is not installed; the message names it."""


class UnmatchedRequest(MockServerError, AssertionError):
    """No rule answered a request, or its response could not be recorded."""


class UnusedRule(MockServerError, AssertionError):
    """A rule or one of its replies was never used."""


class WrongOrder(MockServerError, AssertionError):
    """Requests came in another order than the test expects."""
