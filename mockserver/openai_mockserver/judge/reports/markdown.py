"""A report as Markdown, for a comment on a pull request.

Rules of this file: nothing of a report is markup. It is put into `<code>`, where GitHub makes no
mention, issue or emoji of it, and every character that Markdown or HTML could read is an entity.
The text has at most `LONGEST` characters; GitHub refuses comments of more than 65,536.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from openai_mockserver.judge.comparison import GRADES, Grade
from openai_mockserver.judge.grading import Result
from openai_mockserver.judge.report import Report
from openai_mockserver.judge.reports.status import (
    Status,
    describe_mistakes,
    describe_verdict,
    find_statuses,
)
from openai_mockserver.sensitive import spell_controls

__all__ = ["LONGEST", "format_markdown"]

LONGEST = 65_000  # characters
_LONGEST_TEXT = 300  # characters of a sentence or name
_ROOM = 500  # characters for all of a table but its rows
_PUNCTUATION = frozenset("&<>|`*_~[]()\\{}#!$@:")

_TITLES: dict[Status, tuple[str, str]] = {
    "fails": ("failure", "failures"),
    "mended": (
        "case that is mended, but still in the baseline",
        "cases that are mended, but still in the baseline",
    ),
    "known": ("known failure", "known failures"),
}
"""The titles of the tables, for one result and for several."""


def format_markdown(report: Report) -> str:
    """Return a report as Markdown: the verdict, a table of families, and what fails.

    With a baseline, new failures come first, then mended ones, and known ones last.
    """
    mark = "✅" if report.ok else "❌"
    text = f"{mark} {_escape(report.consumer)}: {describe_verdict(report)}\n"
    if report.results:
        text += "\n" + "\n".join(_list_families(report)) + "\n"
    statuses = find_statuses(report)
    sections = [status for status in _TITLES if status in statuses]
    for n, status in enumerate(sections, 1):
        pairs = zip(report.results, statuses, strict=True)
        results = [result for result, found in pairs if found == status]
        room = LONGEST - len(text) - _ROOM * (len(sections) - n)
        text += _list_results(results, status, report.baseline is not None, room)
    return text


def _list_families(report: Report) -> Iterator[str]:
    """Yield the lines of the table of families, with the grades that occur."""
    families: dict[str, Counter[Grade]] = {}
    for result in report.results:
        families.setdefault(result.case.stream.family or "other", Counter())[result.grade] += 1
    grades = [grade for grade in GRADES if report.counts[grade]]
    yield f"| family | {' | '.join(grades)} |"
    yield f"| --- |{' ---: |' * len(grades)}"
    for family, counts in sorted(families.items()):
        cells = [str(counts[grade] or "") for grade in grades]
        yield f"| {_escape(family)} | {' | '.join(cells)} |"
    if len(families) > 1:
        cells = [f"**{report.counts[grade]}**" for grade in grades]
        yield f"| **all** | {' | '.join(cells)} |"


def _list_results(results: Sequence[Result], status: Status, has_baseline: bool, room: int) -> str:
    """Return the results of a status as a table that unfolds, in at most `room` characters."""
    title = f"{len(results)} {_TITLES[status][len(results) != 1]}"
    if has_baseline and status == "fails":
        title += f" that {'is' if len(results) == 1 else 'are'} not in the baseline"
    is_news = has_baseline and status != "known"
    text = f"\n<details{' open' if is_news else ''}><summary>{title}</summary>\n\n"
    text += "| case | grade | what is wrong |\n| --- | --- | --- |\n"
    room -= _ROOM
    for n, result in enumerate(results):
        row = _make_row(result, status)
        room -= len(row)
        if room < 0:
            text += f"\n{len(results) - n} more do not fit into a comment.\n"
            break
        text += row
    return f"{text}\n</details>\n"


def _make_row(result: Result, status: Status) -> str:
    sentence = describe_mistakes(result, status).removeprefix("known: ")
    return f"| {_escape(result.case.name)} | {result.grade} | {_escape(sentence)} |\n"


def _escape(text: str) -> str:
    r"""Return a text as code, of which no character is markup.

    >>> _escape("a|b\n@c")
    '<code>a&#124;b&#92;n&#64;c</code>'
    """
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}…"
    chars = (f"&#{ord(c)};" if c in _PUNCTUATION else c for c in spell_controls(text))
    return f"<code>{''.join(chars)}</code>"
