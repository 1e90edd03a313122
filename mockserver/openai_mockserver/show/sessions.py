"""A recorded session as a person reads it: the messages of both sides against time.

Rules of this file: as for the package. Equal events that follow each other are one row, with the
text that their deltas make together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.text import Text

from openai_mockserver.script import NO_CLOSE_FRAME, RecordedSession, SessionMessage
from openai_mockserver.sensitive import spell_controls
from openai_mockserver.show.format import as_object, decode_json, format_size, quote, shorten

__all__ = ["ARROWS", "describe_message", "draw_session", "session_as_json"]

ARROWS = {"client": "→", "server": "←"}
"""The direction of a message, by its sender."""

_TEXTS = ("delta", "transcript", "text", "arguments", "name", "output")
"""The members of an event that say what it is about; the first that is a text counts."""


@dataclass(frozen=True, slots=True)
class _Row:
    """Equal events that follow each other."""

    first: SessionMessage
    name: str
    count: int
    text: str


def draw_session(session: RecordedSession, width: int = 100) -> Text:
    """Draw a session for a terminal, as rich's styled text.

    Args:
        session: the session.
        width: the most columns that a line may have.
    """
    drawing = Text()
    counts = dict.fromkeys(ARROWS, 0)
    for message in session.messages:
        counts[message.sender] += 1
    drawing.append("WebSocket ", "bold").append(
        shorten(spell_controls(session.target), max(width - 10, 1))
    )
    drawing.append(f"\n{counts['client']} messages of the client, {counts['server']} of the server")
    drawing.append("\n\n")
    for row in _list_rows(session):
        sender = row.first.sender
        times = f" × {row.count}" if row.count > 1 else ""
        line = f"{row.first.seconds:9.3f} s {ARROWS[sender]} {spell_controls(row.name)}{times}"
        drawing.append(shorten(line, width), "cyan" if sender == "client" else "")
        rest = width - len(line) - 2
        if row.text and rest > 8:
            drawing.append("  " + spell_controls(quote(shorten(row.text, rest - 2))), "green")
        drawing.append("\n")
    drawing.append(_describe_end(session))
    return drawing


def _list_rows(session: RecordedSession) -> Iterator[_Row]:
    named = [(message, *describe_message(message)) for message in session.messages]
    for (_, name), group in groupby(named, key=lambda one: (one[0].sender, one[1])):
        messages = list(group)
        text = "".join(text for _, _, text in messages)
        yield _Row(messages[0][0], name, len(messages), text)


def describe_message(message: SessionMessage) -> tuple[str, str]:
    """Return the name of a message, and what it is about."""
    if isinstance(message.data, bytes):
        return "binary", f"[{format_size(len(message.data))}]"
    event = as_object(decode_json(message.data))
    name = event.get("type")
    if not isinstance(name, str):
        return "text", message.data
    return name, _find_text(name, event)


def _find_text(name: str, event: dict[str, Any]) -> str:
    if "audio" in name and "transcript" not in name:
        audio = event.get("audio", event.get("delta"))
        return f"[{format_size(len(audio) * 3 // 4)}]" if isinstance(audio, str) else ""
    places = (event, as_object(event.get("item")), as_object(event.get("error")))
    texts = (place.get(member) for place in places for member in (*_TEXTS, "message"))
    return next((text for text in texts if isinstance(text, str)), "")


def _describe_end(session: RecordedSession) -> str:
    end = session.end
    if end is None:
        return "the recording does not say how it ended"
    how = "without a close frame" if end.code == NO_CLOSE_FRAME else f"with code {end.code}"
    reason = f", {end.reason!r}" if end.reason else ""
    return f"{end.seconds:9.3f} s   ended by the {end.sender} {how}{reason}"


def session_as_json(session: RecordedSession) -> dict[str, Any]:
    """Return the facts of a session as a value that JSON can hold."""
    return {
        "session": session.target,
        "messages": [
            {"t": m.seconds, "from": m.sender, "type": name, "about": text, "size": len(m.data)}
            for m in session.messages
            for name, text in [describe_message(m)]
        ],
        "end": session.end and {"code": session.end.code, "from": session.end.sender},
    }
