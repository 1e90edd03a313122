"""The event-stream format: steps to bytes, bytes to events.

Rules of this file: no I/O and no JSON. The decoder follows the WHATWG HTML standard, §9.2.6
"Interpreting an event stream"; each rule is cited where it is implemented.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import suppress

from openai_mockserver.script import Comment, Event, LazySteps, Raw, Step

__all__ = [
    "DONE",
    "Decoder",
    "apart",
    "body",
    "count_all",
    "count_events",
    "decode",
    "encode",
    "parse",
]

DONE = Event("[DONE]")
"""The event that ends OpenAI's chat streams (WIRE.md §0)."""

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"
_RETRY_DIGITS = 18


def encode(step: Step) -> bytes:
    r"""Return the bytes of one step; a pause or a boundary has none.

    >>> encode(Event('{"a":1}', event="x"))
    b'event: x\ndata: {"a":1}\n\n'
    >>> encode(Comment("ping"))
    b': ping\n\n'

    Raises ValueError if the format cannot express the step: a CR in data, a line end in a field.
    """
    if isinstance(step, Event):
        if step.event is None and step.id is None and step.retry is None and "\n" not in step.data:
            if "\r" in step.data:
                raise ValueError(f"an event's data cannot hold a CR: {step.data[:40]!r}")
            return b"data: %b\n\n" % step.data.encode()
        return _encode_fields(step)
    if isinstance(step, Raw):
        return step.data
    if isinstance(step, Comment):
        return b"".join(b": %b\n" % line.encode() for line in step.text.split("\n")) + b"\n"
    return b""


def _encode_fields(event: Event) -> bytes:
    lines: list[str] = []
    for name, value in (("event", event.event), ("id", event.id), ("retry", event.retry)):
        if value is not None:
            lines.append(f"{name}: {value}")
    if any("\n" in line or "\r" in line for line in lines) or "\r" in event.data:
        raise ValueError(f"a field of an event cannot hold a line end: {event!r}")
    lines += [f"data: {line}" for line in event.data.split("\n")]
    return ("\n".join(lines) + "\n\n").encode()


class Decoder:
    r"""An incremental decoder: takes bytes split anywhere and returns the events they complete.

    >>> decoder = Decoder()
    >>> decoder.feed(b"data: a\r"), decoder.feed(b"\n\r\ndata: b")
    ([], [Event('a')])

    An event without its blank line is never dispatched ("Once the end of the file is reached,
    any pending data must be discarded"); ``pending`` is true while there is one.
    """

    __slots__ = ("_buffer", "_data", "_id", "_retry", "_scanned", "_started", "_swallow_lf",
                 "_type", "last_event_id")  # fmt: skip

    def __init__(self) -> None:
        self.last_event_id = ""
        self._buffer = bytearray()
        self._started = False
        self._swallow_lf = False
        self._scanned = 0
        self._reset()

    def _reset(self) -> None:
        self._data: list[bytes] = []
        self._type: bytes | None = None
        self._id: str | None = None
        self._retry: int | None = None

    @property
    def pending(self) -> bool:
        """Whether the decoder holds part of an event that no blank line has completed."""
        return bool(self._buffer or self._data)

    def feed(self, chunk: bytes) -> list[Event]:
        """Decode the bytes of one read and return the events they complete."""
        buffer = self._buffer
        buffer += chunk
        if not self._started:
            # "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any."
            if len(buffer) < 3 and _BOM.startswith(bytes(buffer)):
                return []
            self._started = True
            if buffer.startswith(_BOM):
                del buffer[:3]
        at = 0
        if self._swallow_lf and buffer:
            at = 1 if buffer[0] == 0x0A else 0
            self._swallow_lf = False
        events: list[Event] = []
        if b"\n" in chunk and b"\r" not in buffer:  # the usual case, which can be decoded faster
            *lines, rest = bytes(buffer[at:]).split(b"\n")
            for line in lines:
                if line[:6] == b"data: ":
                    self._data.append(line[6:])
                elif (event := self._take_line(line) if line else self._dispatch()) is not None:
                    events.append(event)
            buffer[:] = rest
            self._scanned = len(rest)
            return events
        # "Lines must be separated by either a CRLF pair, a single LF, or a single CR character."
        scan = max(at, self._scanned)
        while match := _LINE_END.search(buffer, scan):
            line = bytes(buffer[at : match.start()])
            scan = at = match.end()
            if match.group() == b"\r" and at == len(buffer):
                # The CR ends the line now; an LF in the next read belongs to it.
                self._swallow_lf = True
            event = self._take_line(line)
            if event is not None:
                events.append(event)
        del buffer[:at]
        # The rest has no line end: the next read need not search it again.
        self._scanned = len(buffer)
        return events

    def _take_line(self, line: bytes) -> Event | None:
        if not line:  # "If the line is empty (a blank line): dispatch the event"
            return self._dispatch()
        # A comment is a line with an empty name, and is ignored as all unknown names are.
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._type = value
        elif name == b"id" and b"\0" not in value:
            # "If the field value does not contain U+0000 NULL, then set the last event ID buffer"
            self.last_event_id = self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) <= _RETRY_DIGITS:
            # "If the field value consists of only ASCII digits"; more digits are not a usable time
            self._retry = int(value)
        return None

    def _dispatch(self) -> Event | None:
        data, kind, id_, retry = self._data, self._type, self._id, self._retry
        if kind is None and id_ is None and retry is None:
            self._data = []
        else:
            self._reset()
        if not data:
            # "If the data buffer is an empty string, set the data buffer and the event type buffer
            # to the empty string and return." A lone `data:` makes it a single LF: dispatched.
            return None
        text = (data[0] if len(data) == 1 else b"\n".join(data)).decode("utf-8", "replace")
        return Event(text, kind.decode("utf-8", "replace") if kind else None, id_, retry)


