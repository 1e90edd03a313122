"""The interface between a server and the mock behind it.

Rules of this file: nothing here knows sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from openai_mockserver.access import Access
from openai_mockserver.dispatch import PendingCall
from openai_mockserver.journal import Call
from openai_mockserver.limits import Limits
from openai_mockserver.reply import ApiError
from openai_mockserver.request import Request

__all__ = ["Door"]


@dataclass(frozen=True, slots=True)
class Door:
    """What a server needs of a mock: how to answer requests, and which to accept.

    Args:
        begin: returns the call that answers a request, or one that waits for a function.
        refuse: returns the call that answers a request with an error, before its body is read.
        limits: the limits of a request.
        access: which requests are admitted.
        lead: maximum number of events of a stream that its client has not read.
        coalesce: whether events that are due at the same time may share a write.
        on_slow: called once with each call that is still open after `SLOW` seconds.
    """

    begin: Callable[[Request], Call | PendingCall]
    refuse: Callable[[Request, ApiError], Call]
    limits: Limits = field(default_factory=Limits)
    access: Access = field(default_factory=Access)
    lead: int | None = None
    coalesce: bool = True
    on_slow: Callable[[Call], object] | None = None
