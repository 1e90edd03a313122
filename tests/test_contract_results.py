"""The comparison with OpenAI's document: what a report says, and which disagreements stay."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import contract_results
from contract_results import Disagreement, describe, list_lines, read_exceptions, read_results

TABLE = """
[[exception]]
check = "UndefinedStatusCode"
message = "400"
reason = "no errors in the document"
"""


def make_line(operation: str, *failures: Any, status: int = 200) -> str:
    """Return a line of a report with a case for each failure; None is a check that succeeded."""
    checks = {
        f"case {number}": [
            {"name": "check", "status": "success"}
            if failure is None
            else {"name": "check", "status": "failure", "failure_info": {"failure": failure}}
        ]
        for number, failure in enumerate(failures)
    }
    interactions = {name: {"response": {"status_code": status}} for name in checks}
    recorder = {"label": operation, "cases": dict.fromkeys(checks), "checks": checks}
    return json.dumps({"ScenarioFinished": {"recorder": recorder | {"interactions": interactions}}})


STATUS = {"type": "UndefinedStatusCode", "message": "Received: 400\nDocumented: 200"}
NULL = {
    "type": "JsonSchemaError",
    "message": '"next" is a required property\n\nSchema at /components/schemas/Page:\n\n    {}',
}


def test_a_summary_counts_what_is_explained_and_prints_the_rest() -> None:
    lines = [
        json.dumps({"Initialize": {}}),
        make_line("GET /a", None, STATUS, STATUS),
        make_line("GET /b", STATUS, NULL, NULL),
    ]
    results, exceptions = read_results(lines), read_exceptions(TABLE)
    assert list(list_lines(results, exceptions))[2:] == [
        "| no errors in the document | 2 | 2 |",
        "2 operations, 6 cases, 0 answers with status 500 or more, 3 disagreements, of which 1 are "
        "not explained",
        '2 × GET /b: JsonSchemaError: "next" is a required property at /components/schemas/Page',
    ]


def test_server_errors_are_counted() -> None:
    assert read_results([make_line("GET /a", None, status=501)]).server_errors == 1


def test_long_values_are_no_part_of_a_disagreement() -> None:
    checks = [
        {"failure_info": {"failure": {"type": "JsonSchemaError", "message": f"{value} is not it"}}}
        for value in ('{"a":1}', '{"a":2,"b":3}', "[1,2]")
    ]
    assert {describe("GET /a", check) for check in checks} == {
        Disagreement("GET /a", "JsonSchemaError", "… is not it")
    }


def test_a_check_that_could_not_run_is_a_disagreement() -> None:
    check = {"name": "response_schema_conformance", "status": "error"}
    assert describe("GET /a", check).message == "response_schema_conformance could not be run"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('check = "a"', "needs a reason"),
        ('reason = "a"', "a pattern"),
        ('reason = "a"\ncheck = "b"\npath = "c"', "has no path"),
    ],
)
def test_an_exception_needs_a_reason_and_a_pattern(row: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_exceptions(f"[[exception]]\n{row}")


def test_the_table_is_valid() -> None:
    exceptions = read_exceptions(contract_results.EXCEPTIONS.read_text("utf-8"))
    for row in exceptions.rows:
        for name in row.keys() - {"reason"}:
            re.compile(row[name])
    assert len({row["reason"] for row in exceptions.rows}) == len(exceptions.rows)


def test_a_prepared_document_has_no_mistakes_that_stop_a_check() -> None:
    document = {
        "required": ["id", "id", "name"],
        "properties": {"discriminator": {"type": "string"}},
        "oneOf": [{"discriminator": {"propertyName": "type"}}],
        "anyOf": [{"discriminator": {"propertyName": "type", "mapping": {}}}],
    }
    assert contract_results.prepare(document) == {
        "required": ["id", "name"],
        "properties": {"discriminator": {"type": "string"}},
        "oneOf": [{}],
        "anyOf": [{"discriminator": {"propertyName": "type", "mapping": {}}}],
    }
