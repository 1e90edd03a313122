"""Sessions of the Live API: `session` explains how they work."""

from urllib.parse import unquote

from openai_mockserver.api.live.sessions import find_record
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
    record = find_record(opening.store, id, opening.rng)
    if action == "attach":
        has_media = record is not None and record.has_media
        return LiveSession(opening, "sideband", id, record) if has_media else None
    is_stored = record is not None and record.is_stored
    return LiveSession(opening, "fork", id, record) if is_stored else None
