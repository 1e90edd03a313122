"""The journal: every call, and how it ended.

Rules of this package: no I/O. A player reports to a `Call` from its thread, and a test reads the
call from another. A property that is not final yet waits briefly, and does not guess.
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
