"""An exchange in blocks of lines: its heading, the timeline, what it means, what is odd.

Rules of this file: every line goes through `_build_line`, which keeps it within the width and
escapes the characters that a terminal would obey. Widths, wrapping and styles are rich's.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from openai_mockserver.api.detection import CHAT, RESPONSES
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.reply import ApiError, Choice, FunctionCall, Reply, ToolCall, Usage
from openai_mockserver.reply import Item as OutputItem
from openai_mockserver.sensitive import spell_controls
from openai_mockserver.show.decode import Item, ReceivedResponse, measure_times
from openai_mockserver.show.format import (
    JOINERS,
    as_object,
    as_objects,
    decode_json,
    format_count,
    format_seconds,
    format_size,
    quote,
    shorten,
    shorten_json,
)
from openai_mockserver.show.lint import find_oddities
from openai_mockserver.show.summaries import PIECES, STYLES, describe_item, measure_base64

__all__ = ["draw_blocks"]

# Lines

Spans = list[tuple[str, str]]
"""The parts of a line: each a text and its kind, which chooses the style."""


def _escape(text: str) -> str:
    """Spell out the characters that a terminal would obey."""
    return spell_controls(text, but=JOINERS)


def _build_line(spans: Spans, width: int) -> Text:
    """Build a line of at most ``width`` columns."""
    line = Text()
    for text, kind in spans:
        line.append(_escape(text), STYLES.get(kind))
    line.rstrip()
    line.truncate(width, overflow="ellipsis")
    return line


@cache
def _open_console() -> Console:
    """Return the console that rich needs to wrap text; nothing is printed on it."""
    return Console(file=io.StringIO())


def _wrap_text(text: str, width: int) -> list[str]:
    """Break a text into lines of at most ``width`` columns, and of 8 at least."""
    escaped = Text("\n".join(map(_escape, text.split("\n"))))
    return [line.plain.rstrip(" ") for line in escaped.wrap(_open_console(), max(width, 8))]


# The timeline


@dataclass(frozen=True)
class _Row:
    """A row of the timeline: items that came together, or a run of rows drawn as one.

    Args:
        items: what came.
        gap: seconds since the row before.
        is_late: whether the gap is much longer than the others.
        end: seconds from the request to the last of the hidden rows.
        hidden_rows: the rows that this one stands for.
    """

    items: tuple[Item, ...]
    gap: float
    is_late: bool = False
    end: float | None = None
    hidden_rows: tuple[_Row, ...] = ()

    @property
    def start(self) -> float:
        """Seconds from the request to the first item."""
        return self.items[0].at

    @property
    def kind(self) -> str:
        kinds = {item.kind for item in self.items}
        return kinds.pop() if len(kinds) == 1 else "mixed"


MOST_ROWS = 40


@dataclass(frozen=True)
class _Columns:
    """The widths of the timeline's columns, in characters.

    Args:
        number: of the event's number.
        bar: of the time bar; 0 without one.
        has_times: whether times are shown at all.
        seconds: how long the whole bar is.
        width: of a line.
    """

    number: int
    bar: int
    has_times: bool
    seconds: float
    width: int

    @property
    def text(self) -> int:
        """The width that is left for what an event says."""
        times = 20 + self.bar + 2 * bool(self.bar) if self.has_times else 0
        return self.width - self.number - 2 - times


def _draw_timeline(response: ReceivedResponse, width: int) -> Iterator[Text]:
    has_times = response.seconds > 0
    number = max(2, len(str(len(response.events))))
    bar = min(30, width // 4) if has_times and width >= 70 else 0
    columns = _Columns(number, bar, has_times, response.seconds, width)
    if has_times:
        scale = format_seconds(response.seconds)
        axis = f"0 {'·' * (bar - len(scale) - 3)} {scale}" if bar else ""
        titles = f"{'#':>{number}}  {'seconds':>8}  {'gap':>8}  {axis}"
        yield _build_line([(titles, "quiet")], width)
    for row in _shorten_timeline(_group_rows(response, columns.text)):
        yield _build_line(_draw_row(row, columns), width)
    yield _build_line(_draw_end(response, columns), width)


def _group_rows(response: ReceivedResponse, width: int) -> list[_Row]:
    """Return one row for each event, or for the events of one read that fit into a row."""
    if not response.seconds:
        return [_Row((item,), 0.0) for item in response.items]
    threshold = _find_late_gap(response)
    rows: list[_Row] = []
    for _, read in itertools.groupby(response.items, key=lambda item: item.read):
        groups: list[list[Item]] = []
        for item in read:
            if groups and _measure_phrases([*groups[-1], item]) <= width:
                groups[-1].append(item)
            else:
                groups.append([item])
        for group in groups:
            gap = group[0].gap
            rows.append(_Row(tuple(group), gap, gap > threshold and bool(rows)))
    return rows


def _find_late_gap(response: ReceivedResponse) -> float:
    """Return the length in seconds from which a gap is much longer than the others."""
    gaps = [item.gap for item in response.items[1:] if item.gap > 0]
    return max(5 * median(gaps), 0.02) if len(gaps) >= 4 else 1.0


def _shorten_timeline(rows: list[_Row]) -> list[_Row]:
    """Merge rows until at most `MOST_ROWS` are left, similar rows first."""
    if len(rows) <= MOST_ROWS:
        return rows
    for kept in (12, 8, 5, 3, 2, 1):
        shorter = list(_shorten_runs(rows, kept))
        if len(shorter) <= MOST_ROWS:
            return shorter
    return [*rows[:24], _merge_rows(rows[24:-12]), *rows[-12:]]


def _shorten_runs(rows: list[_Row], kept: int) -> Iterator[_Row]:
    """Yield the rows; of a run of similar ones, so many at either end and one for the rest."""
    for _, run in itertools.groupby(rows, key=lambda row: (row.kind, row.is_late)):
        similar = list(run)
        if len(similar) <= 2 * kept + 1:
            yield from similar
        else:
            yield from (*similar[:kept], _merge_rows(similar[kept:-kept]), *similar[-kept:])


def _merge_rows(rows: list[_Row]) -> _Row:
    items = tuple(item for row in rows for item in row.items)
    return _Row(items, rows[0].gap, end=rows[-1].start, hidden_rows=tuple(rows))


def _draw_row(row: _Row, columns: _Columns) -> Spans:
    first = next((item.number for item in row.items if item.event), None)
    number = "⋮" if row.hidden_rows else "" if first is None else str(first)
    spans: Spans = [(f"{number:>{columns.number}}  ", "quiet")]
    if columns.has_times:
        spans += _draw_times(row, columns)
    return spans + (_describe_hidden(row, columns) if row.hidden_rows else _join_phrases(row.items))


def _draw_times(row: _Row, columns: _Columns) -> Spans:
    is_same_read = not row.gap and not row.hidden_rows and row.start > 0
    start = "" if is_same_read or row.hidden_rows else f"{row.start:.3f}"
    gap = "" if not row.gap or row.hidden_rows else format_seconds(row.gap)
    spans: Spans = [(f"{start:>8}  ", "plain"), (f"{gap:>8}  ", "late" if row.is_late else "quiet")]
    return spans + _draw_bar(row, columns, is_same_read)


def _draw_bar(row: _Row, columns: _Columns, is_same_read: bool) -> Spans:
    if not columns.bar:
        return []
    start, end = (
        round(min(1.0, seconds / columns.seconds) * (columns.bar - 1))
        for seconds in (row.start, row.start if row.end is None else row.end)
    )
    if row.hidden_rows:
        return [(" " * start + "━" * (end - start + 1) + " " * (columns.bar - end + 1), "quiet")]
    silence = round(max(0.0, row.start - row.gap) / columns.seconds * (columns.bar - 1))
    # A silence that is long enough to be seen is drawn up to the item that ended it.
    line = "─" * (start - silence - 1) if start - silence > 1 else ""
    return [
        (" " * (start - len(line)), "plain"),
        (line, "late" if row.is_late else "quiet"),
        ("│", "quiet") if is_same_read else ("●", "plain"),
        (" " * (columns.bar - start + 1), "plain"),
    ]


def _join_phrases(items: Iterable[Item]) -> Spans:
    spans: Spans = []
    for item in items:
        if spans:
            spans.append((" · ", "quiet"))
        for at, phrase in enumerate(item.phrases):
            spans.append((" " * bool(at) + shorten(phrase.text, 400), phrase.kind))
    return spans


def _measure_phrases(items: list[Item]) -> int:
    return sum(cell_len(_escape(text)) for text, _ in _join_phrases(items))


def _describe_hidden(row: _Row, columns: _Columns) -> Spans:
    """Tell how many rows are hidden, their gaps, and how their text begins and ends."""
    numbers = [item.number for item in row.items if item.event]
    words = f"… {len(numbers) or len(row.items):,} more"
    gaps = [hidden.gap for hidden in row.hidden_rows if hidden.gap > 0]
    if columns.has_times and gaps:
        longest = format_seconds(max(gaps))
        words += f", {format_seconds(median(gaps))} apart (p50), longest gap {longest}"
    text = "".join(phrase.piece for item in row.items for phrase in item.phrases)
    width = (columns.text - cell_len(words) - 7) // 2
    spans: Spans = [(words, "quiet")]
    if row.kind in PIECES and text and width >= 6:
        spans += [("  ", "quiet"), (_quote_ends(text, width), "quiet")]
    return spans


def _quote_ends(text: str, width: int) -> str:
    """Quote a text, or its two ends if it has more than twice ``width`` columns."""
    text = _escape(text)
    if cell_len(text) <= 2 * width:
        return f'"{text}"'
    end = text[-width:]
    while cell_len(end) > width - 2:
        end = end[1:]
    return f'"{set_cell_size(text, width - 2)} … {end.lstrip()}"'


_ENDS: dict[str, tuple[str, str]] = {
    "finish": ("ends cleanly", "done"),
    "close": ("ends cleanly, then the connection closes", "done"),
    "half_close": ("ends cleanly, then the connection half-closes", "done"),
    "truncate": ("cut off: connection closed, body unfinished", "error"),
    "reset": ("cut off: connection reset", "error"),
    "cut": ("cut off: connection closed without TLS's end", "error"),
    "hold": ("then silence, until the client leaves", "late"),
}


def _describe_end(exchange: Exchange) -> tuple[str, str]:
    """Return how the response ends, and the kind of these words."""
    if exchange.complete:
        return _ENDS[exchange.script.end]
    words = "the recording ends here, before the end of the response"
    more = f": {format_count(exchange.missing, 'more byte')} came" if exchange.missing else ""
    return words + more, "late"


def _draw_end(response: ReceivedResponse, columns: _Columns) -> Spans:
    words, kind = _describe_end(response.exchange)
    spans: Spans = [(f"{'■':>{columns.number}}  ", kind)]
    if columns.has_times:
        silence = response.seconds - (response.items[-1].at if response.items else 0.0)
        gap = format_seconds(silence) if silence > 0.0005 else ""
        gap_kind = "late" if silence > _find_late_gap(response) else "quiet"
        spans += [(f"{response.seconds:>8.3f}  ", "plain"), (f"{gap:>8}  ", gap_kind)]
        spans.append((" " * (columns.bar + 2 * bool(columns.bar)), "plain"))
    return [*spans, (words, kind)]


# Above the timeline


def _draw_heading(response: ReceivedResponse, width: int) -> Iterator[Text]:
    about, head = response.exchange.about, response.head
    name, description = (str(about.get(key) or "") for key in ("name", "description"))
    if name or description:
        spans = [(name, "title"), ("  " * bool(name), "plain"), (description, "plain")]
        yield _build_line(spans, width)
    if rule := as_object(about.get("requirement")):
        words = f"{rule.get('level')}: {rule.get('text')} ({rule.get('source')})"
        yield from (_build_line([(line, "quiet")], width) for line in _wrap_text(words, width))
    if request := _describe_request(about.get("request")):
        yield _build_line([(request, "quiet")], width)
    status = f"{head.status} {head.header('content-type') or '(no content-type)'}"
    delay = f", the head after {format_seconds(head.delay)}" if head.delay else ""
    status_kind = "plain" if head.status < 400 else "error"
    yield _build_line([(status, status_kind), (delay, "quiet")], width)
    for words in (_describe_totals(response), _describe_pace(response)):
        if words:
            yield _build_line([(words, "quiet")], width)


def _describe_request(request: object) -> str:
    """Return the method, path, model and last question, as far as they are recorded."""
    request = as_object(request)
    body = next((v for k in ("json", "body") if (v := as_object(request.get(k)))), request)
    line = [request.get("method"), request.get("url") or request.get("path")]
    words = [" ".join(str(part) for part in line if part), str(body.get("model") or "")]
    users = [m for m in as_objects(body.get("messages")) if m.get("role") == "user"]
    questions = [message.get("content") for message in users]
    questions += [_find_last_input(body.get("input")), body.get("prompt")]
    question = next((question for question in reversed(questions) if question), None)
    if question:
        words.append(quote(shorten(_join_texts(question), 60)))
    return "  ".join(filter(None, words))


def _find_last_input(items: object) -> object:
    """Return the last question of a Responses request.

    That is the input itself if it is a text, else the last item of the user, else the last item.
    """
    if not isinstance(items, list):
        return items
    objects = as_objects(items)
    last = next((item for item in reversed(objects) if item.get("role") == "user"), None)
    last = last or (objects[-1] if objects else None)
    if last is None:
        return items or None  # texts, as embeddings take them
    return last.get("content") or last.get("output") or last


def _join_texts(content: object) -> str:
    """Return the text of a message's content, or its JSON if it has none."""
    if isinstance(content, list):
        texts = [str(part["text"]) for part in as_objects(content) if "text" in part]
        return " ".join(texts) if texts else shorten_json(content)
    return content if isinstance(content, str) else shorten_json(content)


