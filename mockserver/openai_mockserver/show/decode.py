"""An exchange as a client would receive it, down to HTTP's own bytes.

Rules of this file: exchanges are played without a clock, and nothing raises. Problems below the
events are noted in `ReceivedResponse.faults`; the rest is kept as it came.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from openai_mockserver import api, sse
from openai_mockserver.api.detection import CHAT, RESPONSES, find_look
from openai_mockserver.bounded_input import MOST_UNPACKED
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Event, Head, Raw, Script, Step
from openai_mockserver.show.format import (
    as_object,
    decode_json,
    find_percentile,
    list_choices,
    shorten,
)
from openai_mockserver.show.summaries import PIECES, STYLES, Phrase, list_phrases
from openai_mockserver.timeline import frames

__all__ = ["Item", "ReceivedResponse", "Times", "list_moments", "receive", "measure_times"]

# What came


@dataclass(frozen=True)
class Item:
    """An event, a comment, or bytes that are neither.

    Args:
        number: the event's number, from 1; for a comment or bytes, that of the event before.
        at: seconds since the request.
        gap: seconds since the item before.
        read: the number of the client's read that it came with, from 1.
        data: the event's data, the comment's text, or the bytes as text.
        event: the event; None for a comment or bytes.
        value: the data as JSON; `BROKEN` or `TOO_DEEP` if it cannot be used as JSON.
        kind: ``comment``, ``bytes`` or, for an event, the kind of its most important phrase.
        phrases: the event in words.
    """

    number: int
    at: float
    gap: float
    read: int
    data: str
    event: Event | None = None
    value: Any = None
    kind: str = ""
    phrases: tuple[Phrase, ...] = ()


@dataclass
class ReceivedResponse:
    """An exchange as a client would receive it.

    Args:
        exchange: the exchange.
        items: events, comments and other bytes, in order.
        body: the bytes of the body, without HTTP's own and without content coding.
        faults: problems below the events: the name of the check that reports it, and the problem.
        is_unfinished: whether the body ends within an event.
        split_reads: how many reads end within an event.
    """

    exchange: Exchange
    items: list[Item]
    body: bytes
    faults: dict[str, str]
    is_unfinished: bool
    split_reads: int

    @property
    def head(self) -> Head:
        return self.exchange.script.head

    @cached_property
    def events(self) -> list[Item]:
        """The items that are events."""
        return [item for item in self.items if item.event is not None]

    @cached_property
    def objects(self) -> list[tuple[Item, dict[str, Any]]]:
        """The events whose data is a JSON object."""
        return [(item, item.value) for item in self.events if isinstance(item.value, dict)]

    @cached_property
    def chunks(self) -> list[tuple[Item, dict[str, Any]]]:
        """The same for a chat stream; empty for any other."""
        return self.objects if self.endpoint == CHAT else []

    @cached_property
    def choices(self) -> list[tuple[Item, dict[str, Any]]]:
        """The choices of all chunks, each with the item that it came in."""
        return [(item, choice) for item, chunk in self.chunks for choice in list_choices(chunk)]

    @cached_property
    def endpoint(self) -> str | None:
        """The endpoint that the response looks like; None if it looks like none."""
        objects = [
            (item.event.event or "", v) for item, v in self.objects if item.event is not None
        ]
        if not self.events:
            value = decode_json(self.body.decode("utf-8", "replace"))
            objects = [("", value)] if isinstance(value, dict) else []
        look = find_look(objects)
        return None if look is None else look.name

    @cached_property
    def reply(self) -> Reply | ApiError | str:
        """The reply that the response means, or the problem that prevents reading it."""
        kind = "text/event-stream" if self.events else "application/json"
        script = Script(Head(self.head.status, (("content-type", kind),)), (Raw(self.body),))
        try:
            return api.read(script)
        except _UNREADABLE as error:
            return str(error) or type(error).__name__

    @property
    def is_understood(self) -> bool:
        """Whether the reply says all that came; if not, the pieces are shown instead."""
        if self.endpoint in (CHAT, None):
            return True
        reply = self.reply
        if self.endpoint == RESPONSES:  # whose items can be unfinished
            return isinstance(reply, Reply) and bool(reply.output or reply.error)
        return isinstance(reply, Reply) and (
            reply.error is not None
            or all(choice.finish_reason is not None for choice in reply.choices)
        )

    @property
    def seconds(self) -> float:
        """Seconds from the request to the end."""
        return self.exchange.script.seconds


_UNREADABLE = (MockServerError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def receive(exchange: Exchange) -> ReceivedResponse:
    """Return what a client would receive, by playing the exchange without a clock."""
    faults: dict[str, str] = {}
    sent_frames = list(frames(_make_sendable(exchange.script, faults)))
    bodies = _decode_parts([frame.data for frame in sent_frames], exchange.script, faults)
    reader = _Reader(exchange.script.head.delay)
    for frame, data in zip(sent_frames, bodies, strict=True):
        reader.take(frame.due, frame.fence, data)
    values = [as_object(item.value) for item in reader.items]
    several = any(choice.get("index") for value in values for choice in list_choices(value))
    items = [_add_phrases(item, several) for item in reader.items]
    is_unfinished = reader.decoder.pending
    return ReceivedResponse(
        exchange, items, b"".join(bodies), faults, is_unfinished, reader.split_reads
    )


def _make_sendable(script: Script, faults: dict[str, str]) -> Script:
    """Replace the steps that the event-stream format cannot carry with bytes that show them."""
    steps: list[Step] = []
    for step in script.steps:
        try:
            sse.encode(step)
            steps.append(step)
        except ValueError as error:
            faults["unsendable"] = str(error)
            text = getattr(step, "data", None) or getattr(step, "text", "")
            steps.append(Raw(b"data: %b\n\n" % str(text).encode("utf-8", "replace")))
    return script.with_steps(steps)


class _Reader:
    """Finds the items in the bytes of the body, line by line."""

    def __init__(self, delay: float) -> None:
        self.items: list[Item] = []
        self.decoder = sse.Decoder()
        self.split_reads = 0
        self._delay = delay
        self._due = self._last = self._at = 0.0
        self._read = self._events = 0
        self._at_line_start = True

    def take(self, due: float, fence: bool, data: bytes) -> None:
        """Read bytes that are sent ``due`` seconds after the head; a fence begins a new read."""
        if not data:
            return
        if not self._read or due > self._due or fence:
            self.split_reads += bool(self._read and self.decoder.pending)
            self._read += 1
        self._due, self._at = due, self._delay + due
        before = len(self.items)
        for line in _LINES.findall(data):
            self._take_line(line)
        if len(self.items) == before and data.strip(b"\r\n"):
            self._add(data.decode("utf-8", "backslashreplace"), kind="bytes")

    def _take_line(self, line: bytes) -> None:
        if self._at_line_start and line.startswith(b":"):
            text = line[1:].strip(b"\r\n").removeprefix(b" ")
            self._add(text.decode("utf-8", "replace"), kind="comment")
        self._at_line_start = line.endswith((b"\r", b"\n"))
        for event in self.decoder.feed(line):
            self._events += 1
            self._add(event.data, event=event, value=decode_json(event.data))

    def _add(self, data: str, **members: Any) -> None:
        gap = self._at - self._last
        self._last = self._at
        self.items.append(Item(self._events, self._at, gap, self._read, data, **members))


_LINES = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def _add_phrases(item: Item, several: bool) -> Item:
    if item.event is None:
        sign = ": " if item.kind == "comment" else ""
        return replace(item, phrases=(Phrase(item.kind, sign + item.data),))
    phrases = tuple(list_phrases(item.event, item.value, several))
    kinds = {phrase.kind for phrase in phrases}
    kind = next((kind for kind in STYLES if kind in kinds), "json")
    return replace(item, kind=kind, phrases=phrases)


# When it came


@dataclass(frozen=True)
class Times:
    """When the pieces of the model's output came; None if there are too few.

    Args:
        ttft: seconds from the request to the first piece.
        p50, p95, longest: seconds between two pieces.
    """

    ttft: float | None
    p50: float | None
    p95: float | None
    longest: float | None


def list_moments(response: ReceivedResponse) -> list[float]:
    """Return when each piece of the model's output came, in seconds since the request."""
    return [item.at for item in response.events if item.kind in PIECES]


