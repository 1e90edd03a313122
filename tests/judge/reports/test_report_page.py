"""The page of a report: what is in it, and that nothing of a report breaks out of its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from chromium import Chromium, Page, needs_chromium
from openai_mockserver import Event, Pause, Raw, Script
from openai_mockserver.judge import Outcome, RaisedError, Report, Result, select_cases
from openai_mockserver.judge.report import report_as_json
from openai_mockserver.judge.reports import format_page
from openai_mockserver.judge.reports.details import (
    compare_answers,
    encode_exchange,
    list_rows,
    shorten_texts,
)


class Elements(HTMLParser):
    """The elements of a page: of each its tag, its attributes and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)


def find_elements(page: str, tag: str) -> list[tuple[dict[str, str | None], str]]:
    return [(attributes, text) for name, attributes, text in Elements(page).found if name == tag]


def read_report(page: str) -> Any:
    """Return the JSON that a page holds."""
    (_, text), _ = find_elements(page, "script")
    return json.loads(text)


# What is in it


def test_the_page_holds_the_report(compared_report: Report) -> None:
    content = read_report(format_page(compared_report))
    members = report_as_json(compared_report)
    results, expected = content.pop("results"), members.pop("results")
    assert members.items() <= content.items()
    for row, members in zip(results, expected, strict=True):
        assert json.loads(json.dumps(members)).items() <= row.items()
    statuses = [row["status"] for row in results]
    assert statuses == ["mended", "ok", "ok", "fails", "known", "fails", "fails", "ok"]


def test_shortened_pauses_are_noted() -> None:
    results = tuple(Result(case, Outcome()) for case in select_cases(names=["text", "stall"]))
    content = read_report(format_page(Report("my app", results)))
    assert [row["silence"] for row in content["results"]] == [None, 1.0]
    assert content["results"][1]["exchanges"][0]["seconds"] == 1.0


def test_nothing_breaks_out(report: Report) -> None:
    page = format_page(report)
    assert page.isascii()
    assert [tag for tag, *_ in Elements(page).found].count("script") == 2
    assert "hacked" in page
    ((_, title),) = find_elements(page, "title")
    assert title.startswith("my app </script><script>window.hacked")


def test_the_page_allows_only_its_own_style_and_script(report: Report) -> None:
    page = format_page(report)
    policies = [a["content"] for a, _ in find_elements(page, "meta") if "http-equiv" in a]
    (policy,) = policies
    assert policy is not None
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; style-src '")
    assert "unsafe" not in policy
    assert not re.search(r"<(link|img|iframe)|\ssrc=|@import|url\(", page)


def test_whole_catalogue() -> None:
    """Each case has an outcome, as of a consumer that gets everything half right."""
    outcome = Outcome(text="Hello, world" * 20, tool_calls=[], error=RaisedError("E", "x" * 200))
    results = tuple(Result(case, outcome) for case in select_cases(reads=None))
    page = format_page(Report("my app", results))
    print(f"{len(results)} cases, {len(page):,} bytes")
    assert len(page) < 3_000_000


# Both answers, and the wire


def test_both_answers(results: tuple[Result, ...]) -> None:
    rows = {row["name"]: row for row in compare_answers(results[4])}
    assert list(rows) == ["text", "tool_calls", "error"]
    assert rows["tool_calls"]["expected"] is None
    assert rows["tool_calls"]["got"] == 'get_weather({"city":"Paris"})\nf(not JSON)'
    assert rows["error"]["expected"].startswith("connection: the connection broke")
    assert rows["error"]["got"] is None
    (usage,) = (row for row in compare_answers(results[2]) if row["name"] == "usage")
    assert usage["got"] == "9 + None tokens"
    requests = compare_answers(results[6])[-1]
    assert requests["expected"] == "2 requests; number 2 after 1 s or later"
    assert requests["got"] == "2 requests"


def test_what_is_not_reported_is_silent(results: tuple[Result, ...]) -> None:
    result = replace(results[0], outcome=Outcome())
    silent = {row["name"] for row in compare_answers(result) if row["silent"]}
    assert silent == {"text", "finish_reason"}