def decode(body: bytes) -> list[Event]:
    """Return the events of a whole body."""
    return Decoder().feed(body)


def count_events(step: Step) -> int:
    """Return the number of events that a step completes."""
    if isinstance(step, Event):
        return 1
    if not isinstance(step, Raw):
        return 0
    return len(decode(step.data)) if step.events is None else step.events


_BLOCK = re.compile(rb"(?:(?!\r\n|\r|\n)(?:[^\r\n]*)(?:\r\n|\r|\n))*(?:\r\n|\r|\n)|.+", re.DOTALL)

_PLAIN_EVENT = re.compile(rb"(?:event: ([^\r\n]+)\n)?data: ([^\r\n]*)\n\n")
"""An event as `encode` spells it; most are, and to decode one in this way takes a third."""


def parse(body: bytes) -> tuple[Step, ...]:
    r"""Split a recorded body into steps, one per block, whose bytes join to exactly this body.

    A block becomes an `Event` or a `Comment` if that encodes to the same bytes, else a `Raw`.

    >>> parse(b"data: a\n\n: hi\n\ndata: b\r\n\r\n")
    (Event('a'), Comment('hi'), Raw(b'data: b\r\n\r\n'))
    """
    return tuple(_parse_block(block) for block in _BLOCK.findall(body))


def apart(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Split `Raw` steps so that each completes at most one event, and set ``events`` on each.

    An event that is spread over several steps counts for the step that completes it.
    """
    is_lazy = isinstance(steps, LazySteps)
    if is_lazy or not any(isinstance(step, Raw) and step.events is None for step in steps):
        return steps
    decoder = Decoder()
    split_steps: list[Step] = []
    for step in steps:
        data = encode(step)
        if not isinstance(step, Raw) or step.events is not None:
            decoder.feed(data)
            split_steps.append(step)
            continue
        blocks = [Raw(block, len(decoder.feed(block))) for block in _BLOCK.findall(data)]
        total = sum(block.events or 0 for block in blocks)
        split_steps += blocks if total > 1 else [Raw(data, total)]
    return tuple(split_steps)


def _parse_block(block: bytes) -> Step:
    if (match := _PLAIN_EVENT.fullmatch(block)) is not None:
        with suppress(UnicodeDecodeError):
            name, data = match.groups()
            return Event(data.decode(), event=None if name is None else name.decode())
    decoder = Decoder()
    events = decoder.feed(block)
    if len(events) == 1 and encode(events[0]) == block:
        return events[0]
    if block.startswith(b": ") and block.endswith(b"\n\n") and block.count(b"\n") == 2:
        comment = Comment(block[2:-2].decode("utf-8", "replace"))
        if encode(comment) == block:
            return comment
    return Raw(block)


def count_all(steps: Sequence[Step]) -> int:
    """Return the number of events that the steps complete."""
    if isinstance(steps, LazySteps):
        kinds = steps.kinds
        return len(kinds) - kinds.count(0)
    return sum(map(count_events, apart(tuple(steps))))


def body(steps: Sequence[Step]) -> bytes:
    """Return all bytes of the steps; pauses are ignored."""
    if isinstance(steps, LazySteps):
        return b"".join([frame.data for frame in steps.frames(merge_limit=sys.maxsize)])
    return b"".join([encode(step) for step in steps])
