"""Read what has been said in a Live session back into a reply: the inverse of `events`.

Rules of this file: no I/O. What the events do not say, such as what has been delegated, is not in
the reply.
"""

from __future__ import annotations

from openai_mockserver.api.decode import decode_events
from openai_mockserver.api.errors import read_error
from openai_mockserver.api.live.events import DELEGATED, HEARD, SPOKEN
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Reply, ToolCall
from openai_mockserver.script import Script

__all__ = ["read"]


def read(script: Script) -> Reply | ApiError:
    """Return what a transcript or the model says.

    Raises ReplyError if the script has no such events.
    """
    pieces: list[str] = []
    calls: list[ToolCall] = []
    error: ApiError | None = None
    for payload, _, _ in decode_events(script):
        type = payload.get("type")
        if type in (HEARD, SPOKEN):
            pieces.append(str(payload.get("delta")))
        elif type == DELEGATED:
            calls.append(ToolCall("delegate"))
        elif type == "error":
            error = read_error(payload)
    if not pieces and not calls:
        if error is None:
            raise ReplyError("nothing is said in these events of a Live session")
        return error
    finish_reason = "auto" if error is None else None
    text = pieces or None
    return Reply(text, tool_calls=calls, finish_reason=finish_reason, error=error)
