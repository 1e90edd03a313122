"""The driver of programs: outcomes, and programs that hang, die, or never start."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from findings.consumers import PROGRAMS, Program
from openai_mockserver import MockOpenAI, catalogue
from openai_mockserver.judge import DEATH, HANG, RaisedError

BEGIN = f"""
import os, sys, time
sys.path.insert(0, {str(PROGRAMS)!r})
from consuming import run

def consume(request, outcome):
    print("not an outcome")
    outcome["text"] = "text"
"""
STREAM = catalogue.stream("text")
Start = Callable[[str], Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that creates a program from the last line of its function."""
    programs: list[Program] = []

    with MockOpenAI() as mock:

        def start(end: str) -> Program:
            file = tmp_path / "program.py"
            file.write_text(f"{BEGIN}    {end}\n\nrun(consume)\n", "utf-8")
            command = [sys.executable, str(file)]
            programs.append(Program(command, mock, tmp_path, patience=1.0))
            return programs[-1]

        yield start
        for program in programs:
            program.end()


def test_a_program_reports_an_outcome_for_each_stream(start: Start) -> None:
    program = start(
        "outcome['tool_calls'] = [dict(name=n, arguments='') for n in request['tools']]"
    )
    first = program.consume(STREAM)
    assert (first.text, first.tool_calls, first.error) == ("text", [], None)
    second = program.consume(catalogue.stream("tool-call"))
    assert isinstance(second.tool_calls, list)
    assert [call.name for call in second.tool_calls] == ["get_weather"]


def test_an_exception_leaves_standing_what_was_told(start: Start) -> None:
    outcome = start("raise ValueError('no more')").consume(STREAM)
    assert (outcome.text, outcome.error) == ("text", RaisedError("ValueError", "no more"))


def test_a_program_that_hangs_is_ended_and_started_again(start: Start) -> None:
    program = start("time.sleep(0 if request['tools'] else 60)")
    hang_outcome = program.consume(STREAM)
    assert hang_outcome.error == RaisedError(HANG, "nothing came for 1 s")
    assert program.consume(catalogue.stream("tool-call")).error is None


def test_a_program_that_dies_says_why_and_is_started_again(start: Start) -> None:
    program = start("request['tools'] or (print('Out of order.'), sys.stderr.flush(), os._exit(1))")
    death_outcome = program.consume(STREAM)
    assert death_outcome.error is not None
    assert death_outcome.error.type == DEATH
    assert "Out of order." in death_outcome.error.message
    assert program.consume(catalogue.stream("tool-call")).error is None


def test_a_program_that_does_not_start_is_an_error(start: Start) -> None:
    program = start("\nraise SystemExit('no such client')")
    with pytest.raises(RuntimeError, match="no such client"):
        program.consume(STREAM)