def _describe_totals(response: ReceivedResponse) -> str:
    totals = [format_count(len(response.events), "event"), format_size(len(response.body))]
    if not response.seconds:
        return f"{', '.join(totals)}; no times recorded"
    reads = len({item.read for item in response.items})
    return ", ".join([*totals, format_count(reads, "read"), format_seconds(response.seconds)])


def _describe_pace(response: ReceivedResponse) -> str:
    times = measure_times(response)
    if not response.seconds or times.ttft is None:
        return ""
    words = f"first piece after {format_seconds(times.ttft)}"
    if times.p50 is None or times.p95 is None or times.longest is None:
        return words
    p50, p95, longest = map(format_seconds, (times.p50, times.p95, times.longest))
    return f"{words}, then {p50} apart (p50), {p95} (p95), longest gap {longest}"


# Below the timeline

Facts = Iterator[tuple[str, str, str]]
"""Facts: each a label, its text, and the text's kind."""


def _list_facts(response: ReceivedResponse) -> Facts:
    """Yield what the response means."""
    endpoint, reply = response.endpoint, response.reply
    is_typed = any(item.kind == "type" for item in response.events)
    is_chat = endpoint in (CHAT, None) and not is_typed
    if is_chat and isinstance(reply, ApiError):
        yield from _list_error_facts(reply)
    elif is_chat and isinstance(reply, Reply) and (endpoint or reply.error):
        yield from _list_reply_facts(reply)
        yield from _join_pieces(response, ("audio",))
    elif endpoint == CHAT:
        yield "unreadable", str(reply), "error"
        yield from _join_pieces(response, PIECES)
    else:
        looks = f"looks like {endpoint}" if endpoint else "of an unknown endpoint"
        label = "stream" if response.events else "body"
        yield label, looks if response.items else "empty", "quiet"
        if endpoint == RESPONSES:
            yield from _list_response_facts(response)
        if endpoint is not None and response.is_understood and isinstance(reply, Reply):
            yield from _list_reply_facts(reply)
        else:
            yield from _join_pieces(response, PIECES)
        yield from _list_audio(response)


