"""The client events of a Live session, and the checks that all of them share.

Rules of this file: a table of what the SDK's types have (types/live/client_event.py and
connect_client_event.py). As recorded, unknown members are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai_mockserver.sessions.live import errors
from openai_mockserver.sessions.realtime.errors import unknown_type

__all__ = ["EVENTS", "check_event"]

_APPEND = ("content", "delegation_id")

EVENTS: Mapping[str, tuple[str, ...]] = {
    "session.start": ("session",),
    "session.update": ("session",),
    "session.input_audio.append": ("audio",),
    "session.input_audio.mute": (),
    "session.input_audio.unmute": (),
    "session.output_audio.fixture.play": ("audio",),
    "session.instructions.append": _APPEND,
    "session.thinking.append": _APPEND,
    "session.commentary.append": _APPEND,
    "decision.create": ("event_id",),
    "decision.item.create": ("item",),
    "decision.item.delete": ("item_id",),
    "response.item.create": ("item",),
    "response.create": (),
    "transport.dtmf.send": ("event",),
    "session.close": (),
}
"""The members that each client event must have."""

_PRIMARY = ("session.start", "session.input_audio.append")
_SIDEBAND = ("transport.dtmf.send",)

MOST_CHARACTERS = 512
"""The length of an ``event_id``, in characters (OpenAI's API reference)."""


def check_event(event: Mapping[str, Any], is_sideband: bool, is_started: bool) -> None:
    """Raise ValueError with an ApiError for an event that no session of this kind has.

    Args:
        event: the event.
        is_sideband: whether it was sent on a sideband.
        is_started: whether the session has started.
    """
    type = event.get("type")
    hidden = _PRIMARY if is_sideband else _SIDEBAND
    if not isinstance(type, str) or type not in EVENTS:
        known = [name for name in EVENTS if name not in hidden]
        raise ValueError(unknown_type(type, known))
    if type in hidden:
        raise ValueError(errors.primary_only(type) if is_sideband else errors.no_sip())
    if type == "session.start" and is_started:
        raise ValueError(errors.already_started())
    if type != "session.start" and not is_started:
        raise ValueError(errors.not_started(type))
    required = EVENTS[type]
    for name in required:
        if name not in event:
            raise ValueError(errors.missing_member(name))
    for name in event:
        if name not in (*required, "type", "event_id"):
            raise ValueError(errors.unknown_member(name))
    id = event.get("event_id")
    if "event_id" in required and id is None:
        raise ValueError(errors.missing_member("event_id"))
    if id is not None and not isinstance(id, str):
        raise ValueError(errors.wrong_type("event_id", "a string"))
    if id is not None and len(id) > MOST_CHARACTERS:
        problem = f"Expected at most {MOST_CHARACTERS} characters."
        raise ValueError(errors.invalid_value("event_id", problem))
