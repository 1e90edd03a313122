"""The badge of a report, and the table of all formats."""

from __future__ import annotations

import json

import pytest

from openai_mockserver.judge import Report, Result, report_as_json
from openai_mockserver.judge.reports import FORMATS, format_badge


def test_badge(report: Report) -> None:
    assert json.loads(format_badge(report)) == {
        "schemaVersion": 1,
        "label": "model streams",
        "message": "1 of 7",
        "color": "red",
    }


@pytest.mark.parametrize(
    ("passed", "color"),
    [
        (20, "brightgreen"),
        (19, "green"),
        (18, "yellowgreen"),
        (15, "yellow"),
        (14, "red"),
    ],
)
def test_colors(results: tuple[Result, ...], passed: int, color: str) -> None:
    right, unsupported, wrong = results[0], results[1], results[4]
    report = Report("my app", (*[right] * passed, *[wrong] * (20 - passed), unsupported))
    badge = json.loads(format_badge(report))
    assert (badge["message"], badge["color"]) == (f"{passed} of 20", color)


def test_no_cases(empty_report: Report) -> None:
    badge = json.loads(format_badge(empty_report))
    assert (badge["message"], badge["color"]) == ("no cases", "lightgrey")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_written_as_utf8(name: str, report: Report) -> None:
    FORMATS[name](report).encode("utf-8")


def test_json(report: Report) -> None:
    text = FORMATS["json"](report)
    assert json.loads(text) == json.loads(json.dumps(report_as_json(report)))
    assert text.startswith('{\n  "openai_mockserver": ')
