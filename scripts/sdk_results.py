"""Prints the results of the SDK's own resource tests by resource: the end of ``scripts/sdk-tests``.

Rules of this file: read a JUnit file; print a table and each reason for failures. The exit code is
0 if all tests passed.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

OUTCOMES = ("passed", "failed", "skipped")


def get_outcome(case: ElementTree.Element) -> str:
    """Return the outcome of a test."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def report(file: Path) -> int:
    """Print the table, and return how many tests failed."""
    by_resource: dict[str, Counter[str]] = {}
    reasons: Counter[tuple[str, str]] = Counter()
    for case in ElementTree.parse(file).iter("testcase"):
        module = case.get("classname", "").removeprefix("tests.api_resources.").rpartition(".")[0]
        resource = module.replace("test_", "")
        by_resource.setdefault(resource, Counter())[get_outcome(case)] += 1
        for failure in [*case.iter("failure"), *case.iter("error")]:
            reasons[resource, failure.get("message", "").partition("\n")[0][:160]] += 1
    total: Counter[str] = Counter()
    for counts in by_resource.values():
        total += counts
    print("| resource | " + " | ".join(OUTCOMES) + " |")
    print("| --- | ---: | ---: | ---: |")
    for resource, counts in [*sorted(by_resource.items()), ("all", total)]:
        print(f"| {resource} | " + " | ".join(str(counts[name]) for name in OUTCOMES) + " |")
    for (resource, reason), n in reasons.most_common():
        print(f"{n} × {resource}: {reason}")
    return total["failed"]


if __name__ == "__main__":
    sys.exit(report(Path(sys.argv[1])) > 0)
