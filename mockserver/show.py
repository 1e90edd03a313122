"""An exchange as a person reads it: drawn against time, what it means, what is odd about it.

Rules of this file: text out, nothing printed, no clock. No stream is so odd that this raises: what
cannot be understood is shown as it came. A line is made of spans and goes through `_line`, which
alone keeps it within the width and shows escaped what a terminal would obey. What events say, how
kinds look and what is odd stand in tables: `_SHAPES`, `_DELTA`, `_STYLES`, `CHECKS`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median
from typing import Any, NamedTuple

import click
import msgspec

from mockserver import sse
from mockserver.api import chat
from mockserver.cassettes.stream_file import Exchange
from mockserver.exceptions import MockServerError
from mockserver.reply import FINISH_REASONS, ApiError, Choice, FunctionCall, Reply, ToolCall, Usage
from mockserver.script import Event, Head, Raw, Script, Step
from mockserver.timeline import frames

__all__ = ["CHECKS", "Received", "as_json", "draw"]

CHAT = "chat completions"


# What came


class Phrase(NamedTuple):
    """One thing that an event says: how it is shown, and the text it adds to, if it does."""

    kind: str
    text: str
    piece: str = ""


@dataclass(frozen=True)
class Item:
    """What came: an event, a comment, or bytes that are neither.

    Args:
        number: of the event, from 1; of a comment or bytes, that of the event before.
        at: seconds since the request.
        gap: seconds since what came before.
        read: which read of the client it came with.
        data: the event's data, the comment's text, or the bytes as text.
        event: the event.
        value: the data as JSON, `_BROKEN` where it is none.
        kind: of bytes and comments; of an event it follows from what it says.
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


class _Broken:
    """The value of what is not JSON."""


_BROKEN = _Broken()


@dataclass
class Received:
    """An exchange as a client would receive it: what the checks look at.

    Args:
        exchange: the exchange.
        items: what came, in order.
        body: the bytes of the body, without HTTP's own and without coding.
        faults: what is wrong below the events, by the check that tells it.
        pending: whether the body ends within an event.
        cut: how many reads end within an event.
    """

    exchange: Exchange
    items: list[Item]
    body: bytes
    faults: dict[str, str]
    pending: bool
    cut: int

    @property
    def head(self) -> Head:
        return self.exchange.script.head

    @cached_property
    def events(self) -> list[Item]:
        """The events that came."""
        return [item for item in self.items if item.event is not None]

    @cached_property
    def objects(self) -> list[tuple[Item, dict[str, Any]]]:
        """The events whose data is a JSON object."""
        return [(item, item.value) for item in self.events if isinstance(item.value, dict)]

    @cached_property
    def chunks(self) -> list[tuple[Item, dict[str, Any]]]:
        """The same, of a chat stream; of any other there are none."""
        return self.objects if self.endpoint == CHAT else []

    @cached_property
    def choices(self) -> list[tuple[Item, dict[str, Any]]]:
        """The choices of all chunks, with the item that each came in."""
        return [(item, choice) for item, chunk in self.chunks for choice in _choices(chunk)]

    @cached_property
    def endpoint(self) -> str | None:
        """Which endpoint this looks like."""
        whole = [] if self.events else [_json(self.body.decode("utf-8", "replace"))]
        named = [(item.event, value) for item, value in self.objects]
        for event, value in named or [(Event(""), v) for v in whole if isinstance(v, dict)]:
            for name, looks_like in _ENDPOINTS:
                if event is not None and looks_like(event, value):
                    return name
        return None

    @cached_property
    def reply(self) -> Reply | ApiError | str:
        """What it means, or why that cannot be told."""
        kind = "text/event-stream" if self.events else "application/json"
        script = Script(Head(self.head.status, (("content-type", kind),)), (Raw(self.body),))
        try:
            return chat.read(script)
        except _UNREADABLE as error:
            return str(error) or type(error).__name__

    @property
    def seconds(self) -> float:
        """From the request to the end."""
        return self.exchange.script.seconds