def measure_times(response: ReceivedResponse) -> Times:
    """Return when the pieces of the model's output came."""
    moments = list_moments(response)
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    p50, p95 = (find_percentile(gaps, share) if gaps else None for share in (0.5, 0.95))
    return Times(min(moments, default=None), p50, p95, max(gaps, default=None))


# Below the events: codings, and HTTP's own bytes


def _decode_parts(parts: list[bytes], script: Script, faults: dict[str, str]) -> list[bytes]:
    """Return the parts without HTTP's framing and content coding, and note problems there."""
    head = script.head
    if script.raw:
        parts = _remove_framing(parts, head, faults)
    elif (length := head.header("content-length")) is not None:
        size = sum(map(len, parts))
        if length.strip() != str(size):
            faults["length"] = f"content-length is {length}, but the body has {size} bytes"
    coding = (head.header("content-encoding") or "identity").strip().lower()
    if coding == "identity":
        return parts
    if coding not in ("gzip", "x-gzip", "deflate"):
        faults["coding"] = (
            f"the body's content-encoding is {coding}, which this command cannot decode"
        )
        return parts
    return _unzip(parts, faults)


def _unzip(parts: list[bytes], faults: dict[str, str]) -> list[bytes]:
    """Return the parts without gzip or deflate."""
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    plain: list[bytes] = []
    room = MOST_UNPACKED
    try:
        for part in parts:
            plain.append(decoder.decompress(part, room) if room else b"")
            room -= len(plain[-1])
    except zlib.error as error:
        faults["coding"] = f"the body does not match its content-encoding: {error}"
        return [*plain, *parts[len(plain) :]]
    if not room:
        faults["coding"] = f"the decompressed body has more than {MOST_UNPACKED:,} bytes"
    elif not decoder.eof:
        faults["coding"] = "the compressed body is unfinished"
    return plain


