"""The formats of a report: a page, JUnit XML, JSON, Markdown for a pull request, and a badge."""

from __future__ import annotations

import json
from collections.abc import Callable

from openai_mockserver.judge.report import Report, report_as_json
from openai_mockserver.judge.reports.badge import format_badge
from openai_mockserver.judge.reports.junit import format_junit
from openai_mockserver.judge.reports.markdown import format_markdown
from openai_mockserver.judge.reports.page import format_page

__all__ = [
    "FORMATS",
    "format_badge",
    "format_json",
    "format_junit",
    "format_markdown",
    "format_page",
]


def format_json(report: Report) -> str:
    """Return a report as indented JSON, all in ASCII."""
    return json.dumps(report_as_json(report), indent=2) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {
    "html": format_page,
    "junit": format_junit,
    "json": format_json,
    "markdown": format_markdown,
    "badge": format_badge,
}
"""The formats by the names of the command's options: each returns the text of a file."""
