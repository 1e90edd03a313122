"""A script as HTTP/1.1 bytes: its head, its body framed as its headers say, its end.

Rules of this file: no I/O and no clock; RFC 9112 is cited where it is carried out; what a script
says wrongly is sent wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.script import Event, Frame, Head, Pause, Raw, Script, Step
from openai_mockserver.sse import count_events, encode
from openai_mockserver.timeline import chunk, frames

__all__ = [
    "LAST_CHUNK",
    "answer_version",
    "check",
    "chunk",
    "has_body",
    "head_bytes",
    "is_chunked",
    "is_plain",
    "keeps_open",
    "to_raw",
    "wire_frames",
    "without_length",
]

LAST_CHUNK = b"0\r\n\r\n"
"""RFC 9112 §7.1: the chunk of size zero, and no trailers."""


_REASONS = {status.value: status.phrase for status in HTTPStatus}


def head_bytes(head: Head, version: str = "1.1") -> bytes:
    """Status line and headers, spelt and ordered as they are given (RFC 9112 §2.1)."""
    lines = [f"HTTP/{version} {head.status} {_REASONS.get(head.status, '')}"]
    lines += [f"{name}: {value}" for name, value in head.headers]
    text = "\r\n".join(lines)
    ends = len(lines) - 1
    if text.count("\r") != ends or text.count("\n") != ends:
        wrong = next(line for line in lines if "\r" in line or "\n" in line)
        raise ValueError(f"a header cannot hold a line end: {wrong!r}")
    return f"{text}\r\n\r\n".encode("latin-1")


def is_chunked(head: Head) -> bool:
    """Whether the body goes out in HTTP chunks."""
    return (head.header("transfer-encoding") or "").lower() == "chunked"


def is_plain(script: Script) -> bool:
    """Whether what the client reads is the script's body, and nothing about HTTP is odd.

    Then its end is the body's end; else only HTTP's own bytes tell what the client will see.
    """
    if script.raw or script.head.status in (204, 304) or script.head.status < 200:
        return False
    framing = [(k.lower(), v.lower()) for k, v in script.head.headers if k.lower() in _FRAMING]
    if framing == [("transfer-encoding", "chunked")]:
        right = True
    else:
        lazy = script.lazy
        size = sum(len(encode(step)) for step in script.steps) if lazy is None else lazy.size
        right = framing == [("content-length", str(size))]
    return right and sum(len(k) + len(v) for k, v in script.head.headers) < 50_000


def without_length(script: Script) -> Script:
    """The same body, ended by the connection's end: neither chunks nor a length."""
    gone = (*_FRAMING, "connection")
    kept = tuple((k, v) for k, v in script.head.headers if k.lower() not in gone)
    head = replace(script.head, headers=(*kept, ("Connection", "close")))
    return replace(script, head=head)


def answer_version(script: Script, version: str, close: bool) -> Script:
    """The script as it answers a request of this HTTP version, which may want to be the last.

    RFC 9112 §7: a client of HTTP/1.0 knows no chunks.
    """
    if script.raw:
        return script
    if version == "1.0" and is_chunked(script.head):
        return without_length(script)
    if close and script.head.header("connection"):
        headers = tuple(
            (k, "close" if k.lower() == "connection" else v) for k, v in script.head.headers
        )
        return replace(script, head=replace(script.head, headers=headers))
    return script


_FRAMING = ("transfer-encoding", "content-length")
_WHOLE = ("finish", "close", "half_close")  # the ends that come after the whole body


def keeps_open(script: Script) -> bool:
    """Whether the client can know where the body ends without the connection's end."""
    if script.raw:
        return True
    head = script.head
    if (head.header("connection") or "").lower() == "close":
        return False
    return (
        is_chunked(head) or head.header("content-length") is not None or head.status in (204, 304)
    )


def has_body(method: str, status: int) -> bool:
    """Whether a response has a body at all (RFC 9112 §6.3)."""
    return method != "HEAD" and status not in (204, 304)


def wire_frames(script: Script, method: str = "GET", together: int = 0) -> Iterator[Frame]:
    r"""The frames of a script as they go over a connection, head first.

    Args:
        script: the response.
        method: that of the request.
        together: how many bytes of steps that are due at the same time may be one frame.

    >>> script = Script(Head(200, (("Transfer-Encoding", "chunked"),)), (Event("a"),))
    >>> b"".join(frame.data for frame in wire_frames(script)).split(b"\r\n\r\n", 1)[1]
    b'9\r\ndata: a\n\n\r\n0\r\n\r\n'
    """
    start = script.head.delay
    chunked = is_chunked(script.head) and not script.raw
    if not script.raw:
        yield Frame(start, head_bytes(script.head), 0, 0)
    if not (script.raw or has_body(method, script.head.status)):
        return
    due = start
    if (lazy := script.lazy) is not None:
        for frame in lazy.frames(start, chunked=chunked, together=together):
            due = frame.due
            yield frame
    else:
        for frame in frames(script, chunked=chunked, together=together):
            due = start + frame.due
            yield Frame(due, frame.data, frame.events, frame.size, False, frame.fence)
    if chunked and script.end in _WHOLE:
        yield Frame(due, LAST_CHUNK, 0, 0)


def check(script: Script) -> None:
    """Raise ReplyError for what cannot be put into bytes, and say what."""
    try:
        if not script.raw:
            head_bytes(script.head)
        if script.lazy is None:  # else they are bytes already
            for step in script.steps:
                encode(step)
    except ValueError as error:
        raise ReplyError(f"this response cannot be sent: {error}") from None


def to_raw(script: Script) -> Script:
    """The same response with HTTP's own bytes as steps, so that they can be changed too."""
    if script.raw:
        return script
    steps: list[Step] = [Pause(script.head.delay)] if script.head.delay else []
    steps.append(Raw(head_bytes(script.head), 0))
    chunked = is_chunked(script.head)
    for step in script.steps:
        data = encode(step)
        if data:
            steps.append(Raw(chunk(data) if chunked else data, count_events(step)))
        elif not isinstance(step, Event | Raw):
            steps.append(step)
    if chunked and script.end in _WHOLE:
        steps.append(Raw(LAST_CHUNK, 0))
    # An end that breaks the body off is said by what is missing from the bytes.
    end = script.end
    if end == "finish" and not keeps_open(script):
        end = "close"
    return Script(replace(script.head, delay=0.0), tuple(steps), end, raw=True)
