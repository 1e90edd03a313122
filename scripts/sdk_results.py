"""What came of the SDK's own resource tests, by resource: the end of ``scripts/sdk-tests``.

Rules of this file: a JUnit file in, a table and each reason for failures out; the exit code says
whether all passed.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

OUTCOMES = ("passed", "failed", "skipped")


def outcome(case: ElementTree.Element) -> str:
    """How a test ended."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def report(file: Path) -> int:
    """Print the table, and give how many failed."""
    by_resource: dict[str, Counter[str]] = {}
    reasons: Counter[tuple[str, str]] = Counter()
    for case in ElementTree.parse(file).iter("testcase"):
        module = case.get("classname", "").removeprefix("tests.api_resources.").rpartition(".")[0]
        resource = module.replace("test_", "")
        by_resource.setdefault(resource, Counter())[outcome(case)] += 1
        for failure in [*case.iter("failure"), *case.iter("error")]:
            reasons[resource, failure.get("message", "").partition("\n")[0][:160]] += 1
    whole: Counter[str] = Counter()
    for counts in by_resource.values():
        whole += counts
    print("| resource | " + " | ".join(OUTCOMES) + " |")
    print("| --- | ---: | ---: | ---: |")
    for resource, counts in [*sorted(by_resource.items()), ("all", whole)]:
        print(f"| {resource} | " + " | ".join(str(counts[name]) for name in OUTCOMES) + " |")
    for (resource, reason), n in reasons.most_common():
        print(f"{n} × {resource}: {reason}")
    return whole["failed"]


if __name__ == "__main__":
    sys.exit(report(Path(sys.argv[1])) > 0)
