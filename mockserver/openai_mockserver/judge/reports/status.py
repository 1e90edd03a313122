"""What each result means for the check: whether it fails it, is known, or is mended.

Rules of this file: pure functions. Every format asks here, so that all of them agree.
"""

from __future__ import annotations

from typing import Literal

from openai_mockserver.judge.grading import Result
from openai_mockserver.judge.report import Report

__all__ = ["STATUSES", "Status", "describe_mistakes", "describe_verdict", "find_statuses"]

Status = Literal["fails", "mended", "known", "ok"]

STATUSES: dict[Status, str] = {
    "fails": "breaks a requirement",
    "mended": "is right now, and still in the baseline",
    "known": "breaks a requirement, as the baseline says",
    "ok": "breaks no requirement",
}
"""The statuses of results, each with what it means. The first two fail the check."""


def find_statuses(report: Report) -> tuple[Status, ...]:
    """Return the status of each result of a report, in their order."""
    failing = {id(result) for result in report.failures}
    mended = {id(result) for result in report.mended}

    def find(result: Result) -> Status:
        if id(result) in failing:
            return "fails"
        if id(result) in mended:
            return "mended"
        return "known" if result.is_failure else "ok"

    return tuple(map(find, report.results))


def describe_mistakes(result: Result, status: Status) -> str:
    """Return what is wrong with a result as a line; empty if nothing is."""
    if status == "mended":
        return "the baseline lists this as a failure, which it is no more: remove it there"
    sentences = "; ".join(mistake.sentence for mistake in result.mistakes)
    return f"known: {sentences}" if status == "known" else sentences


def describe_verdict(report: Report) -> str:
    """Return what came out, as a sentence without the consumer's name.

    >>> describe_verdict(Report("app", ()))
    'no cases'
    """
    count = len(report.results)
    if not count:
        return "no cases"
    failures, mended = len(report.failures), len(report.mended)
    new = "" if report.baseline is None else "new "
    parts = [f"{count} case{'s' * (count != 1)}"]
    parts.append(f"{failures or 'no'} {new}failure{'s' * (failures != 1)}")
    if known := find_statuses(report).count("known"):
        parts.append(f"{known} known")
    if mended:
        parts.append(f"{mended} mended, which must leave the baseline")
    return ", ".join(parts)