def _list_audio(response: ReceivedResponse) -> Facts:
    """Yield how much audio a stream of speech has."""
    pieces = [value["audio"] for _, value in response.objects if _is_audio(value)]
    if pieces:
        size = measure_base64("".join(piece.rstrip("=") for piece in pieces))
        yield "audio", f"{size} in {format_count(len(pieces), 'piece')}", "audio"


def _is_audio(value: dict[str, Any]) -> bool:
    return value.get("type") == "speech.audio.delta" and isinstance(value.get("audio"), str)


def _list_response_facts(response: ReceivedResponse) -> Facts:
    """Yield the id, model and status of a response, from the last event that has them."""
    body = {}
    if not response.events:
        body = as_object(decode_json(response.body.decode("utf-8", "replace")))
    responses = [as_object(value.get("response")) for _, value in response.objects]
    last: dict[str, Any] = next((one for one in reversed([body, *responses]) if one), {})
    words = [str(last[name]) for name in ("id", "model", "status") if last.get(name)]
    if reason := as_object(last.get("incomplete_details")).get("reason"):
        words.append(f"({reason})")
    if words:
        yield "id", "  ".join(words), "plain"


def _join_pieces(response: ReceivedResponse, kinds: tuple[str, ...]) -> Facts:
    """Yield the pieces of each kind as one text."""
    for kind in kinds:
        phrases = [phrase for item in response.events for phrase in item.phrases]
        if text := "".join(phrase.piece for phrase in phrases if phrase.kind == kind):
            yield kind.replace("_", " "), text, kind


