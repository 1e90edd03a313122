"""A report as a badge: the JSON that shields.io's endpoint badge reads."""

from __future__ import annotations

import json

from openai_mockserver.judge.report import Report

__all__ = ["format_badge"]

_COLORS = ((1.0, "brightgreen"), (0.95, "green"), (0.9, "yellowgreen"), (0.75, "yellow"))


def format_badge(report: Report) -> str:
    """Return a report as the JSON of a badge: how many cases pass, of those that are supported.

    >>> print(format_badge(Report("app", ())), end="")
    {"schemaVersion": 1, "label": "model streams", "message": "no cases", "color": "lightgrey"}
    """
    passed = report.counts["pass"]
    total = len(report.results) - report.counts["unsupported"]
    message, color = "no cases", "lightgrey"
    if total:
        message = f"{passed} of {total}"
        colors = (name for least, name in _COLORS if passed >= least * total)
        color = next(colors, "red")
    badge = {"schemaVersion": 1, "label": "model streams", "message": message, "color": color}
    return json.dumps(badge) + "\n"