def _remove_framing(parts: list[bytes], head: Head, faults: dict[str, str]) -> list[bytes]:
    """Return the bytes of each part that belong to the body."""
    wire = b"".join(parts)
    spans = list(_find_body(wire, head, faults))
    plain, start = [], 0
    for part in parts:
        end = start + len(part)
        plain.append(b"".join(wire[max(a, start) : min(b, end)] for a, b in spans if b > start))
        spans = [span for span in spans if span[1] > end]
        start = end
    return plain


def _find_body(wire: bytes, head: Head, faults: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Yield where in HTTP's bytes the body is (RFC 9112 §6, §7.1)."""
    at = 0
    if wire.startswith(b"HTTP/"):
        at = wire.find(b"\r\n\r\n") + 4
        if at < 4:
            faults["framing"] = "the head is unfinished"
            return
    if "chunked" not in (head.header("transfer-encoding") or "").lower():
        yield at, len(wire)
        return
    while size := _CHUNK.match(wire, at):
        at = size.end()
        length = int(size[1], 16)
        if not length:
            return
        yield at, min(at + length, len(wire))
        at += length + 2
        if wire[at - 2 : at] != b"\r\n":
            faults["framing"] = f"a chunk of {length} bytes is not followed by a line end"
            return
    faults["framing"] = (
        f"there is no chunk size at byte {at}: {shorten(repr(wire[at : at + 20]))}"
        if at < len(wire)
        else "the last chunk, which has size zero, is missing"
    )


_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
