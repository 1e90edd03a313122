"""Faults of HTTP: the status, the headers, the bytes of the head, and the framing of the body.

See `openai_mockserver.faults.fault` for the rules. A fault that a `Head` cannot express changes the
raw script (`openai_mockserver.http1.to_raw`). RFC 9112 defines what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from openai_mockserver import sse
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.fault import Change, fault, take_events
from openai_mockserver.http1 import LAST_CHUNK, is_chunked, to_raw, without_length
from openai_mockserver.script import End, Event, Head, Pause, Raw, Script, Step

__all__ = [
    "add_header",
    "bad_chunk_size",
    "bytes_after_end",
    "chunk_extension",
    "close_delimited",
    "content_length",
    "empty_response",
    "half_head",
    "header",
    "http10",
    "informational",
    "late_end",
    "lf_head",
    "missing_chunk_crlf",
    "raw_head",
    "redirect",
    "split_last_chunk",
    "status",
    "trailers",
]


def _set_head(script: Script, head: Head) -> Script:
    if script.raw:
        raise FaultError(
            "an earlier fault has turned the head into bytes: put this fault before it"
        )
    return replace(script, head=head)


def _drop_headers(head: Head, *names: str) -> tuple[tuple[str, str], ...]:
    dropped_names = {name.lower() for name in names}
    return tuple((k, v) for k, v in head.headers if k.lower() not in dropped_names)


@fault
def status(code: int) -> Change:
    """Change the status; headers and body stay the same."""
    if not isinstance(code, int) or not 100 <= code <= 999:
        raise FaultError(f"status(code={code!r}): code must be a number of three digits")
    return lambda script: _set_head(script, replace(script.head, status=code))


@fault
def header(name: str, value: str | None) -> Change:
    """Set the value of a header; None removes it."""

    def apply(script: Script) -> Script:
        headers = _drop_headers(script.head, name)
        if value is None and len(headers) == len(script.head.headers):
            raise FaultError(
                f"header({name!r}, None) never happens: the response has no such header"
            )
        new_headers = () if value is None else ((name, value),)
        return _set_head(script, replace(script.head, headers=(*headers, *new_headers)))

    return apply


@fault
def add_header(name: str, value: str) -> Change:
    """Add a header, also if the response already has one of this name."""

    def apply(script: Script) -> Script:
        headers = (*script.head.headers, (name, value))
        return _set_head(script, replace(script.head, headers=headers))

    return apply


@fault
def redirect(location: str, code: int = 307) -> Change:
    """Send a redirect instead of the response."""

    def apply(script: Script) -> Script:
        headers = (("Location", location), ("Content-Length", "0"))
        return Script(Head(code, headers, script.head.delay))

    return apply


# The body's framing, as headers declare it


@fault
def content_length(value: int | None = None, off: int = 0, keep_open: bool = False) -> Change:
    """Send a ``Content-Length`` instead of chunks: correct, wrong by ``off``, or ``value``.

    After a body of the wrong length the server sends FIN, unless ``keep_open``: then the client
    waits for missing bytes, or finds extra bytes on the connection.

    Args:
        value: the declared length in bytes.
        off: bytes to add to the correct length if there is no ``value``.
        keep_open: keep the connection open after a body of the wrong length.
    """

    def apply(script: Script) -> Script:
        size = len(sse.body(script.steps)) + off if value is None else value
        headers = (*_drop_headers(script.head, "transfer-encoding", "content-length"),)
        head = replace(script.head, headers=(*headers, ("Content-Length", str(size))))
        right = size == len(sse.body(script.steps))
        wrong: End = "hold" if keep_open else "truncate"
        end: End = wrong if script.end == "finish" and not right else script.end
        return replace(_set_head(script, head), end=end)

    return apply


@fault
def close_delimited() -> Change:
    """Send neither chunks nor a length: closing the connection ends the body."""
    return lambda script: _set_head(script, without_length(script).head)


# The head's bytes


def _change_head(script: Script, change: Callable[[bytes], bytes]) -> Script:
    raw = to_raw(script)
    for index, step in enumerate(raw.steps):
        if isinstance(step, Raw):
            steps = (*raw.steps[:index], Raw(change(step.data), 0), *raw.steps[index + 1 :])
            return raw.with_steps(steps)
    raise FaultError("the response has no head to change")


@fault
def http10() -> Change:
    """Answer with HTTP/1.0: no chunks, and closing the connection ends the body."""

    def apply(script: Script) -> Script:
        closing = close_delimited()(script)
        return _change_head(closing, lambda head: head.replace(b"HTTP/1.1", b"HTTP/1.0", 1))

    return apply


@fault
def lf_head() -> Change:
    """End the lines of the head with LF alone."""
    return lambda script: _change_head(script, lambda head: head.replace(b"\r\n", b"\n"))


@fault
def informational(*codes: int) -> Change:
    """Send informational responses (1xx) before the real one (RFC 9110 §15.2)."""
    before = b"".join(b"HTTP/1.1 %d \r\n\r\n" % code for code in codes or (100,))
    return lambda script: _change_head(script, lambda head: before + head)


@fault
def raw_head(data: str | bytes) -> Change:
    """Send these bytes instead of the head."""
    octets = data.encode("latin-1") if isinstance(data, str) else data
    return lambda script: _change_head(script, lambda _: octets)


@fault
def half_head(end: End = "truncate", size: int | None = None) -> Change:
    """Send half of the head, or its first ``size`` bytes; then truncate, reset or hold."""

    def apply(script: Script) -> Script:
        raw = _change_head(script, lambda head: head[: len(head) // 2 if size is None else size])
        index = next(i for i, step in enumerate(raw.steps) if isinstance(step, Raw))
        return raw.with_steps(raw.steps[: index + 1], end)

    return apply


@fault
def empty_response(end: End = "truncate") -> Change:
    """Send no byte: close the connection, ``reset`` it, or ``hold`` it open."""
    return lambda script: Script(script.head, (), end, raw=True)


# The chunks' bytes (RFC 9112 §7.1)


def _require_chunks(script: Script, what: str) -> Script:
    if not script.raw and not is_chunked(script.head):
        raise FaultError(f"{what} never happens: the response is not chunked")
    return to_raw(script)


@fault
def bad_chunk_size(after: int = 0, text: str = "zz") -> Change:
    """After ``after`` events, send a chunk whose size is not a number, then FIN."""

    def apply(script: Script) -> Script:
        raw = _require_chunks(script, "bad_chunk_size()")
        steps, _ = take_events(raw, after, f"bad_chunk_size(after={after})")
        return raw.with_steps((*steps, Raw(f"{text}\r\n".encode("latin-1"), 0)), "truncate")

    return apply


@fault
def missing_chunk_crlf(after: int = 0) -> Change:
    """Leave out the CRLF of the chunk after ``after`` events: the next size follows its data."""

    def apply(script: Script) -> Script:
        raw = _require_chunks(script, "missing_chunk_crlf()")
        steps, rest = take_events(raw, after, f"missing_chunk_crlf(after={after})")
        if not rest or not isinstance(rest[0], Raw):
            raise FaultError(f"missing_chunk_crlf(after={after}) never happens: no chunk follows")
        bad_chunk = Raw(rest[0].data.removesuffix(b"\r\n"), rest[0].events)
        return raw.with_steps((*steps, bad_chunk, *rest[1:]))

    return apply


@fault
def chunk_extension(text: str = ";a=b") -> Change:
    """Add an extension to every chunk (RFC 9112 §7.1.1), which is legal."""

    def apply(script: Script) -> Script:
        raw = _require_chunks(script, "chunk_extension()")
        steps: list[Step] = []
        for step in raw.steps:
            if isinstance(step, Raw) and step.events:
                size, _, rest = step.data.partition(b"\r\n")
                step = Raw(b"%b%b\r\n%b" % (size, text.encode("latin-1"), rest), step.events)
            steps.append(step)
        return raw.with_steps(steps)

    return apply


def _replace_last_chunk(script: Script, what: str, change: Callable[[Raw], list[Step]]) -> Script:
    raw = _require_chunks(script, what)
    steps = list(raw.steps)
    if not steps or steps[-1] != Raw(LAST_CHUNK, 0):
        raise FaultError(f"{what} never happens: the response has no last chunk")
    return raw.with_steps((*steps[:-1], *change(Raw(LAST_CHUNK, 0))))


@fault
def trailers(headers: Mapping[str, str] | None = None) -> Change:
    """Send trailers after the last chunk (RFC 9112 §7.1.2), which is legal."""
    fields = {"X-Trailer": "1"} if headers is None else headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("latin-1")
    last: list[Step] = [Raw(b"0\r\n" + lines + b"\r\n", 0)]
    return lambda script: _replace_last_chunk(script, "trailers()", lambda _: last)


@fault
def split_last_chunk(seconds: float = 0.0) -> Change:
    """Send the last chunk in two parts, with ``seconds`` of silence between them."""
    parts: list[Step] = [Raw(b"0\r\n", 0), Pause(seconds), Raw(b"\r\n", 0)]
    return lambda script: _replace_last_chunk(script, "split_last_chunk()", lambda _: parts)


@fault
def late_end(seconds: float) -> Change:
    """Wait ``seconds`` between the last event and the end of the body."""
    return lambda script: script.with_steps((*script.steps, Pause(seconds)))


@fault
def bytes_after_end(data: str | bytes = "GARBAGE", seconds: float = 0.0) -> Change:
    """Send more bytes after the complete response, at once or after ``seconds``.

    The connection stays open.
    """
    octets = data.encode("latin-1") if isinstance(data, str) else data
    delay: list[Step] = [Pause(seconds)] if seconds else []

    def apply(script: Script) -> Script:
        raw = to_raw(script)
        if raw.end != "finish" or not any(isinstance(s, Raw | Event) for s in raw.steps):
            raise FaultError("bytes_after_end() never happens: the response has no clean end")
        return raw.with_steps((*raw.steps, *delay, Raw(octets, 0)))

    return apply
