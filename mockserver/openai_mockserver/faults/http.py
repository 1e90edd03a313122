"""HTTP otherwise: status, headers, the head's bytes, and how the body is framed.

See `openai_mockserver.faults.fault` for the rules. What HTTP's own bytes cannot say as a head with
headers is said on the raw script (`openai_mockserver.http1.to_raw`); RFC 9112 is the measure of
what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from openai_mockserver import sse
from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.fault import Change, fault, first_events
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


def _with_head(script: Script, head: Head) -> Script:
    if script.raw:
        raise FaultError("this changes the head, which is already among the bytes: put it first")
    return replace(script, head=head)


def _without(head: Head, *names: str) -> tuple[tuple[str, str], ...]:
    gone = {name.lower() for name in names}
    return tuple((k, v) for k, v in head.headers if k.lower() not in gone)


@fault
def status(code: int) -> Change:
    """Another status, with the same headers and body."""
    if not isinstance(code, int) or not 100 <= code <= 999:
        raise FaultError(f"status(code={code!r}): a number of three digits")
    return lambda script: _with_head(script, replace(script.head, status=code))


@fault
def header(name: str, value: str | None) -> Change:
    """A header with another value; None takes it away."""

    def apply(script: Script) -> Script:
        kept = _without(script.head, name)
        if value is None and len(kept) == len(script.head.headers):
            raise FaultError(f"header({name!r}, None) never happens: there is no such header")
        added = () if value is None else ((name, value),)
        return _with_head(script, replace(script.head, headers=(*kept, *added)))

    return apply


@fault
def add_header(name: str, value: str) -> Change:
    """A header more, also where there is one of this name."""

    def apply(script: Script) -> Script:
        headers = (*script.head.headers, (name, value))
        return _with_head(script, replace(script.head, headers=headers))

    return apply


@fault
def redirect(location: str, code: int = 307) -> Change:
    """A redirect instead of the response."""

    def apply(script: Script) -> Script:
        headers = (("Location", location), ("Content-Length", "0"))
        return Script(Head(code, headers, script.head.delay))

    return apply


# The body's framing, said by headers


@fault
def content_length(value: int | None = None, off: int = 0, keep_open: bool = False) -> Change:
    """A ``Content-Length`` instead of chunks: the right one, one that is ``off``, or any.

    A wrong one ends with FIN, unless the connection is kept open: silence, or bytes too many.
    """

    def apply(script: Script) -> Script:
        size = len(sse.body(script.steps)) + off if value is None else value
        headers = (*_without(script.head, "transfer-encoding", "content-length"),)
        sized = replace(script.head, headers=(*headers, ("Content-Length", str(size))))
        right = size == len(sse.body(script.steps))
        wrong: End = "hold" if keep_open else "truncate"
        end: End = wrong if script.end == "finish" and not right else script.end
        return replace(_with_head(script, sized), end=end)

    return apply


@fault
def close_delimited() -> Change:
    """Neither chunks nor a length: the body ends with the connection."""

    return lambda script: _with_head(script, without_length(script).head)


# The head's bytes


def _head_of(script: Script, change: Callable[[bytes], bytes]) -> Script:
    raw = to_raw(script)
    for index, step in enumerate(raw.steps):
        if isinstance(step, Raw):
            steps = (*raw.steps[:index], Raw(change(step.data), 0), *raw.steps[index + 1 :])
            return raw.with_steps(steps)
    raise FaultError("there is no head to change")


@fault
def http10() -> Change:
    """HTTP/1.0: no chunks, and the connection's end is the body's."""

    def apply(script: Script) -> Script:
        closing = close_delimited()(script)
        return _head_of(closing, lambda head: head.replace(b"HTTP/1.1", b"HTTP/1.0", 1))

    return apply


@fault
def lf_head() -> Change:
    """The head's lines end with LF alone."""
    return lambda script: _head_of(script, lambda head: head.replace(b"\r\n", b"\n"))


@fault
def informational(*codes: int) -> Change:
    """Responses of 1xx before the real one (RFC 9110 §15.2)."""
    before = b"".join(b"HTTP/1.1 %d \r\n\r\n" % code for code in codes or (100,))
    return lambda script: _head_of(script, lambda head: before + head)


@fault
def raw_head(data: str | bytes) -> Change:
    """These bytes instead of the head."""
    octets = data.encode("latin-1") if isinstance(data, str) else data
    return lambda script: _head_of(script, lambda _: octets)


