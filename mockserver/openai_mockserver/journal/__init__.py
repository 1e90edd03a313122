"""The journal: every call, and how it ended.

Rules of this room: no I/O; a player reports to a `Call` from its own thread, a test reads it from
another. What is not settled yet is waited for, briefly, instead of being guessed.
"""

from openai_mockserver.journal.attempts import LogicalCall
from openai_mockserver.journal.call import (
    CLIENT_DISCONNECTED,
    ENDED,
    FAILED,
    SERVER_STOPPED,
    Call,
    Delivered,
)
from openai_mockserver.journal.journal import Journal

__all__ = [
    "CLIENT_DISCONNECTED",
    "ENDED",
    "FAILED",
    "SERVER_STOPPED",
    "Call",
    "Delivered",
    "Journal",
    "LogicalCall",
]
