"""The Markdown of a report, as a Markdown parser reads it."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from openai_mockserver.judge import Mistake, Report, Result
from openai_mockserver.judge.reports import format_markdown
from openai_mockserver.judge.reports.markdown import LONGEST
from openai_mockserver.sensitive import spell_controls


class Comment(HTMLParser):
    """A rendered comment: its tags, the rows of its tables, and the titles of what unfolds."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.titles: list[str] = []
        self.path: list[str] = []
        text = format_markdown(report)
        self.verdict = text.partition("\n")[0]
        self.feed(MarkdownIt("commonmark").enable("table").render(text))
        assert self.path == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.path.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.path.pop() == tag

    def handle_data(self, data: str) -> None:
        if "summary" in self.path:
            self.titles.append(data)
        elif {"td", "th"} & {*self.path}:
            self.rows[-1][-1] += data


def test_a_report_without_a_baseline(report: Report) -> None:
    comment = Comment(report)
    assert comment.verdict.startswith("❌ <code>my app &#60;/script&#62;")
    assert comment.verdict.endswith("</code>: 8 cases, 4 failures")
    assert comment.rows[:3] == [
        ["family", "pass", "unsupported", "lossy", "wrong", "silent", "crash", "hang"],
        ["odd", "", "", "", "1", "", "1", "1"],
        ["responses", "", "1", "", "", "", "", ""],
    ]
    assert comment.rows[6] == ["all", "1", "1", "1", "2", "1", "1", "1"]
    assert comment.titles == ["4 failures"]
    names = ["unicode@utf8", "reset", "long-one", "retried"]
    assert [name for name, *_ in comment.rows[8:]] == names


def test_nothing_is_markup(report: Report) -> None:
    comment = Comment(report)
    table = {"table", "thead", "tbody", "tr", "th", "td"}
    assert comment.tags == table | {"p", "code", "strong", "details", "summary"}
    sentence = spell_controls(report.results[3].mistakes[0].sentence)
    assert comment.rows[8][1:] == ["wrong", f"{sentence}; finish_reason is None"]


def test_with_a_baseline_what_is_new_comes_first(compared_report: Report) -> None:
    comment = Comment(compared_report)
    assert comment.verdict.endswith(
        ": 8 cases, 3 new failures, 1 known, 1 mended, which must leave the baseline"
    )
    assert comment.titles == [
        "3 failures that are not in the baseline",
        "1 case that is mended, but still in the baseline",
        "1 known failure",
    ]
    assert comment.rows[-1] == ["reset", "silent", "raises nothing"]


def test_a_report_without_failures(good_report: Report) -> None:
    assert format_markdown(good_report) == (
        "✅ <code>my app</code>: 1 case, no failures\n\n"
        "| family | pass |\n| --- | ---: |\n| <code>text</code> | 1 |\n"
    )


def test_no_cases(empty_report: Report) -> None:
    assert format_markdown(empty_report) == "✅ <code>my app</code>: no cases\n"


@pytest.mark.parametrize("sentence", ["x" * 400, "<" * 400])
def test_what_does_not_fit_is_counted(results: tuple[Result, ...], sentence: str) -> None:
    """All parts are there, however long the first one is."""
    failure = replace(results[4], mistakes=(Mistake("silent", sentence),))
    report = Report("my app", (failure,) * 1000, baseline={"reset": "hang"})
    known = replace(results[5], mistakes=(Mistake("crash", sentence),))
    report = replace(
        report,
        results=(*report.results, *[known] * 1000, results[0]),
        baseline={"long-one": "crash", "text": "wrong"},
    )
    text = format_markdown(report)
    assert LONGEST - 5_000 < len(text) <= LONGEST
    comment = Comment(report)
    assert len(comment.titles) == 3
    assert ["text", "pass"] in [row[:2] for row in comment.rows]
    for name in ("reset", "long-one"):
        listed = sum(row[0] == name for row in comment.rows)
        assert f"\n{1000 - listed} more do not fit into a comment.\n" in text
