"""docs/conformance/ is written from reports, and matches the known clients."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path
from typing import Any

import msgspec.json
import pytest

import conformance_pages
from conformance_pages import draw_matrix, draw_page, get_slug, write_pages
from openai_mockserver.judge import Task, check, report_as_json
from run_conformance import GATEWAYS, PAGES, TEMPLATES, fill

NAMES = ("text", "responses-refusal-delta", "usage")


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """The report of a client that reads no text, and knows one endpoint."""

    def consume(task: Task) -> dict[str, Any]:
        if task.endpoint != "chat":
            return {"unsupported": "another endpoint"}
        body = msgspec.json.encode(task.request)
        url = task.base_url + task.path
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as response:
            response.read()
        return {"text": "a | b\n*c*" if task.case == "text" else "One, two."}

    content = report_as_json(check(consume, names=NAMES, reads=["recorded"]))
    return content | {"consumer": "openai", "versions": {"openai": "1.2.3"}}


def test_the_matrix_counts_what_is_right_of_what_is_asked(report: dict[str, Any]) -> None:
    lines = draw_matrix([report]).splitlines()
    assert lines[0] == "|  | [openai](openai.md) |"
    assert "| `responses` |  |" in lines
    assert "| `text` | 0 / 1 |" in lines
    assert lines[-2:] == ["| version | 1.2.3 |", f"| date | {report['began'][:10]} |"]


def test_a_page_lists_what_fails(report: dict[str, Any]) -> None:
    page = draw_page(report)
    assert "with openai 1.2.3." in page
    assert "| unsupported | 1 |" in page
    (row,) = re.findall(r"^\| `.*", page, re.MULTILINE)[:1]
    assert row.startswith("| `text` | wrong | text is 'a \\| b\\\\n\\*c\\*', not ")
    assert "| `usage`" not in page or "One, two." in page
    assert "responses-refusal-delta" not in page


def test_long_sentences_are_cut(report: dict[str, Any]) -> None:
    result = next(one for one in report["results"] if one["case"] == "text")
    long = result | {"mistakes": [{"grade": "wrong", "sentence": "word " * 100}]}
    page = draw_page(report | {"results": [long]})
    assert max(map(len, re.findall("(?:word )+", page))) <= 160
    assert "…" in page


def test_pages_of_other_runs_stay(report: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text("# By hand\n\n<!-- reports -->old<!-- end of reports -->\n")
    (tmp_path / "ai-sdk.md").write_text("another")
    unknown = report | {"consumer": "unknown"}
    write_pages(tmp_path, [unknown, report], ["openai", "ai-sdk"])
    assert (tmp_path / "openai.md").read_text() == draw_page(report)
    assert (tmp_path / "ai-sdk.md").read_text() == "another"
    assert not (tmp_path / "unknown.md").exists()
    index = (tmp_path / "index.md").read_text()
    assert index.startswith("# By hand")
    assert "old" not in index
    assert "\nfindings\nopenai\n```" in index


def test_the_published_pages_are_those_of_the_table() -> None:
    index = (PAGES / "index.md").read_text("utf-8")
    known = {get_slug(name) for name in (*conformance_pages.CONSUMERS, *(g.name for g in GATEWAYS))}
    pages = {file.stem for file in PAGES.glob("*.md")} - {"index", "findings"}
    assert pages <= known
    for page in pages:
        assert f"]({page}.md)" in index
        assert f"\n{page}\n" in index


@pytest.mark.parametrize("gateway", GATEWAYS, ids=lambda gateway: gateway.name)
def test_a_gateway_is_pointed_at_the_mock(gateway: Any) -> None:
    values = {"folder": "/f", "config": "/c", "port": "1", "upstream": "20202", "root": "/r"}
    template = (TEMPLATES / gateway.config).read_text("utf-8") if gateway.config else ""
    filled = [fill(text, values) for text in (template, *gateway.headers.values())]
    assert "20202" in "".join(filled)
    command = " ".join(fill(part, values) for part in gateway.command)
    assert not re.search(r"\{\w+\}", "".join(filled) + command)
