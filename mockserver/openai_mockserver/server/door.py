"""What a server asks of the mock behind it.

Rules of this file: nothing here knows a socket.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from openai_mockserver.access import Access
from openai_mockserver.journal import Call
from openai_mockserver.limits import Limits
from openai_mockserver.reply import ApiError
from openai_mockserver.request import Request

__all__ = ["Door"]


@dataclass(frozen=True, slots=True)
class Door:
    """Where requests go in, and what they may be.

    Args:
        respond: makes a call of a request.
        refuse: makes one of a request that is not read, and an error.
        limits: what a request may have.
        access: which requests are let in.
        lead: how many events a stream may be ahead of what its client has read.
        coalesce: whether events that are due at the same time may share a write.
        on_slow: is given each call that is still going on after `SLOW` seconds.
    """

    respond: Callable[[Request], Call]
    refuse: Callable[[Request, ApiError], Call]
    limits: Limits = field(default_factory=Limits)
    access: Access = field(default_factory=Access)
    lead: int | None = None
    coalesce: bool = True
    on_slow: Callable[[Call], object] | None = None