_UNREADABLE = (MockServerError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

_ENDPOINTS: tuple[tuple[str, Callable[[Event, dict[str, Any]], bool]], ...] = (
    (CHAT, lambda e, v: str(v.get("object")).startswith("chat.completion")),
    (CHAT, lambda e, v: any("delta" in choice for choice in _choices(v))),
    ("legacy completions", lambda e, v: any("text" in choice for choice in _choices(v))),
    ("the Responses API", lambda e, v: str(v.get("type")).startswith("response.")),
    ("audio transcriptions", lambda e, v: str(v.get("type")).startswith("transcript.")),
    ("audio speech", lambda e, v: str(v.get("type")).startswith("speech.")),
    ("the Assistants API", lambda e, v: (e.event or "").startswith("thread.")),
    ("Anthropic's Messages API", lambda e, v: v.get("type") == "message_start"),
)


def _receive(exchange: Exchange) -> Received:
    """Play an exchange without a clock."""
    faults: dict[str, str] = {}
    played = list(frames(_sendable(exchange.script, faults)))
    bodies = _uncoded([frame.data for frame in played], exchange.script, faults)
    reader = _Reader(exchange.script.head.delay)
    for frame, data in zip(played, bodies, strict=True):
        reader.take(frame.due, frame.fence, data)
    values = [_object(item.value) for item in reader.items]
    several = any(choice.get("index") for value in values for choice in _choices(value))
    items = [_with_phrases(item, several) for item in reader.items]
    pending = reader.decoder.pending
    return Received(exchange, items, b"".join(bodies), faults, pending, reader.cut)


def _sendable(script: Script, faults: dict[str, str]) -> Script:
    """The script, with the bytes of what the event-stream format cannot carry made up."""
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
    """Takes the frames in turn, and tells what is in them line by line."""

    def __init__(self, delay: float) -> None:
        self.items: list[Item] = []
        self.decoder = sse.Decoder()
        self.cut = 0
        self._delay = delay
        self._due = self._last = self._at = 0.0
        self._read = self._events = 0
        self._at_line_start = True

    def take(self, due: float, fence: bool, data: bytes) -> None:
        if not data:
            return
        if not self._read or due > self._due or fence:
            self.cut += bool(self._read and self.decoder.pending)
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
            self._add(event.data, event=event, value=_json(event.data))

    def _add(self, data: str, **members: Any) -> None:
        gap = self._at - self._last
        self._last = self._at
        self.items.append(Item(self._events, self._at, gap, self._read, data, **members))


_LINES = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def _json(data: str) -> Any:
    if data.startswith("[DONE]"):
        return None
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _BROKEN


# Below the events: codings, and HTTP's own bytes


def _uncoded(parts: list[bytes], script: Script, faults: dict[str, str]) -> list[bytes]:
    """The parts of the body without what HTTP did to it; what is wrong there is noted."""
    head = script.head
    if script.raw:
        parts = _unframed(parts, head, faults)
    elif (stated := head.header("content-length")) is not None:
        size = sum(map(len, parts))
        if stated.strip() != str(size):
            faults["length"] = f"content-length says {stated}, the body has {size} bytes"
    coding = (head.header("content-encoding") or "identity").strip().lower()
    if coding == "identity":
        return parts
    if coding not in ("gzip", "x-gzip", "deflate"):
        faults["coding"] = f"the body is coded as {coding}, which is not undone here"
        return parts
    return _unzipped(parts, faults)


def _unzipped(parts: list[bytes], faults: dict[str, str]) -> list[bytes]:
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    plain: list[bytes] = []
    try:
        for part in parts:
            plain.append(decoder.decompress(part))
    except zlib.error as error:
        faults["coding"] = f"the body is not coded as its head says: {error}"
        return [*plain, *parts[len(plain) :]]
    if not decoder.eof:
        faults["coding"] = "the coded body has no end"
    return plain


def _unframed(parts: list[bytes], head: Head, faults: dict[str, str]) -> list[bytes]:
    """What of each part is body."""
    wire = b"".join(parts)
    spans = list(_body_spans(wire, head, faults))
    plain, start = [], 0
    for part in parts:
        end = start + len(part)
        plain.append(b"".join(wire[max(a, start) : min(b, end)] for a, b in spans if b > start))
        spans = [span for span in spans if span[1] > end]
        start = end
    return plain


def _body_spans(wire: bytes, head: Head, faults: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Where in HTTP's bytes the body is (RFC 9112 §6, §7.1)."""
    at = 0
    if wire.startswith(b"HTTP/"):
        at = wire.find(b"\r\n\r\n") + 4
        if at < 4:
            faults["framing"] = "the head has no end"
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
        f"there is no size of a chunk at byte {at}: {_short(repr(wire[at : at + 20]))}"
        if at < len(wire)
        else "the last chunk, which has size zero, is missing"
    )


_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


# What an event says


def _with_phrases(item: Item, several: bool) -> Item:
    if item.event is None:
        mark = ": " if item.kind == "comment" else ""
        return replace(item, phrases=(Phrase(item.kind, mark + item.data),))
    phrases = tuple(_phrases(item.event, item.value, several))
    kinds = {phrase.kind for phrase in phrases}
    kind = next((kind for kind in _STYLES if kind in kinds), "json")
    return replace(item, kind=kind, phrases=phrases)


def _phrases(event: Event, value: Any, several: bool) -> Iterator[Phrase]:
    if event.data.startswith("[DONE]"):
        yield Phrase("done", event.data)
    elif value is _BROKEN:
        yield Phrase("broken", f"not JSON: {_without_middle(event.data)}")
    elif not isinstance(value, dict):
        yield Phrase("json", _shown(value))
    else:
        said = [p for shape in _SHAPES for p in shape(event, value, several)]
        yield from said or [Phrase("json", _shown(value))]


def _say_choices(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    for choice in _choices(value):
        if several:
            yield Phrase("index", f"[{choice.get('index')}]")
        yield from _say_choice(choice)
    if value.get("choices") == []:
        filtered = "prompt_filter_results" in value
        if filtered or not value.get("usage"):
            yield Phrase("empty", "no choices" + ", but filter results" * filtered)


def _say_choice(choice: dict[str, Any]) -> Iterator[Phrase]:
    delta = choice.get("delta", choice.get("message"))
    said = list(_say_delta(delta)) if isinstance(delta, dict) else []
    if "text" in choice and not said:
        said = list(_say_text("text")(choice["text"]))
    finish = choice.get("finish_reason")
    if finish is not None:
        said = [p for p in said if p.kind != "empty"]
        said.append(Phrase("finish", f"finish_reason {_bare(finish)}"))
    yield from said or [Phrase("empty", "no delta")]


def _say_delta(delta: dict[str, Any]) -> Iterator[Phrase]:
    said = [p for name, say in _DELTA.items() if delta.get(name) is not None
            for p in say(delta[name])]  # fmt: skip
    # An empty string beside something else is mere form.
    telling = [p for p in said if p.text not in ('""', 'reasoning ""', 'refusal ""')]
    given = {k: v for k, v in delta.items() if v is not None}
    other = Phrase("empty", "empty delta") if not given else Phrase("json", _shown(given))
    yield from telling or said[:1] or [other]


def _say_text(kind: str) -> Callable[[Any], Iterator[Phrase]]:
    label = "" if kind == "text" else f"{kind} "

    def say(value: Any) -> Iterator[Phrase]:
        if isinstance(value, str):
            yield Phrase(kind, label + _quoted(value), value)
        elif isinstance(value, list):
            for part in value:
                yield from _say_part(part, kind)
        else:
            yield Phrase("json", label + _shown(value))

    return say


def _say_part(part: Any, kind: str) -> Iterator[Phrase]:
    """A part of a message, as Mistral has them for thinking (WIRE.md §5)."""
    part = _object(part)
    if "thinking" in part:
        yield from _say_text("reasoning")(part["thinking"])
    elif "text" in part:
        yield from _say_text(kind)(part["text"])
    else:
        yield Phrase("json", _shown(part))


def _say_calls(value: Any) -> Iterator[Phrase]:
    for call in _objects(value):
        function = _object(call.get("function"))
        index = "?" if call.get("index") is None else _shown(call["index"])
        yield _call_phrase(f"tool_call[{index}]", function)


def _call_phrase(label: str, function: dict[str, Any]) -> Phrase:
    name, arguments = function.get("name"), function.get("arguments")
    shown = [label] if not name else [label, str(name)]
    if arguments:
        shown.append(arguments if isinstance(arguments, str) else _shown(arguments))
    return Phrase("tool_call", " ".join(shown), arguments if isinstance(arguments, str) else "")


def _say_audio(value: Any) -> Iterator[Phrase]:
    audio = _object(value)
    if isinstance(transcript := audio.get("transcript"), str):
        yield Phrase("audio", f"audio {_quoted(transcript)}", transcript)
    if isinstance(data := audio.get("data"), str):
        yield Phrase("audio", f"audio data, {_count(len(data), 'character')}")
    if not audio.keys() & {"transcript", "data"}:
        yield Phrase("audio", f"audio {_shown(value)}")


_DELTA: dict[str, Callable[[Any], Iterator[Phrase]]] = {
    "role": lambda v: iter([Phrase("role", f"role {_bare(v)}")]),
    "reasoning_content": _say_text("reasoning"),
    "reasoning": _say_text("reasoning"),
    "content": _say_text("text"),
    "refusal": _say_text("refusal"),
    "tool_calls": _say_calls,
    "function_call": lambda v: iter([_call_phrase("function_call", _object(v))]),
    "audio": _say_audio,
}
"""How the members of a chat delta are told."""


def _say_usage(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    usage = value.get("usage")
    finishes = any(c.get("finish_reason") is not None for c in _choices(value))
    # Some repeat the counts with every piece; they matter at the end.
    if isinstance(usage, dict) and (finishes or not _choices(value)) and "choices" in value:
        counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
        yield Phrase(
            "usage", "usage " + " + ".join("?" if c is None else _shown(c) for c in counts)
        )


def _say_error(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    error = value.get("error")
    if error is None and value.get("type") == "error":
        error = value
    if error is not None:
        message = _object(error).get("message")
        yield Phrase("error", f"error {_quoted(message) if message else _shown(error)}")


def _say_typed(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    """Events that have a type, as those of the Responses API and of audio."""
    kind = value.get("type")
    if not isinstance(kind, str) or kind == "error":
        return
    delta = value.get("delta")
    if isinstance(delta, str):
        yield Phrase("type", kind)
        yield Phrase(_kind_of_type(kind), _quoted(delta), delta)
    elif isinstance(value.get("audio"), str):
        yield Phrase("type", kind)
        yield Phrase("audio", _count(len(value["audio"]), "character"))
    else:
        item = value.get("item", value.get("part"))
        about = _object(item).get("type")
        ends = kind in ("response.completed", "response.incomplete", "response.failed")
        yield Phrase("finish" if ends else "type", f"{kind} {about}" if about else kind)


def _kind_of_type(name: str) -> str:
    return next((kind for part, kind in _TYPES if part in name), "delta")


_TYPES = (
    ("arguments", "tool_call"),
    ("code", "tool_call"),
    ("reasoning", "reasoning"),
    ("refusal", "refusal"),
    ("audio.delta", "audio"),
    ("text", "text"),
)


def _say_thread(event: Event, value: dict[str, Any], several: bool) -> Iterator[Phrase]:
    """Events of the Assistants API, whose type is the event's name."""
    if not (event.event or "").startswith("thread."):
        return
    parts = _objects(_object(value.get("delta")).get("content"))
    texts = [_object(part.get("text")).get("value") for part in parts]
    piece = "".join(text for text in texts if isinstance(text, str))
    yield Phrase("type", event.event or "")
    if piece:
        yield Phrase("text", _quoted(piece), piece)


_SHAPES = (_say_choices, _say_usage, _say_error, _say_typed, _say_thread)


_STYLES: dict[str, dict[str, Any]] = {
    # The kind of an event that says several things is the first of these.
    "error": {"fg": "red"},
    "broken": {"fg": "red"},
    "text": {},
    "reasoning": {"italic": True},
    "refusal": {"fg": "magenta"},
    "tool_call": {"fg": "cyan"},
    "audio": {"fg": "blue"},
    "delta": {},
    "finish": {"fg": "green"},
    "role": {"dim": True},
    "usage": {"dim": True},
    "done": {"fg": "green"},
    "type": {"dim": True},
    "empty": {"dim": True},
    "comment": {"dim": True},
    "bytes": {"fg": "yellow"},
    "json": {"dim": True},
    "index": {"dim": True},
    "loud": {"fg": "yellow", "bold": True},
    "title": {"bold": True},
    "quiet": {"dim": True},
    "plain": {},
}

PIECES = ("text", "reasoning", "refusal", "tool_call", "audio", "delta")
"""The kinds that carry what the model makes, token by token."""


# What is odd


def _content_type(got: Received) -> str | None:
    stated = got.head.header("content-type")
    if got.events and not (stated or "").lower().startswith("text/event-stream"):
        return f"events came, but content-type is {stated or 'missing'}"
    return None


def _line_ends(got: Received) -> str | None:
    if not got.events:
        return None
    kinds = Counter(end.decode() for end in _LINE_ENDS.findall(got.body))
    odd = [name for sign, name in (("\r\n", "CRLF"), ("\r", "CR")) if kinds[sign]]
    if odd == ["CRLF"] and (got.endpoint or "").startswith("audio") and not kinds["\n"]:
        return None  # as OpenAI's do: WIRE.md §0
    mixed = " and LF" if odd and kinds["\n"] else ""
    return f"lines end in {' and '.join(odd)}{mixed}" if odd else None


_LINE_ENDS = re.compile(rb"\r\n|\r|\n")


def _invalid_utf8(got: Received) -> str | None:
    try:
        got.body.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start} of the body is no UTF-8: {error.reason}"
    return None


def _fields(got: Received) -> str | None:
    if not got.events:
        return None
    lines = _LINE_ENDS.split(got.body.removeprefix(_BOM))
    names = {line.partition(b":")[0].decode("utf-8", "replace") for line in lines} - _FIELDS
    shown = _listed(_quoted(_short(name, 30)) for name in sorted(names))
    return f"lines that no event stream has begin with {shown}" if names else None


_FIELDS = {"", "data", "event", "id", "retry"}
_BOM = b"\xef\xbb\xbf"


def _not_json(got: Received) -> str | None:
    odd = [item for item in got.events if item.value is _BROKEN]
    return (odd and f"{_where(odd)} cannot be parsed") or None


def _not_objects(got: Received) -> str | None:
    odd = [i for i in got.events if not isinstance(i.value, dict | _Broken) and not _is_done(i)]
    return (odd and f"{_where(odd)}: JSON, but no object") or None


def _not_compact(got: Received) -> str | None:
    odd = [item for item, value in got.objects if _encoded(value) != item.data]
    return (odd and f"{_where(odd)}: not the compact JSON that OpenAI writes") or None


def _no_done(got: Received) -> str | None:
    if got.endpoint != CHAT or any(map(_is_done, got.events)):
        return None
    return "the stream ends without [DONE]" if got.events else None


def _after_done(got: Received) -> str | None:
    after = list(itertools.dropwhile(lambda item: not _is_done(item), got.events))[1:]
    return (after and f"{_where(after)} after [DONE]") or None


def _needless_done(got: Received) -> str | None:
    odd = [item for item in got.events if _is_done(item)]
    ends = got.endpoint == "the Responses API" and odd
    return f"{_where(odd)}: the Responses API has no [DONE]" if ends else None


def _by_choice(got: Received, member: str) -> dict[str, list[tuple[Item, Any]]]:
    """For each choice, what a member of it says, where it is not null."""
    found: dict[str, list[tuple[Item, Any]]] = {}
    for item, choice in got.choices:
        values = found.setdefault(_shown(choice.get("index")), [])
        if choice.get(member) is not None:
            values.append((item, choice[member]))
    return found


def _no_finish(got: Received) -> str | None:
    ends = _by_choice(got, "finish_reason")
    odd = [index for index, finishes in ends.items() if not finishes]
    which = f" of choice {_listed(odd)}" if len(ends) > 1 else ""
    if got.chunks and not ends:
        return "there is no choice at all"
    return f"no chunk{which} has a finish_reason" if odd else None


def _foreign_finish(got: Received) -> str | None:
    finishes = [
        finish for found in _by_choice(got, "finish_reason").values() for _, finish in found
    ]
    odd = sorted({_shown(f) for f in finishes if f not in FINISH_REASONS})
    return f"{_listed(odd)} is none of OpenAI's finish reasons" if odd else None


def _twice_finished(got: Received) -> str | None:
    odd = [found[1][0] for found in _by_choice(got, "finish_reason").values() if len(found) > 1]
    return (odd and f"{_where(odd)}: the choice has finished before") or None


def _stop_with_calls(got: Received) -> str | None:
    odd = [str(i) for i, c in enumerate(_read_choices(got)) if c.tool_calls and c.finish_reason
           not in (None, "tool_calls", "length", "content_filter")]  # fmt: skip
    if not odd:
        return None
    finish = _read_choices(got)[int(odd[0])].finish_reason
    return f"tool calls, but finish_reason is {_quoted(str(finish))}"


def _arguments(got: Received) -> str | None:
    odd: list[str] = []
    for choice in _read_choices(got):
        legacy = () if choice.function_call is None else (choice.function_call,)
        for call in (*choice.tool_calls, *legacy):
            if not isinstance(_json(str(call.arguments)), dict):
                odd.append(f"{call.name}({_short(str(call.arguments), 40)})")
    return f"arguments that are no JSON object: {_listed(odd)}" if odd else None


def _empty_first(got: Received) -> str | None:
    first = got.chunks[0][1] if got.chunks else {}
    return "the first chunk has no choices" if first.get("choices") == [] else None


def _changes(member: str) -> Callable[[Received], str | None]:
    def check(got: Received) -> str | None:
        said = [(item, chunk[member]) for item, chunk in got.chunks if member in chunk]
        odd = [item for (_, before), (item, now) in itertools.pairwise(said) if before != now]
        return (odd and f"{member} changes at {_where(odd)}") or None

    return check


def _no_role(got: Received) -> str | None:
    firsts: dict[str, Any] = {}
    for _, choice in got.choices:
        firsts.setdefault(_shown(choice.get("index")), _object(choice.get("delta")).get("role"))
    odd = [index for index, role in firsts.items() if role is None]
    which = f" of choice {_listed(odd)}" if len(firsts) > 1 else ""
    return f"the first delta{which} has no role" if odd else None


def _roles(got: Received) -> str | None:
    seen: set[str] = set()
    odd: list[Item] = []
    for item, choice in got.choices:
        if _object(choice.get("delta")).get("role") is not None:
            index = _shown(choice.get("index"))
            if index in seen:
                odd.append(item)
            seen.add(index)
    return (odd and f"{_where(odd)}: the role again") or None


def _several_choices(got: Received) -> str | None:
    odd = [item for item, chunk in got.chunks if len(_choices(chunk)) > 1]
    return (odd and f"{_where(odd)}: several choices in one chunk") or None


def _no_delta(got: Received) -> str | None:
    odd = [i for i, c in got.choices if not isinstance(c.get("delta"), dict)]
    return (odd and f"{_where(odd)}: a choice without a delta") or None


def _no_choices(got: Received) -> str | None:
    odd = [i for i, c in got.chunks if not isinstance(c.get("choices"), list) and "error" not in c]
    return (odd and f"{_where(odd)}: a chunk without the member choices") or None


def _usage_beside(got: Received) -> str | None:
    odd = [item for item, chunk in got.chunks if _choices(chunk) and chunk.get("usage")]
    return (odd and f"{_where(odd)}: usage on a chunk that has choices") or None


def _finish_speaks(got: Received) -> str | None:
    odd = [item for item, choice in got.choices
           if choice.get("finish_reason") is not None and _object(choice.get("delta"))]  # fmt: skip
    return (odd and f"{_where(odd)}: the chunk that finishes has more than an empty delta") or None


def _calls(got: Received) -> Iterator[tuple[Item, str, dict[str, Any]]]:
    for item, choice in got.choices:
        for call in _objects(_object(choice.get("delta")).get("tool_calls")):
            yield item, _shown(choice.get("index")), call


def _no_index(got: Received) -> str | None:
    odd = [item for item, _, call in _calls(got) if not isinstance(call.get("index"), int)]
    return (odd and f"{_where(odd)}: a tool call without an index") or None


def _no_id(got: Received) -> str | None:
    seen: set[tuple[str, str]] = set()
    odd: list[Item] = []
    for item, choice, call in _calls(got):
        key = choice, _shown(call.get("index"))
        if key not in seen and not call.get("id"):
            odd.append(item)
        seen.add(key)
    return (odd and f"{_where(odd)}: a tool call that begins without an id") or None


def _event_names(got: Received) -> str | None:
    odd = [item for item, _ in got.chunks if item.event and item.event.event is not None]
    return (odd and f"{_where(odd)}: an event of a chat stream with a name") or None


def _event_types(got: Received) -> str | None:
    if got.endpoint != "the Responses API":
        return None
    odd = [item for item, value in got.objects
           if item.event and item.event.event != value.get("type")]  # fmt: skip
    return (odd and f"{_where(odd)}: the event's name is not the type in its data") or None


def _sequence(got: Received) -> str | None:
    said = [(i, v["sequence_number"]) for i, v in got.objects if "sequence_number" in v]
    odd = [i for (_, a), (i, b) in itertools.pairwise(said)
           if not (isinstance(a, int) and b == a + 1)]  # fmt: skip
    return (odd and f"{_where(odd)}: sequence_number is not one more than before") or None


def _obfuscation(got: Received) -> str | None:
    """WIRE.md §2: what is missing to a multiple of 16 characters."""
    odd: list[Item] = []
    for item, value in got.objects:
        noise = value.get("obfuscation")
        if isinstance(noise, str) and len(noise) not in _paddings(value, got.endpoint):
            odd.append(item)
    return (odd and f"{_where(odd)}: obfuscation is not as long as OpenAI makes it") or None


def _paddings(value: dict[str, Any], endpoint: str | None) -> set[int]:
    if endpoint == "the Responses API":
        return {-len(value["delta"]) % 16} if isinstance(value.get("delta"), str) else set()
    bare = {k: v for k, v in value.items() if k != "obfuscation"}
    # Azure adds its filter's results after the padding was reckoned.
    upstream = _without_filters(bare)
    return {-len(_encoded(bare)) % 16, -len(_encoded(upstream)) % 16}


def _without_filters(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_filters(entry) for entry in value]
    if isinstance(value, dict):
        return {k: _without_filters(v) for k, v in value.items() if not k.startswith(_FILTERS)}
    return value


_FILTERS = ("content_filter_", "prompt_filter_", "latency_checkpoint")


def _errors(got: Received) -> str | None:
    odd = [item for item in got.events if item.kind == "error"]
    return (odd and f"{_where(odd)}: an error within the stream") or None


def _comments(got: Received) -> str | None:
    found = [item for item in got.items if item.kind == "comment"]
    return f"{_count(len(found), 'comment')} among the events" if found else None


CHECKS: tuple[tuple[str, Callable[[Received], str | None]], ...] = (
    ("unsendable", lambda got: got.faults.get("unsendable")),
    ("framing", lambda got: got.faults.get("framing")),
    ("length", lambda got: got.faults.get("length")),
    ("coding", lambda got: got.faults.get("coding")),
    ("content-type", _content_type),
    ("bom", lambda got: "the body begins with a BOM" if got.body.startswith(_BOM) else None),
    ("line-ends", _line_ends),
    ("utf-8", _invalid_utf8),
    ("fields", _fields),
    ("comments", _comments),
    ("cut-event", lambda got: f"reads that end within an event: {got.cut}" if got.cut else None),
    ("last-line", lambda got: "the last event has no blank line after it, so it never arrives"
     if got.pending and got.events else None),
    ("not-json", _not_json),
    ("not-object", _not_objects),
    ("not-compact", _not_compact),
    ("error", _errors),
    ("no-done", _no_done),
    ("after-done", _after_done),
    ("needless-done", _needless_done),
    ("empty-first", _empty_first),
    ("no-choices", _no_choices),
    ("several-choices", _several_choices),
    ("no-delta", _no_delta),
    ("no-role", _no_role),
    ("role-again", _roles),
    ("id-changes", _changes("id")),
    ("created-changes", _changes("created")),
    ("model-changes", _changes("model")),
    ("call-index", _no_index),
    ("call-id", _no_id),
    ("arguments", _arguments),
    ("no-finish", _no_finish),
    ("finish-again", _twice_finished),
    ("finish-reason", _foreign_finish),
    ("finish-calls", _stop_with_calls),
    ("finish-speaks", _finish_speaks),
    ("usage-beside", _usage_beside),
    ("event-name", _event_names),
    ("event-type", _event_types),
    ("sequence", _sequence),
    ("obfuscation", _obfuscation),
)  # fmt: skip
"""What may be odd: a name, and what tells the fact or None. OpenAI's own streams are the measure
(WIRE.md §0)."""


def _odd(got: Received) -> list[tuple[str, str]]:
    return [(name, fact) for name, check in CHECKS if (fact := check(got))]


def _is_done(item: Item) -> bool:
    return item.data.startswith("[DONE]")


def _read_choices(got: Received) -> tuple[Choice, ...]:
    whole = got.endpoint == CHAT and isinstance(got.reply, Reply)
    return got.reply.choices if whole and isinstance(got.reply, Reply) else ()


def _where(items: list[Item]) -> str:
    """The numbers of events, in words."""
    numbers = sorted({item.number for item in items})
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [
        word
        for run in runs
        for word in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run))
    ]
    return f"event{'s' * (len(numbers) > 1)} {_listed(words)}"


def _listed(words: Iterable[str], most: int = 4) -> str:
    """Some words, and how many there are more."""
    all_words = list(words)
    shown = all_words if len(all_words) <= most + 1 else all_words[:most]
    if more := len(all_words) - len(shown):
        shown = [*shown, f"{more} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


# Values of any kind


def _choices(value: dict[str, Any]) -> list[dict[str, Any]]:
    return _objects(value.get("choices"))


def _objects(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _encoded(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def _shown(value: Any) -> str:
    """A value's JSON, shortened."""
    return _short(_encoded(value), 300)


def _bare(value: Any) -> str:
    """The same, but a text without quotes."""
    return value if isinstance(value, str) else _shown(value)


def _plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses as objects, and text that is UTF-8."""
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {_plain(str(k)): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, str):
        return str(value).encode("utf-8", "backslashreplace").decode()
    return value


# Words and numbers


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _without_middle(text: str) -> str:
    """How a text begins and how it ends: where JSON breaks off is what one looks for."""
    return text if len(text) <= 60 else f"{text[:24]} … {text[-32:]}"


def _quoted(value: object) -> str:
    text = _bare(value)
    if text and not text.strip(_JOINERS):
        return f'"{text.encode("unicode_escape").decode()}"'  # alone they cannot be seen
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _span(seconds: float) -> str:
    """A length of time."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.{1 if 0 < seconds < 0.01 else 0}f} ms"


def _size(number: int) -> str:
    return _count(number, "byte") if number < 10_000 else f"{number / 1000:.1f} kB"


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True)
class _Times:
    """When the model's pieces came; None where too few did."""

    ttft: float | None
    p50: float | None
    p95: float | None
    longest: float | None


def _times(got: Received) -> _Times:
    moments = [item.at for item in got.events if item.kind in PIECES]
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    p50, p95 = (_percentile(gaps, share) if gaps else None for share in (0.5, 0.95))
    return _Times(min(moments, default=None), p50, p95, max(gaps, default=None))


# Lines

Spans = list[tuple[str, str]]
"""The parts of a line: text, and the kind that says how it looks."""


def _escaped(text: str) -> str:
    """Text as a terminal shows it: what it would obey, or hide, is spelt out."""
    return text if text.isascii() and text.isprintable() else "".join(map(_sign, text))


def _sign(char: str) -> str:
    if char in _SPELT:
        return _SPELT[char]
    if char in _JOINERS or unicodedata.category(char) not in _HIDDEN:
        return char
    code = ord(char)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


_SPELT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JOINERS = "\u200c\u200d"
_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


def _cells(char: str) -> int:
    """How many columns a character takes."""
    if char.isascii():
        return 1
    if char in _JOINERS or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cut(text: str, cells: int) -> str:
    """The beginning of an escaped text that has so many columns."""
    if len(text) <= cells and text.isascii():
        return text
    taken = 0
    for at, char in enumerate(text):
        taken += _cells(char)
        if taken > cells:
            return text[:at]
    return text


def _line(spans: Spans, width: int) -> str:
    """A line of no more than so many columns."""
    parts = [(_escaped(text), kind) for text, kind in spans if text]
    if sum(_width(text) for text, _ in parts) > width:
        parts = [*_shortened(parts, width - 1), ("…", "quiet")] if width > 0 else []
    while parts and not parts[-1][0].rstrip(" "):
        parts.pop()
    return "".join(_styled(text, kind) for text, kind in parts)


def _shortened(parts: Spans, cells: int) -> Spans:
    kept: Spans = []
    for text, kind in parts:
        kept.append((_cut(text, cells), kind))
        cells -= _width(text)
        if cells <= 0:
            break
    return kept


def _styled(text: str, kind: str) -> str:
    style = _STYLES.get(kind)
    return click.style(text, **style) if style else text


def _wrapped(text: str, cells: int) -> Iterator[str]:
    """Text in lines of so many columns, cut at spaces where there are any."""
    cells = max(cells, 8)
    for line in text.split("\n"):
        line = _escaped(line).rstrip(" ")
        while _width(line) > cells:
            head = _cut(line, cells)
            at = head.rfind(" ") + 1
            head = head[:at] if at > len(head) // 2 else head
            yield head.rstrip(" ")
            line = line[len(head) :]
        yield line


# The timeline


@dataclass(frozen=True)
class _Row:
    """A row of the timeline: what came together, or a run of rows that are told as one."""

    items: tuple[Item, ...]
    gap: float
    loud: bool = False
    until: float | None = None
    hidden: tuple[_Row, ...] = ()

    @property
    def at(self) -> float:
        return self.items[0].at

    @property
    def kind(self) -> str:
        kinds = {item.kind for item in self.items}
        return kinds.pop() if len(kinds) == 1 else "mixed"


MOST_ROWS = 40


@dataclass(frozen=True)
class _Columns:
    """What the columns of the timeline are as wide as; without times there are fewer."""

    number: int
    bar: int
    timed: bool
    seconds: float
    width: int

    @property
    def says(self) -> int:
        """What is left for what an event says."""
        return self.width - self.number - 2 - (self.timed and 20 + self.bar + 2 * bool(self.bar))


def _timeline(got: Received, width: int) -> Iterator[str]:
    timed = got.seconds > 0
    number = max(2, len(str(len(got.events))))
    bar = min(30, width // 4) if timed and width >= 70 else 0
    columns = _Columns(number, bar, timed, got.seconds, width)
    if timed:
        scale = _span(got.seconds)
        axis = f"0 {'·' * (bar - len(scale) - 3)} {scale}" if bar else ""
        titles = f"{'#':>{number}}  {'seconds':>8}  {'gap':>8}  {axis}"
        yield _line([(titles, "quiet")], width)
    for row in _collapsed(_rows(got, columns.says)):
        yield _line(_row_spans(row, columns), width)
    yield _line(_end_spans(got, columns), width)


def _rows(got: Received, cells: int) -> list[_Row]:
    """The rows: an event each, or what came in one read as far as a row holds it."""
    if not got.seconds:
        return [_Row((item,), 0.0) for item in got.items]
    threshold = _threshold(got)
    rows: list[_Row] = []
    for _, together in itertools.groupby(got.items, key=lambda item: item.read):
        packed: list[list[Item]] = []
        for item in together:
            if packed and _says_width([*packed[-1], item]) <= cells:
                packed[-1].append(item)
            else:
                packed.append([item])
        for group in packed:
            gap = group[0].gap
            rows.append(_Row(tuple(group), gap, gap > threshold and bool(rows)))
    return rows


def _threshold(got: Received) -> float:
    """What gap is much longer than the others."""
    gaps = [item.gap for item in got.items[1:] if item.gap > 0]
    return max(5 * median(gaps), 0.02) if len(gaps) >= 4 else 1.0


def _collapsed(rows: list[_Row]) -> list[_Row]:
    """The rows, with runs of what is alike made short where there are many."""
    if len(rows) <= MOST_ROWS:
        return rows
    for keep in (12, 8, 5, 3, 2, 1):
        shorter = list(_without_middles(rows, keep))
        if len(shorter) <= MOST_ROWS:
            return shorter
    return [*rows[:24], _more(rows[24:-12]), *rows[-12:]]


def _without_middles(rows: list[_Row], keep: int) -> Iterator[_Row]:
    for _, run in itertools.groupby(rows, key=lambda row: (row.kind, row.loud)):
        alike = list(run)
        if len(alike) <= 2 * keep + 1:
            yield from alike
        else:
            yield from (*alike[:keep], _more(alike[keep:-keep]), *alike[-keep:])


def _more(rows: list[_Row]) -> _Row:
    items = tuple(item for row in rows for item in row.items)
    return _Row(items, rows[0].gap, until=rows[-1].at, hidden=tuple(rows))


def _row_spans(row: _Row, columns: _Columns) -> Spans:
    first = next((item.number for item in row.items if item.event), None)
    number = "⋮" if row.hidden else "" if first is None else str(first)
    spans: Spans = [(f"{number:>{columns.number}}  ", "quiet")]
    if columns.timed:
        spans += _time_spans(row, columns)
    return spans + (_more_spans(row, columns) if row.hidden else _says(row.items))


def _time_spans(row: _Row, columns: _Columns) -> Spans:
    together = not row.gap and not row.hidden and row.at > 0
    at = "" if together or row.hidden else f"{row.at:.3f}"
    gap = "" if not row.gap or row.hidden else _span(row.gap)
    spans: Spans = [(f"{at:>8}  ", "plain"), (f"{gap:>8}  ", "loud" if row.loud else "quiet")]
    return spans + _bar(row, columns, together)


def _bar(row: _Row, columns: _Columns, together: bool) -> Spans:
    if not columns.bar:
        return []
    start, end = (
        round(min(1.0, at / columns.seconds) * (columns.bar - 1))
        for at in (row.at, row.at if row.until is None else row.until)
    )
    if row.hidden:
        return [(" " * start + "━" * (end - start + 1) + " " * (columns.bar - end + 1), "quiet")]
    silent = round(max(0.0, row.at - row.gap) / columns.seconds * (columns.bar - 1))
    # A silence that is long enough to be seen is drawn up to what ended it.
    line = "─" * (start - silent - 1) if start - silent > 1 else ""
    spans: Spans = [(" " * (start - len(line)), "plain"), (line, "loud" if row.loud else "quiet")]
    dot = "│" if together else "●"
    return [
        *spans,
        (dot, "quiet" if together else "plain"),
        (" " * (columns.bar - start + 1), "plain"),
    ]


def _says(items: Iterable[Item]) -> Spans:
    spans: Spans = []
    for item in items:
        if spans:
            spans.append((" · ", "quiet"))
        for at, phrase in enumerate(item.phrases):
            spans.append((" " * bool(at) + _short(phrase.text, 400), phrase.kind))
    return spans


def _says_width(items: list[Item]) -> int:
    return sum(_width(_escaped(text)) for text, _ in _says(items))


def _more_spans(row: _Row, columns: _Columns) -> Spans:
    """How many more there are, how far apart, and how their text begins and ends."""
    numbers = [item.number for item in row.items if item.event]
    told = f"{len(numbers) or len(row.items):,} more"
    gaps = [hidden.gap for hidden in row.hidden if hidden.gap > 0]
    if columns.timed and gaps:
        told += f", {_span(median(gaps))} apart (p50), longest gap {_span(max(gaps))}"
    text = "".join(phrase.piece for item in row.items for phrase in item.phrases)
    room = (columns.says - len(told) - 9) // 2
    spans: Spans = [(f"… {told}", "quiet")]
    if row.kind in PIECES and text and room >= 6:
        spans += [("  ", "quiet"), (_both_ends(text, room), "quiet")]
    return spans


def _both_ends(text: str, room: int) -> str:
    text = _escaped(text)
    if _width(text) <= 2 * room:
        return f'"{text}"'
    end = _cut(text[::-1], room - 2)[::-1]
    return f'"{_cut(text, room - 2)} … {end.lstrip()}"'


_ENDS: dict[str, tuple[str, str]] = {
    "finish": ("ends cleanly", "done"),
    "close": ("ends cleanly, then the connection closes", "done"),
    "half_close": ("ends cleanly, then is closed in one direction", "done"),
    "truncate": ("cut off: connection closed, body unfinished", "error"),
    "reset": ("cut off: connection reset", "error"),
    "cut": ("cut off: connection closed without TLS's end", "error"),
    "hold": ("then silence, until the client leaves", "loud"),
}


def _ending(exchange: Exchange) -> tuple[str, str]:
    if not exchange.complete:
        return "the file ends here, and the response did not", "loud"
    return _ENDS[exchange.script.end]


def _end_spans(got: Received, columns: _Columns) -> Spans:
    words, kind = _ending(got.exchange)
    spans: Spans = [(f"{'■':>{columns.number}}  ", kind)]
    if columns.timed:
        silence = got.seconds - (got.items[-1].at if got.items else 0.0)
        gap = _span(silence) if silence > 0.0005 else ""
        loud = "loud" if silence > _threshold(got) else "quiet"
        spans += [(f"{got.seconds:>8.3f}  ", "plain"), (f"{gap:>8}  ", loud)]
        spans.append((" " * (columns.bar + 2 * bool(columns.bar)), "plain"))
    return [*spans, (words, kind)]


# Around the timeline


def _heading(got: Received, width: int) -> Iterator[str]:
    about, head = got.exchange.about, got.head
    name, description = (str(about.get(key) or "") for key in ("name", "description"))
    if name or description:
        yield _line([(name, "title"), ("  " * bool(name), "plain"), (description, "plain")], width)
    if request := _request(about.get("request")):
        yield _line([(request, "quiet")], width)
    status = f"{head.status} {head.header('content-type') or '(no content-type)'}"
    came = f", the head after {_span(head.delay)}" if head.delay else ""
    yield _line([(status, "plain" if head.status < 400 else "error"), (came, "quiet")], width)
    for words in (_totals(got), _pace(got)):
        if words:
            yield _line([(words, "quiet")], width)


def _request(request: object) -> str:
    """Method, path, model and what was asked, as far as they are known."""
    request = _object(request)
    asked = next((v for k in ("json", "body") if (v := _object(request.get(k)))), request)
    line = [request.get("method"), request.get("url") or request.get("path")]
    where = [" ".join(str(part) for part in line if part), asked.get("model")]
    said = [m.get("content") for m in _objects(asked.get("messages")) if m.get("role") == "user"]
    said += [asked.get("input"), asked.get("prompt")]
    words = [str(part) for part in where if part]
    question = next((s for s in reversed(said) if s), None)
    return "  ".join([*words, *([_quoted(_short(_words_of(question), 60))] if question else [])])


def _words_of(content: object) -> str:
    if isinstance(content, list):
        return " ".join(str(part["text"]) for part in _objects(content) if "text" in part)
    return content if isinstance(content, str) else _shown(content)


def _totals(got: Received) -> str:
    said = [_count(len(got.events), "event"), _size(len(got.body))]
    if not got.seconds:
        return f"{', '.join(said)}; no times are known"
    reads = len({item.read for item in got.items})
    return ", ".join([*said, _count(reads, "read"), _span(got.seconds)])


def _pace(got: Received) -> str:
    times = _times(got)
    if not got.seconds or times.ttft is None:
        return ""
    words = f"first piece after {_span(times.ttft)}"
    if times.p50 is None or times.p95 is None or times.longest is None:
        return words
    spans = f"{_span(times.p50)} apart (p50), {_span(times.p95)} (p95)"
    return f"{words}, then {spans}, longest gap {_span(times.longest)}"


# What it means

Facts = Iterator[tuple[str, str, str]]
"""A label, what it is about, and the kind that says how that looks."""


def _meaning(got: Received) -> Facts:
    known = got.endpoint in (CHAT, None) and not any(i.kind == "type" for i in got.events)
    if known and isinstance(got.reply, ApiError):
        yield from _error_facts(got.reply)
    elif known and isinstance(got.reply, Reply) and (got.endpoint or got.reply.error):
        yield from _reply_facts(got.reply)
        yield from _joined(got, ("audio",))
    elif got.endpoint == CHAT:
        yield "unreadable", str(got.reply), "error"
        yield from _joined(got, PIECES)
    else:
        looks = f"looks like {got.endpoint}" if got.endpoint else "of no endpoint that is known"
        yield "stream" if got.events else "body", looks if got.items else "nothing came", "quiet"
        yield from _joined(got, PIECES)


def _joined(got: Received, kinds: tuple[str, ...]) -> Facts:
    """The pieces of each kind, put together."""
    for kind in kinds:
        pieces = [p.piece for item in got.events for p in item.phrases if p.kind == kind]
        if text := "".join(pieces):
            yield kind.replace("_", " "), text, kind


def _error_facts(error: ApiError) -> Facts:
    yield "error", error.message or "", "error"
    for name in ("type", "code", "param"):
        if value := getattr(error, name):
            yield name, value, "plain"


def _reply_facts(reply: Reply) -> Facts:
    for number, choice in enumerate(reply.choices):
        # As in the timeline.
        mark = f"[{number}] " if len(reply.choices) > 1 else ""
        yield from ((mark + label, text, kind) for label, text, kind in _choice_facts(choice))
    if reply.usage is not None:
        yield "usage", _usage_words(reply.usage), "plain"
    if reply.error is not None:
        yield from _error_facts(reply.error)


def _choice_facts(choice: Choice) -> Facts:
    for name in ("reasoning", "text", "refusal"):
        if (said := getattr(choice, name)) is not None:
            # Line ends around a text are shown only where they are all of it.
            yield name, said.strip("\n") or _quoted(said), name
    for call in choice.tool_calls:
        yield "tool call", _call_words(call), "tool_call"
    if choice.function_call is not None:
        yield "function", _call_words(choice.function_call), "tool_call"
    if choice.logprobs is not None:
        yield "logprobs", f"of {_count(sum(map(len, choice.logprobs)), 'token')}", "plain"
    finish = choice.finish_reason
    yield "finish", finish or "none: it never finishes", "finish" if finish else "loud"


def _call_words(call: ToolCall | FunctionCall) -> str:
    return f"{call.name}({call.arguments})" + (f"  {call.id}" if isinstance(call, ToolCall) else "")


def _usage_words(usage: Usage) -> str:
    words = f"{usage.prompt_tokens:,} prompt + {usage.completion_tokens:,} completion"
    words += f" = {usage.total_tokens:,} tokens"
    details = [(name.removesuffix("_tokens"), getattr(usage, name)) for name in _DETAILS]
    given = [f"{name.replace('_', ' ')} {number:,}" for name, number in details if number]
    return f"{words} ({', '.join(given)})" if given else words


_DETAILS = (
    "cached_tokens",
    "prompt_audio_tokens",
    "reasoning_tokens",
    "audio_tokens",
    "accepted_prediction_tokens",
    "rejected_prediction_tokens",
)


def _fact_lines(facts: Iterable[tuple[str, str, str]], width: int) -> Iterator[str]:
    """Facts under each other: the label once, the text wrapped beside it."""
    known = list(facts)
    label_width = max((len(label) for label, _, _ in known), default=0)
    for label, text, kind in known:
        wrapped = list(_wrapped(text, width - label_width - 4))
        if len(wrapped) > MOST_LINES + 1:
            wrapped[MOST_LINES:] = [f"… {len(wrapped) - MOST_LINES:,} more lines"]
        for at, line in enumerate(wrapped):
            shown = label if not at else ""
            yield _line([(f"  {shown:<{label_width}}  ", "quiet"), (line, kind)], width)


MOST_LINES = 20


def _blocks(got: Received, width: int) -> Iterator[list[str]]:
    yield list(_heading(got, width))
    yield list(_timeline(got, width))
    yield [_line([("It means", "title")], width), *_fact_lines(_meaning(got), width)]
    if odd := _odd(got):
        facts = [(name, fact, "plain") for name, fact in odd]
        yield [_line([("What is odd", "title")], width), *_fact_lines(facts, width)]


def draw(exchange: Exchange, width: int = 100) -> str:
    """An exchange as text for a terminal, with colours, in lines of at most so many columns.

    Args:
        exchange: the exchange.
        width: the terminal's columns.
    """
    got = _receive(exchange)
    return "\n\n".join("\n".join(block) for block in _blocks(got, max(width, 1))) + "\n"


def as_json(exchange: Exchange) -> dict[str, Any]:
    """The same facts for machines: a value that JSON can hold.

    Args:
        exchange: the exchange.
    """
    got = _receive(exchange)
    times, reply, about = _times(got), got.reply, exchange.about
    readable = got.endpoint in (CHAT, None)
    found: dict[str, Any] = {
        "name": about.get("name"),
        "description": about.get("description"),
        "request": about.get("request"),
        "status": got.head.status,
        "headers": got.head.headers,
        "endpoint": got.endpoint,
        "events": [_event_facts(item) for item in got.items],
        "totals": {
            "events": len(got.events),
            "reads": len({item.read for item in got.items}),
            "bytes": len(got.body),
            "seconds": got.seconds,
            "ttft": times.ttft,
            "itl": {"p50": times.p50, "p95": times.p95, "max": times.longest},
        },
        "reply": reply if readable and isinstance(reply, Reply) else None,
        "error": reply if isinstance(reply, ApiError) else getattr(reply, "error", None),
        "end": exchange.script.end,
        "complete": exchange.complete,
        "odd": [{"name": name, "fact": fact} for name, fact in _odd(got)],
    }
    plain: dict[str, Any] = _plain(found)
    return plain


def _event_facts(item: Item) -> dict[str, Any]:
    """What came, with the name of the event where it has one."""
    facts = {"due": item.at, "gap": item.gap, "read": item.read, "kind": item.kind}
    named = {"event": item.event.event} if item.event and item.event.event is not None else {}
    return {**facts, **named, "data": item.data}
