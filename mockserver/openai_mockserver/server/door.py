"""The interface between a server and the mock behind it.

Rules of this file: nothing here knows sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from openai_mockserver.access import Access
from openai_mockserver.dispatch import PendingCall
from openai_mockserver.journal import Call
from openai_mockserver.limits import Limits
from openai_mockserver.reply import ApiError
from openai_mockserver.request import Request
from openai_mockserver.sessions import Turn

__all__ = [
    "HEALTH",
    "SIDE_PATHS",
    "Door",
    "Follower",
    "Inner",
    "Sessions",
    "SideHandler",
    "SideResponse",
    "shows_page",
]

SIDE_PATHS = ("/_mock", "/health", "/metrics", "/s/")
"""The beginnings of the paths that are not OpenAI's; for all others, `Door.side` is not called."""

HEALTH = ("/health", "/health/live", "/health/ready")
"""The ends of the paths that are answered in the event loop."""


def shows_page(method: str, headers: Sequence[tuple[str, str]]) -> bool:
    """Whether a request for ``/``, which OpenAI does not have, is a browser's for the page.

    >>> [shows_page("GET", [("accept", kind)]) for kind in ("text/html,*/*;q=0.8", "*/*")]
    [True, False]
    """
    accept = next((value for name, value in headers if name == "accept"), "")
    return method in ("GET", "HEAD") and "text/html" in accept


class Follower(Protocol):
    """An endless response body."""

    interval: float
    """Seconds after which `read` is called although nothing is new."""

    def subscribe(self, wake: Callable[[], object]) -> Callable[[], object]:
        """Call ``wake`` from any thread when there is something new; return how to stop that."""

    def read(self) -> bytes:
        """Return the next bytes; none if there is nothing new."""


@dataclass(frozen=True, slots=True)
class SideResponse:
    """A response that is not one of OpenAI's endpoints; pieces or a follower continue its body."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    pieces: Iterator[bytes] | None = None
    follower: Follower | None = None


class SideHandler(Protocol):
    """Answers requests beside OpenAI's endpoints."""

    def __call__(self, request: Request, error: ApiError | None = None) -> SideResponse:
        """Return the response to a request.

        Args:
            request: the request; access control may have refused it.
            error: why its body could not be read.
        """


class Sessions(Protocol):
    """Answers what comes over WebSockets."""

    def begin_session(self, request: Request) -> Call:
        """Return the call of a request to open a WebSocket: with a session, or with an error."""

    def begin_turn(self, request: Request, turn: Turn) -> Call | PendingCall:
        """Return the call that answers a turn of a session, as `Door.begin` does for a request."""


@dataclass(frozen=True, slots=True)
class Inner:
    """The door of a sandbox, and the beginning of the path that leads to it."""

    door: Door
    prefix: str


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
        sessions: answers what comes over WebSockets; None to open none.
        side: returns what answers requests to a path that begins with one of `SIDE_PATHS`, and
            to ``/`` if `shows_page`: the door of a sandbox, a function, or None for this door.
    """

    begin: Callable[[Request], Call | PendingCall]
    refuse: Callable[[Request, ApiError], Call]
    limits: Limits = field(default_factory=Limits)
    access: Access = field(default_factory=Access)
    lead: int | None = None
    coalesce: bool = True
    on_slow: Callable[[Call], object] | None = None
    sessions: Sessions | None = None
    side: Callable[[str], Inner | SideHandler | None] | None = None
