"""Sessions: what a server says over a WebSocket, as state machines without I/O.

`session` explains how a session works, and what goes in and out; `responses` is the session of the
Responses API, with its `lanes`, its `cache` of responses and its `messages`; `replay` says what a
recorded session has said. `make_session` has the sessions by the paths at which clients open them.
"""

from openai_mockserver.script import RecordedSession
from openai_mockserver.sessions.session import Session, Turn

__all__ = ["Session", "Turn", "make_replay", "make_session"]


def make_session(path: str) -> Session | None:
    """Return a session for the clients that open a path; None if it has none."""
    if path == "/v1/responses":
        from openai_mockserver.sessions.responses import ResponsesSession

        return ResponsesSession()
    return None


def make_replay(recording: RecordedSession) -> Session:
    """Return a session that replays a recorded one."""
    from openai_mockserver.sessions.replay import ReplaySession

    return ReplaySession(recording)