@fault
def half_head(end: End = "truncate", size: int | None = None) -> Change:
    """Half of the head, or its first ``size`` bytes, then ``truncate``, ``reset`` or ``hold``."""

    def apply(script: Script) -> Script:
        raw = _head_of(script, lambda head: head[: len(head) // 2 if size is None else size])
        index = next(i for i, step in enumerate(raw.steps) if isinstance(step, Raw))
        return raw.with_steps(raw.steps[: index + 1], end)

    return apply


@fault
def empty_response(end: End = "truncate") -> Change:
    """Not a byte: the connection is closed, or with ``reset`` broken, with ``hold`` kept silent."""
    return lambda script: Script(script.head, (), end, raw=True)


# The chunks' bytes (RFC 9112 §7.1)


def _chunks_of(script: Script, what: str) -> Script:
    if not script.raw and not is_chunked(script.head):
        raise FaultError(f"{what} never happens: the response is not chunked")
    return to_raw(script)


@fault
def bad_chunk_size(after: int = 0, text: str = "zz") -> Change:
    """After so many events a chunk whose size is no number, then FIN."""

    def apply(script: Script) -> Script:
        raw = _chunks_of(script, "bad_chunk_size()")
        kept, _ = first_events(raw, after, f"bad_chunk_size(after={after})")
        return raw.with_steps((*kept, Raw(f"{text}\r\n".encode("latin-1"), 0)), "truncate")

    return apply


@fault
def missing_chunk_crlf(after: int = 0) -> Change:
    """The chunk after so many events lacks its CRLF, and the next size follows its data."""

    def apply(script: Script) -> Script:
        raw = _chunks_of(script, "missing_chunk_crlf()")
        kept, rest = first_events(raw, after, f"missing_chunk_crlf(after={after})")
        if not rest or not isinstance(rest[0], Raw):
            raise FaultError(f"missing_chunk_crlf(after={after}) never happens: no chunk follows")
        spoilt = Raw(rest[0].data.removesuffix(b"\r\n"), rest[0].events)
        return raw.with_steps((*kept, spoilt, *rest[1:]))

    return apply


@fault
def chunk_extension(text: str = ";a=b") -> Change:
    """Every chunk has an extension (RFC 9112 §7.1.1), which is legal."""

    def apply(script: Script) -> Script:
        raw = _chunks_of(script, "chunk_extension()")
        steps: list[Step] = []
        for step in raw.steps:
            if isinstance(step, Raw) and step.events:
                size, _, rest = step.data.partition(b"\r\n")
                step = Raw(b"%b%b\r\n%b" % (size, text.encode("latin-1"), rest), step.events)
            steps.append(step)
        return raw.with_steps(steps)

    return apply


def _last_chunk(script: Script, what: str, change: Callable[[Raw], list[Step]]) -> Script:
    raw = _chunks_of(script, what)
    steps = list(raw.steps)
    if not steps or steps[-1] != Raw(LAST_CHUNK, 0):
        raise FaultError(f"{what} never happens: the response has no last chunk")
    return raw.with_steps((*steps[:-1], *change(Raw(LAST_CHUNK, 0))))


@fault
def trailers(headers: Mapping[str, str] | None = None) -> Change:
    """Trailers after the last chunk (RFC 9112 §7.1.2), which is legal."""
    sent = {"X-Trailer": "1"} if headers is None else headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items()).encode("latin-1")
    last: list[Step] = [Raw(b"0\r\n" + lines + b"\r\n", 0)]
    return lambda script: _last_chunk(script, "trailers()", lambda _: last)


@fault
def split_last_chunk(seconds: float = 0.0) -> Change:
    """The last chunk in two parts, with silence between."""
    parts: list[Step] = [Raw(b"0\r\n", 0), Pause(seconds), Raw(b"\r\n", 0)]
    return lambda script: _last_chunk(script, "split_last_chunk()", lambda _: parts)


@fault
def late_end(seconds: float) -> Change:
    """Silence between the last event and the end of the body."""
    return lambda script: script.with_steps((*script.steps, Pause(seconds)))


@fault
def bytes_after_end(data: str | bytes = "GARBAGE", seconds: float = 0.0) -> Change:
    """Bytes after the whole response, on a connection that stays open; at once or later."""
    octets = data.encode("latin-1") if isinstance(data, str) else data
    late: list[Step] = [Pause(seconds)] if seconds else []

    def apply(script: Script) -> Script:
        raw = to_raw(script)
        if raw.end != "finish" or not any(isinstance(s, Raw | Event) for s in raw.steps):
            raise FaultError("bytes_after_end() never happens: the response has no clean end")
        return raw.with_steps((*raw.steps, *late, Raw(octets, 0)))

    return apply
