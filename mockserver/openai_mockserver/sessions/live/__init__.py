"""Sessions of the Live API: `session` explains how they work."""

from urllib.parse import unquote

from openai_mockserver.api.live.sessions import find_attachable, find_stored
from openai_mockserver.sessions.live.session import LiveSession
from openai_mockserver.sessions.session import Opening

__all__ = ["LiveSession", "open_session"]

_ROOT = "/v1/live/sessions"


def open_session(opening: Opening) -> LiveSession | None:
    """Return the session of a client; None if the session that its path names does not exist."""
    if opening.path == _ROOT:
        return LiveSession(opening)
    quoted_id, _, action = opening.path.removeprefix(f"{_ROOT}/").rpartition("/")
    id = unquote(quoted_id)
    if action == "attach":
        record = find_attachable(opening.store, id, opening.rng)
        return LiveSession(opening, "sideband", id, record) if record is not None else None
    record = find_stored(opening.store, id, opening.rng)
    return LiveSession(opening, "fork", id, record) if record is not None else None