def _list_error_facts(error: ApiError) -> Facts:
    yield "error", error.message or "", "error"
    for name in ("type", "code", "param"):
        if value := getattr(error, name):
            yield name, value, "plain"


def _list_reply_facts(reply: Reply) -> Facts:
    for number, choice in enumerate(reply.choices):
        mark = f"[{number}] " if len(reply.choices) > 1 else ""  # as in the timeline
        for label, text, kind in _list_choice_facts(choice):
            yield mark + label, text, kind
    if reply.usage is not None:
        yield "usage", _describe_usage(reply.usage), "plain"
    if reply.error is not None:
        yield from _list_error_facts(reply.error)


def _list_choice_facts(choice: Choice) -> Facts:
    for name in ("reasoning", "text", "refusal"):
        if (text := getattr(choice, name)) is not None:
            # Line ends around a text are shown only if there is nothing else.
            yield name, text.strip("\n") or quote(text), name
    for call in choice.tool_calls:
        yield "tool call", _describe_call(call), "tool_call"
    if choice.function_call is not None:
        yield "function", _describe_call(choice.function_call), "tool_call"
    for item in choice.output:
        if isinstance(item, OutputItem):
            members = {"type": item.type, **item.members}
            yield "item", f"{item.type} {describe_item(members)}".rstrip(), "plain"
    if choice.logprobs is not None:
        tokens = sum(map(len, choice.logprobs))
        yield "logprobs", f"of {format_count(tokens, 'token')}", "plain"
    finish = choice.finish_reason
    yield "finish", finish or "none: it never finishes", "finish" if finish else "late"


