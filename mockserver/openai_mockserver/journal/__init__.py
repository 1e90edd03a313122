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
    Runs,
)
from openai_mockserver.journal.filters import CallFilter, Page, find_page, has_problem
from openai_mockserver.journal.follow import END, RESET, START, Entry, History
from openai_mockserver.journal.journal import Journal

__all__ = [
    "CLIENT_DISCONNECTED",
    "END",
    "ENDED",
    "FAILED",
    "RESET",
    "SERVER_STOPPED",
    "START",
    "Call",
    "CallFilter",
    "Delivered",
    "Entry",
    "History",
    "Journal",
    "LogicalCall",
    "Page",
    "Runs",
    "find_page",
    "has_problem",
]
