"""Sessions: what a server says over a WebSocket, as state machines without I/O.

`session` explains how a session works, and what goes in and out; `responses` is the session of the
Responses API, with its `lanes`, its `cache` of responses and its `messages`; `realtime` has that of
the Realtime API; `replay` says what a recorded session has said. `make_session` has the sessions by
the paths at which clients open them.
"""

import re

from openai_mockserver.script import RecordedSession
from openai_mockserver.sessions.session import Opening, Session, Turn

__all__ = ["Opening", "Session", "Turn", "make_replay", "make_session"]


_LIVE = re.compile("/v1/live/sessions(/[^/]+/(attach|fork))?")


def make_session(opening: Opening) -> Session | None:
    """Return a session for a client that opens a WebSocket; None if its path has none."""
    if opening.path == "/v1/responses":
        from openai_mockserver.sessions.responses import ResponsesSession

        return ResponsesSession()
    if opening.path == "/v1/realtime":
        from openai_mockserver.sessions.realtime import open_session

        return open_session(opening)
    if opening.path == "/v1/realtime/translations":
        from openai_mockserver.sessions.realtime.translation import TranslationSession

        return TranslationSession(opening)
    if _LIVE.fullmatch(opening.path):
        from openai_mockserver.sessions.live import open_session as open_live_session

        return open_live_session(opening)
    return None


def make_replay(recording: RecordedSession) -> Session:
    """Return a session that replays a recorded one."""
    from openai_mockserver.sessions.replay import ReplaySession

    return ReplaySession(recording)