def _describe_call(call: ToolCall | FunctionCall) -> str:
    return f"{call.name}({call.arguments})" + (f"  {call.id}" if isinstance(call, ToolCall) else "")


def _describe_usage(usage: Usage) -> str:
    words = f"{usage.prompt_tokens:,} prompt + {usage.completion_tokens:,} completion"
    words += f" = {usage.total_tokens:,} tokens"
    counts = [(name.removesuffix("_tokens"), getattr(usage, name)) for name in _DETAILS]
    details = [f"{name.replace('_', ' ')} {number:,}" for name, number in counts if number]
    return f"{words} ({', '.join(details)})" if details else words


_DETAILS = (
    "cached_tokens",
    "prompt_audio_tokens",
    "reasoning_tokens",
    "audio_tokens",
    "accepted_prediction_tokens",
    "rejected_prediction_tokens",
)


def _draw_facts(facts: Iterable[tuple[str, str, str]], width: int) -> Iterator[Text]:
    """Yield facts one below the other, each text wrapped beside its label."""
    entries = list(facts)
    label_width = max((len(label) for label, _, _ in entries), default=0)
    for label, text, kind in entries:
        lines = _wrap_text(text, width - label_width - 4)
        if len(lines) > MOST_LINES + 1:
            lines[MOST_LINES:] = [f"… {len(lines) - MOST_LINES:,} more lines"]
        for at, line in enumerate(lines):
            margin = f"  {'' if at else label:<{label_width}}  "
            yield _build_line([(margin, "quiet"), (line, kind)], width)


MOST_LINES = 20


def draw_blocks(response: ReceivedResponse, width: int) -> Iterator[list[Text]]:
    """Yield the blocks of the drawing, each as lines of at most ``width`` columns."""
    yield list(_draw_heading(response, width))
    yield list(_draw_timeline(response, width))
    title = _build_line([("Meaning", "title")], width)
    yield [title, *_draw_facts(_list_facts(response), width)]
    if oddities := find_oddities(response):
        facts = [(name, fact, "plain") for name, fact in oddities]
        title = _build_line([("Oddities", "title")], width)
        yield [title, *_draw_facts(facts, width)]
