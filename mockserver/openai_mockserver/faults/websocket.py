"""Faults that only a WebSocket can have: its frames, its closing handshake, its pings.

Each is an error for a response over HTTP. See `openai_mockserver.faults.fault` for the rules.
"""

from __future__ import annotations

from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.fault import (
    Change,
    check_end,
    decode_event,
    fault,
    find_event,
    replace_step,
    take_events,
)
from openai_mockserver.script import Framing, Script, SocketClose, SocketEvent, SocketMute

__all__ = [
    "websocket_binary",
    "websocket_close",
    "websocket_fragments",
    "websocket_invalid_utf8",
    "websocket_mute",
    "websocket_padding",
]


def _frame_event(what: str, at: int, framing: Framing, size: int = 0) -> Change:
    def apply(script: Script) -> Script:
        index = find_event(script, at, what)
        data = decode_event(script.steps[index]).data
        return replace_step(script, index, SocketEvent(data, framing=framing, size=size))

    return apply


@fault
def websocket_close(after: int = 0, code: int = 1011, reason: str = "") -> Change:
    """Close the WebSocket after ``after`` events with a close frame.

    Args:
        after: a count of events.
        code: any code from 0 to 65535, such as 1000, 1001, 1008, 1011 or 1013. Code 1006 is what a
            client reports when there was no close frame: use ``truncate`` or ``reset`` for it.
        reason: a text of at most 123 bytes (RFC 6455 §5.5).
    """
    what = f"websocket_close(after={after})"
    if isinstance(code, bool) or not isinstance(code, int) or not 0 <= code <= 65535:
        raise FaultError(f"{what}: code must be from 0 to 65535, not {code!r}")
    if code == 1006:
        raise FaultError(
            f"{what}: code 1006 means that there was no close frame; use truncate(after={after}) "
            f"or reset(after={after})"
        )
    if not isinstance(reason, str) or len(reason.encode()) > 123:
        raise FaultError(f"{what}: reason must be a text of at most 123 bytes")

    def apply(script: Script) -> Script:
        steps, _ = take_events(script, after, what)
        check_end(script, what)
        return script.with_steps((*steps, SocketClose(code=code, reason=reason)), "close")

    return apply


@fault
def websocket_fragments(at: int = 0, parts: int = 3) -> Change:
    """Send the event at index ``at`` in ``parts`` frames, which may split a character."""
    return _frame_event(f"websocket_fragments(at={at})", at, "fragments", parts)


@fault
def websocket_binary(at: int = 0) -> Change:
    """Send the event at index ``at`` in a binary frame."""
    return _frame_event(f"websocket_binary(at={at})", at, "binary")


@fault
def websocket_invalid_utf8(at: int = 0) -> Change:
    """Send the event at index ``at`` as text that is not UTF-8."""
    return _frame_event(f"websocket_invalid_utf8(at={at})", at, "invalid UTF-8")


@fault
def websocket_padding(at: int = 0, size: int = 1_048_577) -> Change:
    """Send the event at index ``at`` in a frame of ``size`` bytes, padded with spaces.

    The default is one byte more than most clients in Python accept.
    """
    return _frame_event(f"websocket_padding(at={at})", at, "padding", size)


@fault
def websocket_mute(after: int = 0) -> Change:
    """Answer neither pings nor a closing handshake once ``after`` events have been sent."""

    def apply(script: Script) -> Script:
        steps, rest = take_events(script, after, f"websocket_mute(after={after})")
        return script.with_steps((*steps, SocketMute(), *rest))

    return apply
