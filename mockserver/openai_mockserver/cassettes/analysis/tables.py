"""How the results of this package look on a terminal.

Rules of this file: rich draws; every text from a recording goes through `escape_text`, which spells
out what a terminal would obey.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from openai_mockserver.cassettes.analysis.calibration import COUNT, Calibration
from openai_mockserver.cassettes.analysis.difference import Change, Difference
from openai_mockserver.cassettes.analysis.drift import Drift, FormChange
from openai_mockserver.cassettes.analysis.statistics import Group, Percentiles, Statistics
from openai_mockserver.sensitive import spell_controls
from openai_mockserver.show.format import (
    JOINERS,
    encode_json,
    format_count,
    format_seconds,
    format_size,
    shorten,
)

__all__ = ["draw_difference", "draw_drift", "draw_paces", "draw_statistics", "escape_text"]


def escape_text(text: str, style: str = "") -> Text:
    """Return a text from a recording, safe for a terminal."""
    return Text(spell_controls(text, but=JOINERS), style)


# Statistics


def draw_statistics(statistics: Statistics, now: datetime) -> Iterator[RenderableType]:
    """Draw statistics: a table of the groups, and a line with the total.

    Args:
        statistics: the statistics.
        now: the time to which ages are related.
    """
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("provider, model", overflow="fold", ratio=1)
    for name in ("count", "tokens", "TTFT", "ITL p50", "p95", "size", "age"):
        table.add_column(name, justify="right", no_wrap=True)
    endpoint = ""
    for group in sorted(statistics.groups, key=lambda group: group.endpoint):
        if group.endpoint != endpoint:
            endpoint = group.endpoint
            table.add_row(escape_text(endpoint or "unknown endpoint", "bold"))
        table.add_row(*_list_cells(group, now))
    yield table
    yield ""
    yield Text(_describe_total(statistics, now))


def _list_cells(group: Group, now: datetime) -> Iterator[Text]:
    name = escape_text(group.provider or "unknown provider")
    if group.model:
        name.append(" ").append_text(escape_text(group.model, "cyan"))
    notes = []
    if bodies := group.exchanges - group.streams:
        notes.append("1 body" if bodies == 1 else f"{bodies} bodies")
    if group.errors:
        notes.append(format_count(group.errors, "error"))
    if group.broken:
        notes.append(f"{group.broken} broken")
    if notes:
        name.append(f" ({', '.join(notes)})", "dim")
    yield name
    yield Text(str(group.exchanges))
    yield Text(_format_tokens(group))
    yield Text(_format_time(group.ttft, "p50"))
    yield Text(_format_time(group.itl, "p50"))
    yield Text(_format_time(group.itl, "p95"))
    yield Text(format_size(group.bytes).replace(" bytes", " B").replace(" byte", " B"))
    yield Text("" if group.last is None else _format_age(now - group.last))


def _format_tokens(group: Group) -> str:
    counts = (group.prompt_tokens, group.completion_tokens)
    return "" if None in counts else f"{counts[0]}+{counts[1]}"


def _format_time(times: Percentiles | None, name: str) -> str:
    return "" if times is None else format_seconds(getattr(times, name))


def _describe_total(statistics: Statistics, now: datetime) -> str:
    total = statistics.total
    parts = [
        format_count(statistics.files, "file"),
        format_count(total.exchanges, "exchange"),
        format_count(total.streams, "stream"),
        format_count(total.errors, "error"),
    ]
    parts += [f"{total.broken} broken"] * bool(total.broken)
    parts.append(format_size(total.bytes))
    if total.first is not None and total.last is not None:
        parts.append(f"recorded from {total.first:%Y-%m-%d} to {total.last:%Y-%m-%d}")
    return ", ".join(parts)


def _format_age(age: timedelta) -> str:
    days = max(0, age.days)
    if days >= 60:
        return f"{days // 30} months" if days < 700 else f"{days // 365} years"
    return f"{days} d" if days else f"{max(0, age.seconds) // 3600} h"


# Paces


def draw_paces(calibrations: Mapping[str, Calibration]) -> Table:
    """Draw measured paces: their medians and 95th percentiles."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("profile", overflow="fold")
    for name in ("streams", "TTFT p50", "p95", "gaps", "ITL p50", "p95"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, (pace, streams, gaps) in calibrations.items():
        first, between = (
            [format_seconds(quantiles[n]) if quantiles else "" for n in _SHOWN]
            for quantiles in (pace.ttft_quantiles, pace.itl_quantiles)
        )
        table.add_row(escape_text(name), str(streams), *first, str(gaps), *between)
    return table


_SHOWN = [round(share * (COUNT - 1)) for share in (0.5, 0.95)]


# Differences

_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
_MOST_LINES = 40


def draw_difference(difference: Difference, most: int = _MOST_LINES) -> Iterator[RenderableType]:
    """Draw differences: what was said, then the wire.

    Args:
        difference: the differences.
        most: the most changes of the wire that are drawn.
    """
    if difference.said:
        yield Text("what was said", "bold")
        yield from map(_draw_change, difference.said)
    else:
        yield Text("They say the same.", "bold")
    if difference.wire:
        yield Text("the wire", "bold")
        yield from map(_draw_change, difference.wire[:most])
    if (hidden := len(difference.wire) - most) > 0:
        yield Text(f"and {hidden} more; --json prints all", "dim")


def _draw_change(change: Change) -> Text:
    sign, style = _SIGNS[change.kind]
    line = Text(f"{sign} ", style).append_text(escape_text(change.place))
    if change.kind != "changed":
        value = change.old if change.kind == "removed" else change.new
        return line.append(" ").append_text(escape_text(shorten(encode_json(value), 200), "dim"))
    old, new = _cut_alike(encode_json(change.old), encode_json(change.new))
    line.append("\n    - ", "red").append_text(escape_text(old))
    return line.append("\n    + ", "green").append_text(escape_text(new))


_AROUND = 30  # characters that two texts have in common and that are shown before the difference


def _cut_alike(old: str, new: str) -> tuple[str, str]:
    """Return two texts from a little before their first difference, and not too long."""
    same = next((n for n, pair in enumerate(zip(old, new, strict=False)) if len({*pair}) > 1), -1)
    same = min(len(old), len(new)) if same < 0 else same
    start = max(0, same - _AROUND)
    mark = "…" if start else ""
    return f"{mark}{shorten(old[start:], 120)}", f"{mark}{shorten(new[start:], 120)}"


# Drift


def draw_drift(drifts: Sequence[Drift]) -> Iterator[RenderableType]:
    """Draw changes of form, each with the clients that would care."""
    heading = ""
    for drift in drifts:
        change = drift.change
        if _HEADINGS[change.kind] != heading:
            heading = _HEADINGS[change.kind]
            yield Text(heading, "bold")
        yield _draw_form_change(change)
        for concern in drift.concerns:
            who = ", ".join(concern.clients) or "no measured client"
            line = Text("    ").append(f"{concern.reason}: ")
            line.append(who, "red" if concern.clients else "green")
            yield line.append(f" ({concern.source})", "dim")


_HEADINGS = {
    "chunks": "kinds of chunks",
    "removed": "members",
    "added": "members",
    "type": "members",
    "presence": "members",
    "order": "order of members",
    "framing": "framing",
    "header": "headers",
}


def _draw_form_change(change: FormChange) -> Text:
    kind = change.kind
    if kind in ("chunks", "header") and "present" in (change.old, change.new):
        kind = "added" if change.new == "present" else "removed"
    if kind in ("added", "removed"):
        sign, style = _SIGNS[kind]
        types = (change.new if kind == "added" else change.old) or ""
        line = Text(f"{sign} ", style).append_text(escape_text(change.place))
        return line.append("" if types in ("present", "absent") else f" {types}", "dim")
    line = Text("~ ", "yellow").append_text(escape_text(change.place)).append(": ", "dim")
    line.append_text(escape_text(change.old or "nothing")).append(" → ", "dim")
    return line.append_text(escape_text(change.new or "nothing"))
