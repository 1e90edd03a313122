"""Prints where our answers disagree with OpenAI's document: the end of ``scripts/contract``.

``contract_results.py REPORT`` reads schemathesis' report. A disagreement is a kind of failure of
one operation at one place; ``contract_exceptions.toml`` says which ones stay, and why. The exit
code is 1 if there are others, or if an answer has status 500 or more.
``contract_results.py --prepare DOCUMENT FILE`` writes the document as JSON without its mistakes.

Rules of this file: no name of an endpoint; what is known of one is in the table of exceptions.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

EXCEPTIONS = Path(__file__).with_name("contract_exceptions.toml")


class Disagreement(NamedTuple):
    """A kind of failure.

    Args:
        operation: method and path.
        check: schemathesis' name of the failure, such as ``JsonSchemaError``.
        message: the first line of its message, without long values, and its place in the schema.
    """

    operation: str
    check: str
    message: str


@dataclass
class Exceptions:
    """The disagreements that stay.

    Args:
        rows: a table each: ``reason``, and patterns for ``operation``, ``check`` and ``message``.
    """

    rows: list[dict[str, str]]
    found: dict[int, list[Disagreement]] = field(default_factory=lambda: defaultdict(list))

    def explain(self, disagreement: Disagreement) -> bool:
        """Return whether a row explains a disagreement, and count it there."""
        for number, row in enumerate(self.rows):
            values = disagreement._asdict()
            if all(re.search(row[name], values[name]) for name in values if name in row):
                self.found[number].append(disagreement)
                return True
        return False


def read_exceptions(text: str) -> Exceptions:
    """Return the exceptions of a file. Raises ValueError for one without a reason or a pattern."""
    rows = tomllib.loads(text).get("exception", [])
    for row in rows:
        if not row.get("reason") or not {"operation", "check", "message"} & row.keys():
            raise ValueError(f"an exception needs a reason and a pattern: {row}")
        if unknown := row.keys() - {"reason", *Disagreement._fields}:
            raise ValueError(f"an exception has no {', '.join(sorted(unknown))}: {row}")
    return Exceptions(rows)


_VALUE = re.compile(r"""^(?:[\[{].*|".{40,}"?)(?= is not | was )""")
_PLACE = re.compile(r"^Schema at (.*):$", re.MULTILINE)


def describe(operation: str, check: dict[str, Any]) -> Disagreement:
    """Return what a failed check of a report says."""
    failure = (check.get("failure_info") or {}).get("failure")
    if failure is None:
        return Disagreement(operation, "Error", f"{check['name']} could not be run")
    text = str(failure["message"])
    first = _VALUE.sub("…", text.partition("\n")[0])
    if failure["type"] in ("UndefinedStatusCode", "UndefinedContentType"):
        first = ", ".join(text.split("\n"))
    place = _PLACE.search(text)
    return Disagreement(operation, failure["type"], f"{first} at {place[1]}" if place else first)


@dataclass
class Results:
    """What a report says."""

    operations: set[str] = field(default_factory=set)
    cases: int = 0
    failures: Counter[Disagreement] = field(default_factory=Counter)
    server_errors: int = 0


def read_results(lines: Iterable[str]) -> Results:
    """Return the results of a report in schemathesis' NDJSON."""
    results = Results()
    for line in lines:
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder")
        if recorder is None:
            continue
        operation = recorder["label"]
        results.operations.add(operation)
        results.cases += len(recorder.get("cases", ()))
        for interaction in recorder.get("interactions", {}).values():
            status = (interaction.get("response") or {}).get("status_code", 0)
            results.server_errors += status >= 500
        for checks in recorder.get("checks", {}).values():
            for check in checks:
                if check["status"] not in ("success", "skip"):
                    results.failures[describe(operation, check)] += 1
    return results


def list_lines(results: Results, exceptions: Exceptions) -> Iterator[str]:
    """Yield the lines of the summary."""
    unexplained = [d for d in sorted(results.failures) if not exceptions.explain(d)]
    yield "| explained by | disagreements | operations |"
    yield "| --- | ---: | ---: |"
    for number, row in enumerate(exceptions.rows):
        found = exceptions.found[number]
        yield f"| {row['reason']} | {len(found)} | {len({d.operation for d in found})} |"
    yield (
        f"{len(results.operations)} operations, {results.cases} cases, {results.server_errors} "
        f"answers with status 500 or more, {len(results.failures)} disagreements, of which "
        f"{len(unexplained)} are not explained"
    )
    for one in unexplained:
        yield f"{results.failures[one]} × {one.operation}: {one.check}: {one.message}"


def report(file: Path) -> int:
    """Print the summary, and return the exit code."""
    with file.open(encoding="utf-8") as lines:
        results = read_results(lines)
    exceptions = read_exceptions(EXCEPTIONS.read_text("utf-8"))
    for line in list_lines(results, exceptions):
        print(line)
    explained = sum(map(len, exceptions.found.values()))
    is_good = results.cases and not results.server_errors
    return 0 if is_good and explained == len(results.failures) else 1


def prepare(value: Any) -> Any:
    """Return a part of the document without mistakes that keep schemathesis from checking it.

    A name may be listed once among the required members; and a discriminator without a mapping
    states names of schemas, which are never the values that the document gives to the member.
    """
    if isinstance(value, list):
        return [prepare(one) for one in value]
    if not isinstance(value, dict):
        return value
    members = {name: prepare(one) for name, one in value.items()}
    if isinstance(required := members.get("required"), list):
        members["required"] = list(dict.fromkeys(required))
    if members.get("discriminator", {}).keys() == {"propertyName"}:
        del members["discriminator"]
    return members


if __name__ == "__main__":
    if sys.argv[1] == "--prepare":
        document = yaml.load(Path(sys.argv[2]).read_text("utf-8"), Loader=yaml.CSafeLoader)
        Path(sys.argv[3]).write_text(json.dumps(prepare(document), default=str), "utf-8")
    else:
        sys.exit(report(Path(sys.argv[1])))
