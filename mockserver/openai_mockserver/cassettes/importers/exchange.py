"""Conversion of what a tool recorded into an exchange.

Rules of this file: the head changes only if it would no longer be true of the body.
"""

from __future__ import annotations

import re
from typing import Any

from openai_mockserver import sse
from openai_mockserver.cassettes.importers.recording import (
    GZIP,
    Pairs,
    RecordedExchange,
    decompress,
)
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.script import Head, Pause, Raw, Script, Step


def make_exchange(recording: RecordedExchange, about: dict[str, Any]) -> Exchange:
    """Build an exchange from a recorded one and the members of its head line."""
    if recording.request is not None:
        about["request"] = recording.request
    decoded_body = decompress(recording.body)
    body = recording.body if decoded_body is None else decoded_body
    headers = tuple(pair for pair in recording.headers if not pair[0].startswith(":"))  # HTTP/2's
    is_coded = decoded_body is None and _is_coded(body, headers)
    if not is_coded:
        headers = _drop_header(headers, "content-encoding")
    is_stream = not is_coded and _is_stream(body, headers)
    if not _is_bodiless(recording):
        headers = correct_framing(headers, len(body), is_stream)
    steps: tuple[Step, ...] = sse.parse(body) if is_stream else (Raw(body),) if body else ()
    if is_stream and recording.frames and decoded_body is None:
        steps = tuple(step for frame in recording.frames for step in _build_steps(*frame))
    elif recording.duration and steps:
        pause = Pause(recording.duration / len(steps))
        steps = tuple(step for one in steps for step in (pause, one))
    return Exchange(Script(Head(recording.status, headers, recording.delay), steps), about)


def _build_steps(seconds: float, data: bytes) -> tuple[Step, ...]:
    """Return the steps of one read of a stream."""
    steps = sse.parse(data)
    return (Pause(seconds), *steps) if seconds else steps


def _get_header(headers: Pairs, name: str) -> str:
    return (Head(headers=headers).header(name) or "").strip().lower()


def _drop_header(headers: Pairs, name: str) -> Pairs:
    return tuple((k, v) for k, v in headers if k.lower() != name)


def _is_coded(body: bytes, headers: Pairs) -> bool:
    """Return whether the body is still in the coding that the head names and cannot be decoded."""
    coding = _get_header(headers, "content-encoding")
    if coding in ("", "identity"):
        return bool(coding)
    if coding in ("gzip", "x-gzip"):
        return body.startswith(GZIP)  # cut off
    try:
        body.decode()
    except UnicodeDecodeError:
        return True
    return False


FIELD = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?:data|event|id|retry)?:")


def _is_stream(body: bytes, headers: Pairs) -> bool:
    if _get_header(headers, "content-type").startswith("text/event-stream"):
        return True
    return bool(FIELD.match(body) and sse.decode(body))


def _is_bodiless(recording: RecordedExchange) -> bool:
    """Return whether HTTP forbids this response a body, so that its head describes another one."""
    method = (recording.request or {}).get("method")
    return not recording.body and (recording.status in (204, 304) or method == "HEAD")


def correct_framing(headers: Pairs, size: int, is_stream: bool) -> Pairs:
    """Correct the framing headers for a body of ``size`` bytes.

    A chunked response must not have a length as well (RFC 9112 §6.2).
    """
    if _get_header(headers, "transfer-encoding") == "chunked":
        return _drop_header(headers, "content-length")
    headers = _drop_header(
        headers, "transfer-encoding"
    )  # a transfer coding that the recorder has removed
    lengths = [at for at, (name, _) in enumerate(headers) if name.lower() == "content-length"]
    if not lengths:
        framing = ("Transfer-Encoding", "chunked") if is_stream else ("Content-Length", str(size))
        return (*headers, framing)
    first = lengths[0]
    return tuple(
        (name, str(size)) if at == first else (name, value)
        for at, (name, value) in enumerate(headers)
        if at == first or at not in lengths
    )
