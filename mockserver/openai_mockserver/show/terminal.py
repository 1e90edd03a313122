"""An exchange in blocks of lines: its heading, the timeline, what it means, what is odd.

Rules of this file: a line is made of spans and goes through `_line`, which alone keeps it within
the width and shows escaped what a terminal would obey.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import click

from openai_mockserver.api.detection import CHAT, RESPONSES
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.reply import ApiError, Choice, FunctionCall, Reply, ToolCall, Usage
from openai_mockserver.reply import Item as OutputItem
from openai_mockserver.sensitive import spell_controls
from openai_mockserver.show.decode import Item, Received, times_of
from openai_mockserver.show.format import (
    JOINERS,
    as_object,
    as_objects,
    count,
    decoded,
    quoted,
    short,
    short_json,
    size,
    span,
)
from openai_mockserver.show.lint import find_oddities
from openai_mockserver.show.summaries import PIECES, STYLES

__all__ = ["blocks"]

# Lines

Spans = list[tuple[str, str]]
"""The parts of a line: text, and the kind that says how it looks."""


def _escaped(text: str) -> str:
    """Text as a terminal shows it."""
    return spell_controls(text, but=JOINERS)


def _cells(char: str) -> int:
    """How many columns a character takes."""
    if char.isascii():
        return 1
    if char in JOINERS or unicodedata.category(char) in ("Mn", "Me"):
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
    style = STYLES.get(kind)
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
        scale = span(got.seconds)
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
    gap = "" if not row.gap or row.hidden else span(row.gap)
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
            spans.append((" " * bool(at) + short(phrase.text, 400), phrase.kind))
    return spans


def _says_width(items: list[Item]) -> int:
    return sum(_width(_escaped(text)) for text, _ in _says(items))


def _more_spans(row: _Row, columns: _Columns) -> Spans:
    """How many more there are, how far apart, and how their text begins and ends."""
    numbers = [item.number for item in row.items if item.event]
    told = f"{len(numbers) or len(row.items):,} more"
    gaps = [hidden.gap for hidden in row.hidden if hidden.gap > 0]
    if columns.timed and gaps:
        told += f", {span(median(gaps))} apart (p50), longest gap {span(max(gaps))}"
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
        lacks = f": {count(exchange.missing, 'byte')} more had come"
        told = "the file ends here, and the response did not"
        return told + (lacks if exchange.missing else ""), "loud"
    return _ENDS[exchange.script.end]


def _end_spans(got: Received, columns: _Columns) -> Spans:
    words, kind = _ending(got.exchange)
    spans: Spans = [(f"{'■':>{columns.number}}  ", kind)]
    if columns.timed:
        silence = got.seconds - (got.items[-1].at if got.items else 0.0)
        gap = span(silence) if silence > 0.0005 else ""
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
    came = f", the head after {span(head.delay)}" if head.delay else ""
    yield _line([(status, "plain" if head.status < 400 else "error"), (came, "quiet")], width)
    for words in (_totals(got), _pace(got)):
        if words:
            yield _line([(words, "quiet")], width)


def _request(request: object) -> str:
    """Method, path, model and what was asked, as far as they are known."""
    request = as_object(request)
    asked = next((v for k in ("json", "body") if (v := as_object(request.get(k)))), request)
    line = [request.get("method"), request.get("url") or request.get("path")]
    where = [" ".join(str(part) for part in line if part), asked.get("model")]
    said = [m.get("content") for m in as_objects(asked.get("messages")) if m.get("role") == "user"]
    said += [_last_input(asked.get("input")), asked.get("prompt")]
    words = [str(part) for part in where if part]
    question = next((s for s in reversed(said) if s), None)
    return "  ".join([*words, *([quoted(short(_words_of(question), 60))] if question else [])])


def _last_input(given: object) -> object:
    """What was asked last of the Responses API: a text, or the user's or else the last item."""
    if not isinstance(given, list):
        return given
    items = as_objects(given)
    last = next((item for item in reversed(items) if item.get("role") == "user"), None)
    last = last or (items[-1] if items else None)
    if last is None:
        return given or None  # texts, as embeddings take them
    return last.get("content") or last.get("output") or last


def _words_of(content: object) -> str:
    if isinstance(content, list):
        texts = [str(part["text"]) for part in as_objects(content) if "text" in part]
        return " ".join(texts) if texts else short_json(content)
    return content if isinstance(content, str) else short_json(content)


def _totals(got: Received) -> str:
    said = [count(len(got.events), "event"), size(len(got.body))]
    if not got.seconds:
        return f"{', '.join(said)}; no times are known"
    reads = len({item.read for item in got.items})
    return ", ".join([*said, count(reads, "read"), span(got.seconds)])


def _pace(got: Received) -> str:
    times = times_of(got)
    if not got.seconds or times.ttft is None:
        return ""
    words = f"first piece after {span(times.ttft)}"
    if times.p50 is None or times.p95 is None or times.longest is None:
        return words
    spans = f"{span(times.p50)} apart (p50), {span(times.p95)} (p95)"
    return f"{words}, then {spans}, longest gap {span(times.longest)}"


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
        if got.endpoint == RESPONSES:
            yield from _response_facts(got)
        if got.endpoint is not None and got.is_understood and isinstance(got.reply, Reply):
            yield from _reply_facts(got.reply)
        else:
            yield from _joined(got, PIECES)


def _response_facts(got: Received) -> Facts:
    """Which response it is, and how far it has come by its own last word."""
    whole = as_object(decoded(got.body.decode("utf-8", "replace"))) if not got.events else {}
    told = [as_object(value.get("response")) for _, value in got.objects]
    last: dict[str, Any] = next((one for one in reversed([whole, *told]) if one), {})
    words = [str(last[name]) for name in ("id", "model", "status") if last.get(name)]
    if why := as_object(last.get("incomplete_details")).get("reason"):
        words.append(f"({why})")
    if words:
        yield "id", "  ".join(words), "plain"


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
            yield name, said.strip("\n") or quoted(said), name
    for call in choice.tool_calls:
        yield "tool call", _call_words(call), "tool_call"
    if choice.function_call is not None:
        yield "function", _call_words(choice.function_call), "tool_call"
    for item in choice.output:
        if isinstance(item, OutputItem):
            yield "item", item.type, "plain"
    if choice.logprobs is not None:
        yield "logprobs", f"of {count(sum(map(len, choice.logprobs)), 'token')}", "plain"
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


def blocks(got: Received, width: int) -> Iterator[list[str]]:
    yield list(_heading(got, width))
    yield list(_timeline(got, width))
    yield [_line([("It means", "title")], width), *_fact_lines(_meaning(got), width)]
    if odd := find_oddities(got):
        facts = [(name, fact, "plain") for name, fact in odd]
        yield [_line([("What is odd", "title")], width), *_fact_lines(facts, width)]
