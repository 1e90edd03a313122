"""A report as a page: one file of HTML, which works offline and loads nothing.

The page is `page.html` with `page.css`, `case.js` and `page.js` put in, and the report as JSON. The
script shows the JSON as text only. The policy of the page allows this style and this script, and
no connection.

Rules of this file: nothing of a report is markup. In the JSON `<` is escaped, and every character
that is not ASCII.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Any

from openai_mockserver.judge.comparison import GRADES
from openai_mockserver.judge.grading import Result
from openai_mockserver.judge.report import Report, report_as_json
from openai_mockserver.judge.reports.details import (
    compare_answers,
    encode_exchange,
    shorten_texts,
)
from openai_mockserver.judge.reports.recipes import list_recipes
from openai_mockserver.judge.reports.status import STATUSES, describe_verdict, find_statuses

__all__ = ["format_page"]

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src {}; script-src {}"


def format_page(report: Report) -> str:
    """Return a report as a page of HTML, all in ASCII."""
    style, script = _read("page.css"), _read("case.js") + _read("page.js")
    parts = {
        "policy": _POLICY.format(_hash(style), _hash(script)),
        "title": html.escape(f"{report.consumer}: {describe_verdict(report)}"),
        "style": style,
        "script": script,
        "report": _encode(report),
    }
    page = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _read("page.html"))
    return page.encode("ascii", "xmlcharrefreplace").decode()


@cache
def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("ascii")


def _hash(text: str) -> str:
    """Return the source expression of a style or script within the page (CSP 3, §2.3.1)."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _encode(report: Report) -> str:
    """Return the JSON of a report with what only the page shows."""
    content = shorten_texts(report_as_json(report))
    statuses = find_statuses(report)
    for result, status, row in zip(report.results, statuses, content["results"], strict=True):
        row |= {"status": status, **_describe(result)}
    content |= {
        "grades": GRADES,
        "statuses": STATUSES,
        "verdict": describe_verdict(report),
    }
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")


def _describe(result: Result) -> dict[str, Any]:
    case = result.case
    left = [request.left for request in result.requests]
    seconds = sum(script.seconds for script in case.stream.scripts)
    is_shortened = sum(script.seconds for script in case.scripts) < seconds
    return {
        "path": case.path,
        "request": shorten_texts(dict(case.request)),
        "comparison": compare_answers(result),
        "left": [None if seconds is None else round(seconds, 3) for seconds in left],
        "silence": case.silence if is_shortened else None,
        "exchanges": [encode_exchange(script) for script in case.scripts],
        "recipes": [recipe._asdict() for recipe in list_recipes(case)],
    }
