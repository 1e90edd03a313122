"""Outcomes: the forms in which a consumer may report them, and clear errors for others."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge.outcome import (
    Counts,
    Function,
    Outcome,
    RaisedError,
    ReportedCall,
    decode_outcome,
    decode_outcome_line,
)

FORMS: list[tuple[object, Outcome]] = [
    (None, Outcome()),
    ("Hi", Outcome(text="Hi")),
    ("x\udcaf", Outcome(text="x\\udcaf")),
    ({"text": "x\udcaf"}, Outcome(text="x\\udcaf")),
    (Outcome(text="Hi"), Outcome(text="Hi")),
    ({}, Outcome()),
    ({"text": None, "refusal": "No."}, Outcome(text=None, refusal="No.")),
    ({"error": "gone"}, Outcome(error=RaisedError("Error", "gone"))),
    ({"error": {"type": "E"}}, Outcome(error=RaisedError("E"))),
    ({"tool_calls": None}, Outcome(tool_calls=[])),
    (
        {"tool_calls": [{"name": "f", "arguments": {"n": 1}}]},
        Outcome(tool_calls=[ReportedCall("f", '{"n":1}')]),
    ),
    (
        {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
        Outcome(tool_calls=[ReportedCall("f", "{}", "c")]),
    ),
    (
        {"tool_calls": [{"call_id": "c", "id": "fc", "name": "f", "arguments": "{}"}]},
        Outcome(tool_calls=[ReportedCall("f", "{}", "c")]),
    ),
    ({"function_call": {"name": "f", "arguments": None}}, Outcome(function_call=Function("f", ""))),
    ({"usage": {"prompt_tokens": 1, "total_tokens": 3}}, Outcome(usage=Counts(1))),
    ({"usage": {"input_tokens": 1, "output_tokens": 2}}, Outcome(usage=Counts(1, 2))),
    ({"usage": None}, Outcome(usage=None)),
]
PROBLEMS: list[tuple[object, str]] = [
    (3, "an outcome must be a text or a mapping with its members, not int"),
    ({"toolcalls": []}, "an outcome has no member 'toolcalls'; choose from text, "),
    ({"text": 3}, r"an outcome is invalid: .* - at `\$.text`"),
    ({"tool_calls": "f"}, r"an outcome is invalid: .* - at `\$.tool_calls`"),
    ({"tool_calls": [3]}, r"an outcome is invalid: .* - at `\$.tool_calls\[0\]`"),
]


@pytest.mark.parametrize(("value", "outcome"), FORMS, ids=str)
def test_the_forms_of_an_outcome(value: Any, outcome: Outcome) -> None:
    assert decode_outcome(value) == outcome


@pytest.mark.parametrize(("value", "message"), PROBLEMS, ids=str)
def test_another_value_is_an_error_that_says_what_is_wrong(value: Any, message: str) -> None:
    with pytest.raises(CheckError, match=message):
        decode_outcome(value)


def test_what_is_not_reported_is_unset() -> None:
    assert decode_outcome({}).text is UNSET


@pytest.mark.parametrize("line", [b"Hello\n", b'{"text": \n', b"\xff\n", b"[]\n"])
def test_a_line_that_is_no_outcome_is_an_error(line: bytes) -> None:
    with pytest.raises(CheckError, match="a line of the program"):
        decode_outcome_line(line)
