"""The pages of docs/conformance/, from the JSON reports of `openai-mockserver check`.

Rules of this file: pure functions from reports to Markdown, and one that writes the files. The text
above the first mark of a page is written by hand; what is generated stands between the marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from openai_mockserver.judge import GRADES
from openai_mockserver.judge.clients import CLIENTS
from openai_mockserver.judge.grading import FAILING

__all__ = [
    "CONSUMERS",
    "MARKS",
    "draw_matrix",
    "draw_page",
    "get_slug",
    "update_index",
    "write_pages",
]

Report = Mapping[str, Any]

MARKS = "<!-- reports -->", "<!-- end of reports -->"
_LONGEST_SENTENCE = 160  # characters
_MOST_SENTENCES = 2  # of a case

_NOTES = {client.name: client.notes for client in CLIENTS}
CONSUMERS = tuple(_NOTES)
"""The names of the known clients."""

_ENDPOINTS = {client.name: client.endpoint for client in CLIENTS}
_KINDS = {
    "chat": "Clients and parsers, chat completions",
    "responses": "Clients, Responses API",
    "gateway": "Gateways and proxies",
}


def get_slug(name: str) -> str:
    """Return the name of a page, without its extension."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def get_kind(report: Report) -> str:
    """Return the table that a report belongs to, one of `_KINDS`."""
    return _ENDPOINTS.get(report["consumer"], "gateway")


def count_right(results: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Return how many cases are right, and how many were asked."""
    grades = [result["grade"] for result in results if result["grade"] != "unsupported"]
    return sum(grade not in FAILING for grade in grades), len(grades)


def draw_matrix(reports: Sequence[Report]) -> str:
    """Return a table of right and asked cases: families as rows, consumers as columns."""
    families = sorted({result["family"] for report in reports for result in report["results"]})
    heads = [f"[{one['consumer']}]({get_slug(one['consumer'])}.md)" for one in reports]
    rows = [["", *heads], ["---", *["--:"] * len(reports)]]
    rows += [
        [f"`{family}`", *(_draw_count(report, family) for report in reports)] for family in families
    ]
    rows.append(["**all**", *(f"**{_draw_count(report)}**" for report in reports)])
    rows.append(["version", *(_draw_first_version(report) for report in reports)])
    rows.append(["date", *(report["began"][:10] for report in reports)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _draw_count(report: Report, family: str | None = None) -> str:
    results = [one for one in report["results"] if family in (None, one["family"])]
    right_count, count = count_right(results)
    return f"{right_count} / {count}" if count else ""


def _draw_first_version(report: Report) -> str:
    """Return the version of the consumer itself, which comes first."""
    return next(iter(report["versions"].values()), "")


def draw_page(report: Report) -> str:
    """Return the page of a consumer: its counts, and a table of the cases that fail."""
    name = report["consumer"]
    versions = ", ".join(f"{package} {version}" for package, version in report["versions"].items())
    right_count, count = count_right(report["results"])
    note = f"{_NOTES[name]}: " if _NOTES.get(name) else ""
    lines = [
        f"# {name}",
        "",
        f"{note}{right_count} of {count} cases are right. Measured on {report['began'][:10]} with "
        f"{versions or 'an unknown version'}.",
        "",
        "| grade | cases | meaning |",
        "| --- | --: | --- |",
        *(
            f"| {grade} | {report['counts'][grade]} | {meaning} |"
            for grade, meaning in GRADES.items()
            if report["counts"].get(grade)
        ),
    ]
    failures = [result for result in report["results"] if result["grade"] in FAILING]
    if failures:
        lines += [
            "",
            "## What fails",
            "",
            "| case | grade | what it does | requirement |",
            "| --- | --- | --- | --- |",
            *(_draw_failure(result) for result in failures),
        ]
    return "\n".join(lines) + "\n"


def _draw_failure(result: Mapping[str, Any]) -> str:
    sentences = [
        _cut(mistake["sentence"])
        for mistake in result["mistakes"]
        if mistake["grade"] != "lossy" or result["grade"] == "lossy"
    ]
    requirement = result["requirement"] or {}
    rule = f"{requirement['level']}: {requirement['text']}" if requirement else ""
    if requirement.get("source"):
        rule += f" ({requirement['source']})"
    sentence = "; ".join(sentences[:_MOST_SENTENCES])
    cells = [f"`{result['case']}`", result["grade"], _escape(sentence), _escape(rule)]
    return f"| {' | '.join(cells)} |"


def _cut(sentence: str) -> str:
    """Return a sentence on one line, without its end if it is long."""
    line = " ".join(sentence.split())
    return line if len(line) <= _LONGEST_SENTENCE else f"{line[: _LONGEST_SENTENCE - 1]}…"


def _escape(text: str) -> str:
    """Return a text as Markdown in a cell: none of its characters is a mark."""
    printable = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
    return re.sub(r"([\\`*_{}\[\]<>|~$&#])", r"\\\1", printable)


def update_index(page: str, reports: Sequence[Report]) -> str:
    """Return the index with new tables, and with all pages in its table of contents."""
    parts = []
    for kind, title in _KINDS.items():
        chosen = [report for report in reports if get_kind(report) == kind]
        if chosen:
            parts += [f"## {title}", draw_matrix(chosen)]
    pages = [get_slug(report["consumer"]) for report in reports]
    parts.append("\n".join(["```{toctree}", ":hidden:", "findings", *pages, "```"]))
    generated = "\n\n".join([MARKS[0], *parts, MARKS[1]])
    return re.sub(f"{MARKS[0]}.*{MARKS[1]}", lambda _: generated, page, flags=re.DOTALL)


def write_pages(folder: Path, reports: Iterable[Report], names: Sequence[str]) -> None:
    """Write the index and the page of each report; reports of unknown consumers are left out.

    Args:
        folder: where the pages are.
        reports: the reports.
        names: the names of all consumers, in the order of the columns.
    """
    by_name = {report["consumer"]: report for report in reports}
    ordered = [by_name[name] for name in names if name in by_name]
    for report in ordered:
        file = folder / f"{get_slug(report['consumer'])}.md"
        file.write_text(draw_page(report), "utf-8")
    index = folder / "index.md"
    index.write_text(update_index(index.read_text("utf-8"), ordered), "utf-8")
