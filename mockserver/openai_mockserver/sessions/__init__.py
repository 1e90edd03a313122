"""Sessions: what a server says over a WebSocket, as state machines without I/O.

`session` explains how a session works, and what goes in and out; `responses` is the session of the
Responses API, with its `lanes`, its `cache` of responses and its `messages`. `SESSIONS` has the
sessions by the paths at which clients open them.
"""

from collections.abc import Callable, Mapping

from openai_mockserver.sessions.responses import ResponsesSession
from openai_mockserver.sessions.session import Session, Turn

__all__ = ["SESSIONS", "Session", "Turn"]

SESSIONS: Mapping[str, Callable[[], Session]] = {"/v1/responses": ResponsesSession}
