"""JUnit XML: what it says of each result, and that every reader takes it."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from openai_mockserver.judge import Mistake, Report, Result
from openai_mockserver.judge.reports import format_junit

# What Jenkins' schema allows: for each element, the attributes it must and may have, and the
# elements in it.
SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"time", "skipped", "timestamp", "hostname", "id", "package"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": ({"name"}, {"time", "classname"}, {"skipped", "failure", "system-out"}),
    "failure": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}


def parse(report: Report) -> Element:
    """Return the test suite of a report, which the schema allows."""
    text = format_junit(report)
    assert text.encode("utf-8").decode("utf-8") == text
    root = ElementTree.fromstring(text.encode("utf-8"))
    assert root.tag == "testsuites"
    for element in root.iter():
        needed, allowed, inner = SCHEMA[element.tag]
        assert needed <= set(element.attrib) <= needed | allowed
        assert {child.tag for child in element} <= inner
        assert re.fullmatch(r"\d+(\.\d*)?", element.get("time", "0"))
    (suite,) = root
    return suite


def find_test(suite: Element, name: str) -> Element:
    (test,) = (test for test in suite.iter("testcase") if test.get("name") == name)
    return test


def test_suite(report: Report) -> None:
    suite = parse(report)
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {
        "tests": "8",
        "failures": "4",
        "errors": "0",
        "skipped": "1",
        "time": "12.500",
    }
    assert suite.get("timestamp") == "2026-11-27T03:27:01+00:00"
    assert suite.find("properties/property[@name='openai'][@value='3.57.0']") is not None
    assert [test.get("name") for test in suite.iter("testcase")] == [
        result.case.name for result in report.results
    ]


def test_each_grade(report: Report) -> None:
    suite = parse(report)
    passed = find_test(suite, "text")
    assert (passed.get("classname"), passed.get("time"), list(passed)) == ("text", "0.250", [])
    (skipped,) = find_test(suite, "responses-keepalive-event")
    assert skipped.attrib == {"type": "unsupported", "message": "no Responses API"}
    (lossy,) = find_test(suite, "usage")
    assert (lossy.tag, lossy.text) == (
        "system-out",
        "lossy: usage is 9 + None tokens, not 9 + 3 tokens",
    )
    (silent,) = find_test(suite, "reset")
    assert silent.tag == "failure"
    assert silent.attrib == {"type": "silent", "message": "raises nothing"}
    (hang,) = find_test(suite, "retried")
    assert hang.text is not None
    assert hang.text.startswith("hang: Hang: nothing came for 10 s\nAbout ")
    assert "\nMUST: Wait as long as the server asks for. (RFC 9110, 10.2.3)" in hang.text
    (optional,) = find_test(suite, "odd")
    assert (optional.tag, optional.text) == ("system-out", "wrong: text is 'Bye'")


def test_baseline(compared_report: Report) -> None:
    suite = parse(compared_report)
    (known,) = find_test(suite, "reset")
    assert known.tag == "skipped"
    assert known.attrib == {"type": "silent", "message": "known: raises nothing"}
    (mended,) = find_test(suite, "text")
    assert mended.attrib == {
        "type": "mended",
        "message": "the baseline lists this as a failure, which it is no more: remove it there",
    }
    assert (suite.get("failures"), suite.get("skipped")) == ("4", "2")


def test_forbidden_characters_are_escaped(report: Report) -> None:
    suite = parse(report)
    odd = "my app </script><script>window.hacked = 1</script>\u2028\\x00\\x1b\\udc80|`*_@octocat_*`"
    assert suite.get("name") == f"{odd}\n<b>&lt;\\ufffe"


def test_a_long_message_is_cut_and_the_text_is_whole(results: tuple[Result, ...]) -> None:
    result = replace(results[4], mistakes=(Mistake("wrong", "x" * 10_000),))
    (failure,) = find_test(parse(Report("my app", (result,))), "reset")
    assert failure.get("message") == "x" * 500 + "…"
    assert failure.text is not None
    assert "x" * 10_000 in failure.text


def test_no_cases(empty_report: Report) -> None:
    suite = parse(empty_report)
    assert (suite.get("tests"), suite.get("timestamp")) == ("0", None)
