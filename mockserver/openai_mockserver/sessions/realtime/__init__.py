"""Sessions of the Realtime API: `session` explains how they work."""

from openai_mockserver.api.realtime.calls import find_config
from openai_mockserver.sessions.realtime.session import RealtimeSession
from openai_mockserver.sessions.session import Opening

__all__ = ["RealtimeSession", "open_session"]


def open_session(opening: Opening) -> RealtimeSession:
    """Return the session of a client, which begins as its call or its client secret says."""
    config = find_config(opening.store, opening.query.get("call_id"), opening.key)
    return RealtimeSession(opening, config)
