"""A script as HTTP/1.1 bytes: its head, its body framed as its headers declare, its end.

Rules of this file: no I/O and no clock; RFC 9112 is cited where it is implemented; mistakes in a
script are sent as they are, never corrected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.script import Event, Frame, Head, Pause, Raw, Script, Step
from openai_mockserver.sse import count_events, encode
from openai_mockserver.timeline import encode_chunk, frames

__all__ = [
    "LAST_CHUNK",
    "SWITCHING",
    "answer_version",
    "check_script",
    "encode_chunk",
    "has_body",
    "encode_head",
    "is_chunked",
    "is_plain",
    "keeps_open",
    "to_raw",
    "wire_frames",
    "without_length",
]

LAST_CHUNK = b"0\r\n\r\n"
"""RFC 9112 §7.1: the chunk of size zero, and no trailers."""


SWITCHING = Script(Head(101, (("upgrade", "websocket"), ("connection", "Upgrade"))))
"""The response that opens a WebSocket (RFC 6455 §4.2.2), without what depends on the request."""

_REASONS = {status.value: status.phrase for status in HTTPStatus}


def encode_head(head: Head, version: str = "1.1") -> bytes:
    """Return status line and headers, with their order and spelling kept (RFC 9112 §2.1)."""
    lines = [f"HTTP/{version} {head.status} {_REASONS.get(head.status, '')}"]
    lines += [f"{name}: {value}" for name, value in head.headers]
    text = "\r\n".join(lines)
    line_ends = len(lines) - 1
    if text.count("\r") != line_ends or text.count("\n") != line_ends:
        bad_line = next(line for line in lines if "\r" in line or "\n" in line)
        raise ValueError(f"a header cannot hold a line end: {bad_line!r}")
    return f"{text}\r\n\r\n".encode("latin-1")


def is_chunked(head: Head) -> bool:
    """Whether the body is sent in HTTP chunks."""
    return (head.header("transfer-encoding") or "").lower() == "chunked"


def is_plain(script: Script) -> bool:
    """Whether the HTTP framing is ordinary, so that the client reads exactly the script's body.

    If not, only an HTTP parser can tell from the bytes what the client sees.
    """
    if script.raw or script.head.status in (204, 304) or script.head.status < 200:
        return False
    framing = [(k.lower(), v.lower()) for k, v in script.head.headers if k.lower() in _FRAMING]
    if framing == [("transfer-encoding", "chunked")]:
        is_right = True
    else:
        lazy = script.lazy
        size = sum(len(encode(step)) for step in script.steps) if lazy is None else lazy.size
        is_right = framing == [("content-length", str(size))]
    return is_right and sum(len(k) + len(v) for k, v in script.head.headers) < 50_000


def without_length(script: Script) -> Script:
    """Return the script with a body that the connection's end ends: no chunks and no length."""
    dropped_names = (*_FRAMING, "connection")
    headers = tuple((k, v) for k, v in script.head.headers if k.lower() not in dropped_names)
    head = replace(script.head, headers=(*headers, ("Connection", "close")))
    return replace(script, head=head)


def answer_version(script: Script, version: str, close: bool) -> Script:
    """Adapt the script to the HTTP version of the request and to ``Connection: close``.

    An HTTP/1.0 client does not understand chunks (RFC 9112 §7).

    Args:
        script: the response.
        version: HTTP version of the request, such as ``1.1``.
        close: whether the request asks for the connection to be closed after the response.
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
_CLEAN_ENDS = ("finish", "close", "half_close")  # the ends that follow the complete body


def keeps_open(script: Script) -> bool:
    """Whether the connection can stay open: the body's end does not depend on the connection's."""
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


def wire_frames(script: Script, method: str = "GET", merge_limit: int = 0) -> Iterator[Frame]:
    r"""Yield the frames of a script as they are sent over a connection, head first.

    Args:
        script: the response.
        method: method of the request.
        merge_limit: merge steps due at the same time into frames of up to this many body bytes.

    >>> script = Script(Head(200, (("Transfer-Encoding", "chunked"),)), (Event("a"),))
    >>> b"".join(frame.data for frame in wire_frames(script)).split(b"\r\n\r\n", 1)[1]
    b'9\r\ndata: a\n\n\r\n0\r\n\r\n'
    """
    start = script.head.delay
    chunked = is_chunked(script.head) and not script.raw
    if not script.raw:
        yield Frame(start, encode_head(script.head), 0, 0)
    if not (script.raw or has_body(method, script.head.status)):
        return
    due = start
    if (lazy := script.lazy) is not None:
        for frame in lazy.frames(start, chunked=chunked, merge_limit=merge_limit):
            due = frame.due
            yield frame
    else:
        for frame in frames(script, chunked=chunked, merge_limit=merge_limit):
            due = start + frame.due
            yield Frame(due, frame.data, frame.events, frame.size, False, frame.fence)
    if chunked and script.end in _CLEAN_ENDS:
        yield Frame(due, LAST_CHUNK, 0, 0)


def check_script(script: Script) -> None:
    """Raise ReplyError if a header or a step cannot be encoded."""
    try:
        if not script.raw:
            encode_head(script.head)
        if script.lazy is None:  # lazy steps are already encoded
            for step in script.steps:
                encode(step)
    except ValueError as error:
        raise ReplyError(f"this response cannot be sent: {error}") from None


def to_raw(script: Script) -> Script:
    """Return the response with HTTP's own bytes as steps, so that faults can change them too."""
    if script.raw:
        return script
    steps: list[Step] = [Pause(script.head.delay)] if script.head.delay else []
    steps.append(Raw(encode_head(script.head), 0))
    chunked = is_chunked(script.head)
    for step in script.steps:
        data = encode(step)
        if data:
            steps.append(Raw(encode_chunk(data) if chunked else data, count_events(step)))
        elif not isinstance(step, Event | Raw):
            steps.append(step)
    if chunked and script.end in _CLEAN_ENDS:
        steps.append(Raw(LAST_CHUNK, 0))
    # If the end cuts the body off, the missing bytes show it.
    end = script.end
    if end == "finish" and not keeps_open(script):
        end = "close"
    return Script(replace(script.head, delay=0.0), tuple(steps), end, raw=True)
