"""The session file (``.jsonl``): what went over a WebSocket, as lines that a person can read.

A session is a head line, a line for each message, and a last line that says how it ended::

    {"mockserver": 1, "session": {"url": "/v1/realtime?model=gpt-realtime", "headers": […]}}
    {"t": 0.21, "from": "server", "json": {"type": "session.created", …}}
    {"t": 0.25, "from": "client", "text": "{ \\"type\\": …"}      text that is not compact JSON
    {"t": 0.31, "from": "client", "base64": "//4="}            a binary message
    {"t": 9.02, "from": "client", "close": 1000, "reason": ""}

``t`` counts seconds from the request. The code 1006 means that there was no close frame.

Rules of this file: a session that is written and read again is equal; an error names the file, the
line and the key. A file without its last line contains what was received so far.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.bounded_input import InputProblem, read_file
from openai_mockserver.cassettes.stream_file import VERSION
from openai_mockserver.exceptions import StreamFileError
from openai_mockserver.script import RecordedSession, Sender, SessionEnd, SessionMessage

__all__ = [
    "build_head",
    "dump_session",
    "encode_end",
    "encode_message",
    "is_session_head",
    "load_session",
    "parse_session",
]


class _Opening(msgspec.Struct, forbid_unknown_fields=True):
    """The request that opened the WebSocket."""

    url: str
    headers: list[tuple[str, str]] = []


class _Head(msgspec.Struct):
    """The first line; its other members are kept as they are."""

    mockserver: int
    session: _Opening


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """Each other line."""

    t: float
    sender: Sender = msgspec.field(name="from")
    json: Any = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET
    base64: str | msgspec.UnsetType = msgspec.UNSET
    close: int | msgspec.UnsetType = msgspec.UNSET
    reason: str = ""


def is_session_head(line: bytes) -> bool:
    """Return whether a line is the head of a session file."""
    try:
        msgspec.json.decode(line, type=_Head)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def load_session(path: Path | str) -> RecordedSession:
    """Read a session file.

    Raises:
        StreamFileError: the file cannot be read, or is no session file.
    """
    try:
        content = read_file(Path(path))
    except (OSError, InputProblem) as error:
        reason = getattr(error, "strerror", None) or error
        raise StreamFileError(f"cannot read {path}: {reason}") from None
    return parse_session(content, str(path))


def parse_session(content: bytes, source: str = "<bytes>") -> RecordedSession:
    """Return the session in the content of a file.

    Args:
        content: the content.
        source: the file's name, for error messages.

    Raises:
        StreamFileError: the content is no session file.
    """
    first, *lines = content.split(b"\n")
    where = f"{source}, line 1"
    head = _decode(first, _Head, where)
    if head.mockserver != VERSION:
        raise StreamFileError(f"{where}: version {head.mockserver} is unknown; this is {VERSION}")
    about = msgspec.json.decode(first)
    del about["mockserver"]
    messages: list[SessionMessage] = []
    end = None
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        where = f"{source}, line {number}"
        if end is not None:
            raise StreamFileError(f"{where}: the session has ended before this line")
        read = _read_line(_decode(line, _Line, where), where)
        if isinstance(read, SessionEnd):
            end = read
        else:
            messages.append(read)
    return RecordedSession(head.session.url, tuple(messages), end, about)


def _decode(line: bytes, type: Any, where: str) -> Any:
    try:
        return msgspec.json.decode(line, type=type)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise StreamFileError(f"{where}: {error}") from None


def _read_line(line: _Line, where: str) -> SessionMessage | SessionEnd:
    values = {name: getattr(line, name) for name in ("json", "text", "base64", "close")}
    present = [name for name, value in values.items() if value is not msgspec.UNSET]
    if len(present) != 1:
        raise StreamFileError(f"{where}: a line has one of json, text, base64 and close")
    if not 0 <= line.t < float("inf"):
        raise StreamFileError(f"{where}: t must be a number of seconds, 0 or more")
    data = values[present[0]]
    match present[0]:
        case "close":
            return SessionEnd(line.t, line.sender, data, line.reason)
        case "json":
            data = msgspec.json.encode(data).decode()
        case "base64":
            try:
                data = base64.b64decode(data, validate=True)
            except (binascii.Error, ValueError):
                raise StreamFileError(f"{where}: base64 is invalid") from None
    return SessionMessage(line.t, line.sender, data)


# Writing


def build_head(target: str, headers: list[tuple[str, str]], **about: Any) -> dict[str, Any]:
    """Return the head line.

    Args:
        target: path and query of the request that opened the WebSocket.
        headers: the headers of that request.
        about: more members.
    """
    return {"mockserver": VERSION, "session": {"url": target, "headers": headers}, **about}


def encode_message(message: SessionMessage) -> dict[str, Any]:
    """Return the line of a message."""
    line: dict[str, Any] = {"t": round(message.seconds, 6), "from": message.sender}
    if isinstance(message.data, bytes):
        return line | {"base64": base64.b64encode(message.data).decode()}
    try:
        value = msgspec.json.decode(message.data)
        if msgspec.json.encode(value).decode() == message.data:
            return line | {"json": value}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass  # the text is no JSON, and is kept as text
    return line | {"text": message.data}


def encode_end(end: SessionEnd) -> dict[str, Any]:
    """Return the last line."""
    return {
        "t": round(end.seconds, 6),
        "from": end.sender,
        "close": end.code,
        "reason": end.reason,
    }


def dump_session(session: RecordedSession) -> bytes:
    """Return the content of a session file."""
    return b"".join(msgspec.json.encode(line) + b"\n" for line in _list_lines(session))


def _list_lines(session: RecordedSession) -> Iterator[dict[str, Any]]:
    about = {k: v for k, v in session.about.items() if k != "session"}
    opening = session.about.get("session", {"url": session.target, "headers": []})
    yield {"mockserver": VERSION, "session": opening, **about}
    yield from map(encode_message, session.messages)
    if session.end is not None:
        yield encode_end(session.end)
