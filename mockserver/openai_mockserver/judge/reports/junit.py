"""A report as JUnit XML, as pytest writes it and GitHub, GitLab and Jenkins read it.

Rules of this file: what Jenkins' schema (junit-10.xsd) allows. A test has one failure at most,
because some readers keep only one; its text repeats the message, because some show only the text.
Characters that XML 1.0 forbids (§2.2) are escaped as in Python.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from openai_mockserver import __version__
from openai_mockserver.judge.grading import Result
from openai_mockserver.judge.report import Report
from openai_mockserver.judge.reports.status import Status, describe_mistakes, find_statuses

__all__ = ["format_junit"]

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_MESSAGE = 500  # characters; the text of a failure has everything


def format_junit(report: Report) -> str:
    """Return a report as JUnit XML: a test suite of the consumer, with a test for each case."""
    statuses = find_statuses(report)
    root = Element("testsuites", {"name": "openai-mockserver check"})
    suite = SubElement(root, "testsuite", {"name": _clean(report.consumer)})
    if report.began:
        suite.set("timestamp", report.began)
    properties = SubElement(suite, "properties")
    for name, version in {**report.versions, "openai-mockserver": __version__}.items():
        SubElement(properties, "property", {"name": _clean(name), "value": _clean(version)})
    for result, status in zip(report.results, statuses, strict=True):
        suite.append(_make_test(result, status))
    counts = {
        "tests": len(report.results),
        "failures": len(suite.findall("testcase/failure")),
        "errors": 0,
        "time": f"{report.seconds:.3f}",
    }
    for element in (root, suite):
        element.attrib |= {name: str(count) for name, count in counts.items()}
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, "unicode")}\n'


def _make_test(result: Result, status: Status) -> Element:
    family = result.case.stream.family or "other"
    attributes = {"classname": family, "name": result.case.name, "time": f"{result.seconds:.3f}"}
    test = Element("testcase", {name: _clean(value) for name, value in attributes.items()})
    message = _clean(describe_mistakes(result, status))
    if status in ("fails", "mended"):
        kind = "mended" if status == "mended" else result.grade
        failure = SubElement(test, "failure", {"type": kind, "message": _shorten(message)})
        heading = message if status == "mended" else f"{result.grade}: {message}"
        failure.text = _clean(_describe(result, heading))
    elif status == "known" or result.grade == "unsupported":
        SubElement(test, "skipped", {"type": result.grade, "message": _shorten(message)})
    elif message:
        SubElement(test, "system-out").text = f"{result.grade}: {message}"
    return test


def _describe(result: Result, heading: str) -> str:
    """Return the text of a failure: what is wrong, what was sent, and whose rule is broken."""
    stream = result.case.stream
    lines = [heading, stream.description]
    if stream.requirement is not None:
        lines.append(str(stream.requirement))
    return "\n".join(line for line in (*lines, *stream.citations) if line)


def _shorten(message: str) -> str:
    if len(message) <= _LONGEST_MESSAGE:
        return message
    return f"{message[:_LONGEST_MESSAGE]}…"


def _clean(text: str) -> str:
    r"""Escape the characters of a text that XML forbids.

    >>> _clean("a\x00\ud800b")
    'a\\x00\\ud800b'
    """
    return _FORBIDDEN.sub(lambda match: ascii(match[0])[1:-1], text)
