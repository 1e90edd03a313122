"""The report of a check: its results, and which of them fail it.

Rules of this file: values and pure functions. The JSON of a report is what the other kinds of
reports are made from, and what a later check takes as its baseline.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec.json
from msgspec import UNSET

from openai_mockserver import __version__
from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge.comparison import GRADES, Grade, get_answer
from openai_mockserver.judge.grading import FAILING, Result
from openai_mockserver.judge.json_file import read_json_file
from openai_mockserver.judge.outcome import Outcome
from openai_mockserver.reply.serialization import encode_reply

__all__ = ["Baseline", "Report", "describe_expectation", "read_baseline", "report_as_json"]

_MOST_BASELINE = 64 * 2**20  # bytes of a baseline file

Baseline = Mapping[str, Grade]
"""The grades of known failures, by the names of their cases."""


@dataclass(frozen=True)
class Report:
    """What a consumer made of all cases.

    Args:
        consumer: the name of the consumer.
        results: a result for each case.
        seconds: how long the check took.
        began: when it began, in UTC, as ISO 8601.
        versions: versions of the consumer's packages, if they are known.
        baseline: known failures, which do not fail the check; None if there is no baseline.
        drawn: the number of streams that were drawn at random besides the cases; the smallest of
            each grade that fails is among the results.
    """

    consumer: str
    results: tuple[Result, ...]
    seconds: float = 0.0
    began: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    baseline: Baseline | None = None
    drawn: int = 0

    @property
    def counts(self) -> dict[Grade, int]:
        """The number of results of each grade."""
        counts = Counter(result.grade for result in self.results)
        return {grade: counts[grade] for grade in GRADES}

    @property
    def failures(self) -> tuple[Result, ...]:
        """The results that fail the check: those with a failing grade that are not known."""
        return tuple(result for result in self.results if self._is_new(result))

    @property
    def mended(self) -> tuple[Result, ...]:
        """The results that were known failures and are none now."""
        known = self.baseline or {}
        return tuple(
            result
            for result in self.results
            if result.case.name in known and result.grade not in FAILING
        )

    @property
    def ok(self) -> bool:
        """Whether nothing fails, and the baseline lists nothing that is mended."""
        return not self.failures and not self.mended

    def _is_new(self, result: Result) -> bool:
        return result.is_failure and (self.baseline or {}).get(result.case.name) != result.grade

    def __str__(self) -> str:
        """Return a line with the counts, and a line for each result that fails the check."""
        counts = ", ".join(f"{n} {grade}" for grade, n in self.counts.items() if n)
        lines = [f"{self.consumer}: {len(self.results)} cases: {counts}"]
        lines += [f"  {describe_result(result)}" for result in self.failures]
        lines += [f"  {result.case}: mended; remove it from the baseline" for result in self.mended]
        return "\n".join(lines)


def describe_result(result: Result) -> str:
    """Return a result as a line: the case, the grade, and what is wrong."""
    sentences = "; ".join(map(str, result.mistakes))
    return f"{result.case}: {result.grade}: {sentences}".removesuffix(": ")


def describe_expectation(result: Result) -> dict[str, Any]:
    """Return the right answer of a case as JSON: the reply, the error and the requests."""
    stream = result.case.stream
    expected: dict[str, Any] = {"reply": encode_reply(get_answer(stream)), "error": stream.error}
    if stream.requests is not None:
        expected["requests"] = msgspec.to_builtins(stream.requests)
    return expected


def encode_outcome(outcome: Outcome) -> dict[str, Any]:
    """Return the fields that a consumer reported, as JSON."""
    members = {name: getattr(outcome, name) for name in Outcome.__struct_fields__}
    reported = {name: value for name, value in members.items() if value is not UNSET}
    if reported.get("unsupported") is None:
        reported.pop("unsupported", None)
    content: dict[str, Any] = msgspec.to_builtins(reported)
    return content


def report_as_json(report: Report) -> dict[str, Any]:
    """Return a report as JSON.

    Its members: ``openai_mockserver`` and ``python`` (versions), ``consumer``, ``versions``,
    ``began``, ``seconds``, ``drawn``, ``ok``, ``counts`` by grade, ``failures`` and ``mended``
    (names of cases), and ``results``, each with ``case``, ``family``, ``endpoint``, ``reads``,
    ``description``, ``requirement``, ``citations``, ``grade``, ``mistakes``, ``expected``,
    ``got``, ``requests`` (seconds after the first) and ``seconds``.
    """
    return {
        "openai_mockserver": __version__,
        "python": platform.python_version(),
        "consumer": report.consumer,
        "versions": dict(report.versions),
        "began": report.began,
        "seconds": round(report.seconds, 3),
        "drawn": report.drawn,
        "ok": report.ok,
        "counts": report.counts,
        "failures": [result.case.name for result in report.failures],
        "mended": [result.case.name for result in report.mended],
        "results": [_encode_result(result) for result in report.results],
    }


def _encode_result(result: Result) -> dict[str, Any]:
    case, stream = result.case, result.case.stream
    return {
        "case": case.name,
        "family": stream.family,
        "endpoint": case.endpoint,
        "reads": case.reads,
        "description": stream.description,
        "requirement": stream.requirement and msgspec.to_builtins(stream.requirement),
        "citations": list(stream.citations),
        "grade": result.grade,
        "mistakes": [
            {"grade": mistake.grade, "sentence": mistake.sentence} for mistake in result.mistakes
        ],
        "expected": describe_expectation(result),
        "got": encode_outcome(result.outcome),
        "requests": [round(request.at, 3) for request in result.requests],
        "seconds": round(result.seconds, 3),
    }


def read_baseline(path: Path) -> Baseline:
    """Return the known failures that a file lists.

    Args:
        path: the JSON report of an earlier check, or an object with the grade of each known
            failure: ``{"tool-call-index-missing": "wrong"}``.

    Raises:
        CheckError: the file cannot be read, or is neither of the two.
    """
    content = read_json_file(path, _MOST_BASELINE)
    if not isinstance(content, dict):
        raise CheckError(f"{path}: a baseline must be an object with the grades of cases")
    if isinstance(content.get("results"), list):
        grades = _read_grades(content["results"])
    else:
        grades = content
    for case, grade in grades.items():
        if grade not in GRADES:
            raise CheckError(
                f"{path}: the grade of {case!r} is {grade!r}; choose from {', '.join(GRADES)}"
            )
    return {case: grade for case, grade in grades.items() if grade in FAILING}


def _read_grades(results: Sequence[Any]) -> dict[str, Any]:
    """Return the grades by case, of the results of a report."""
    return {
        str(result.get("case")): result.get("grade")
        for result in results
        if isinstance(result, dict)
    }