def test_exchanges(results: tuple[Result, ...]) -> None:
    first, second = (encode_exchange(script) for script in results[6].case.scripts)
    assert (first["status"], first["headers"]) == (429, [["Retry-After", "1"]])
    assert second["rows"] == [[0.0, 14, "data: [DONE]\n\n"]]
    odd = encode_exchange(results[7].case.scripts[0])
    assert (odd["seconds"], odd["reads"], odd["end"]) == (0.5, 3, "finish")
    assert odd["rows"][1:] == [
        [0.0, 13, "data: \udcff\udce2\udc82\r\n\r\n"],
        [0.5, 14, "data: [DONE]\n\n"],
    ]


def test_reads_that_wait_for_the_client_are_marked(results: tuple[Result, ...]) -> None:
    rows = list_rows(results[3].case.scripts[0])
    assert [len(row) for row in rows[:2]] == [3, 4]


def test_the_middle_of_a_long_body_is_left_out(results: tuple[Result, ...]) -> None:
    exchange = encode_exchange(results[5].case.scripts[0])
    assert (exchange["reads"], exchange["bytes"]) == (4, 15_030)
    first, left_out, third, last = exchange["rows"]
    assert first == [0.0, 3000, "a" * 3000]
    assert left_out == [1, 3000]
    c = "c" * 2048
    assert third == [0.0, 9000, f"{c} […4,904 bytes left out…] {c}"]
    assert last == [0.0, 30, "d" * 30]


def test_many_short_reads_lose_their_middle() -> None:
    rows = list_rows(Script(steps=[Raw(b"a", 0)] * 1000))
    assert len(rows) == 201
    assert rows[100] == [800, 800]


def test_a_pause_at_the_end_is_a_row_without_bytes() -> None:
    assert list_rows(Script(steps=[Event("a"), Pause(2)]))[-1] == [2.0, 0, ""]


def test_long_texts_lose_their_middle() -> None:
    (text,) = shorten_texts({"a": ["b" * 10_000]})["a"]
    assert text == f"{'b' * 2048} […5,904 characters left out…] {'b' * 2048}"
    assert shorten_texts([float("nan"), 1.5, None]) == ["nan", 1.5, None]


# In a browser


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()


@pytest.mark.slow
@pytest.mark.browser
@needs_chromium
def test_browser(chromium: Chromium, compared_report: Report, tmp_path: Path) -> None:
    """It is opened from a file, filtered, searched, and gone through with keys."""
    file = tmp_path / "report.html"
    file.write_text(format_page(compared_report))
    page = Page(chromium)
    for domain in ("Runtime", "Log"):
        chromium.call(f"{domain}.enable", page.session)
    page.open(file.as_uri())
    assert page.text("#count") == "8 cases"
    assert page.text("#detail h2") == "Overview"

    page.evaluate("document.querySelector('#grades .failing').click()")
    assert page.text("#count") == "2 of 8 cases"
    assert page.text("#list [role=group] b") == "odd"
    page.evaluate("document.querySelector('#list .case').click(); new Promise(setTimeout)")
    assert page.evaluate("location.hash") == "#odd"
    page.evaluate("history.back(); new Promise((seen) => addEventListener('hashchange', seen))")
    assert page.text("#detail h2") == "Overview"
    page.evaluate("location.hash = 'odd'; new Promise(setTimeout)")
    assert page.text("#detail h2") == "odd \u2717 wrong"
    assert page.text("#list [aria-selected=true] .tag") == "\u2717 wrong"
    assert page.text("#detail .links a") == "https://example.com/1"
    assert page.evaluate("document.querySelectorAll('.time tbody tr').length") == 4
    assert "data: \\xff\\xe2\\x82\\r\\n\\r\\n" in page.text(".time")
    assert page.text(".time span.warn") == "pause of 0.500 s, then "

    page.evaluate("""
        document.querySelector("#reset").click();
        const search = document.querySelector("#search");
        search.value = "RFC 9110";
        search.dispatchEvent(new Event("input"));
    """)
    assert page.text("#count") == "1 of 8 cases"
    for key in ("j", "Enter"):
        chromium.call("Input.dispatchKeyEvent", page.session, type="keyDown", key=key, text=key[:1])
    page.evaluate("new Promise(setTimeout)")
    assert page.evaluate("decodeURIComponent(location.hash)") == "#retried"
    headings = page.evaluate(
        "[...document.querySelectorAll('h3')].map((h) => h.textContent).join()"
    )
    assert "Response 1 of 2,Response 2 of 2,Reproduce" in headings

    assert page.evaluate("typeof window.hacked") == "undefined"
    kinds = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
    assert [event for event in chromium.events if event["method"] in kinds] == []
    page.close()
