"""Programs as consumers: their outcomes, and those that hang, die, lie, or never start."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec.structs
import pytest

from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge import (
    DEATH,
    HANG,
    Outcome,
    ReportedCall,
    Task,
    open_program,
    open_program_per_case,
)

pytestmark = pytest.mark.slow

TASK = Task(
    "text",
    "http://127.0.0.1:9/v1",
    "sk-test",
    "chat",
    "/chat/completions",
    {"model": "gpt-4o", "messages": [{"role": "user", "content": "Grüezi"}]},
)
Write = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a program that handles each task with these lines."""

    def write(*lines: str) -> list[str]:
        file = tmp_path / "program.py"
        body = "\n    ".join(lines)
        file.write_text(
            "import json, os, sys, time\n"
            "for line in sys.stdin:\n"
            "    task = json.loads(line)\n"
            f"    {body}\n",
            "utf-8",
        )
        return [sys.executable, str(file)]

    return write


def test_a_program_gets_a_line_for_each_case_and_writes_one(write: Write) -> None:
    command = write(
        "calls = [{'name': task['case'], 'arguments': {}, 'id': task['api_key']}]",
        "print(json.dumps({'text': task['base_url'], 'tool_calls': calls}), flush=True)",
    )
    with open_program(command, 10) as ask:
        for _ in range(2):
            assert ask(TASK) == Outcome(
                text=TASK.base_url, tool_calls=[ReportedCall("text", "{}", "sk-test")]
            )


def test_the_server_is_in_the_environment(write: Write) -> None:
    command = write("print(json.dumps({'text': os.environ['OPENAI_BASE_URL']}), flush=True)")
    with open_program(command, 10) as ask:
        assert ask(TASK).text == TASK.base_url


def test_a_program_that_hangs_is_ended_and_started_again(write: Write) -> None:
    command = write(
        "time.sleep(60 * (task['case'] == 'silence'))",
        'print(\'{"text": "again"}\', flush=True)',
    )
    with open_program(command, 1.0) as ask:
        ask(TASK)
        hung = ask(msgspec.structs.replace(TASK, case="silence"))
        assert hung.error is not None
        assert (hung.error.type, hung.error.message) == (HANG, "nothing came for 1 s")
        assert ask(TASK) == Outcome(text="again")


def test_a_program_that_dies_is_started_again(write: Write) -> None:
    command = write("print('last words', file=sys.stderr)", "sys.exit(3)")
    with open_program(command, 10) as ask:
        for _ in range(2):
            died = ask(TASK)
            assert died.error is not None
            assert died.error.type == DEATH
            assert died.error.message == "it ended with exit code 3: last words"


def test_a_program_that_closes_its_stdout_is_ended(write: Write) -> None:
    with open_program(write("os.close(1)", "time.sleep(60)"), 10) as ask:
        outcome = ask(TASK)
    assert outcome.error is not None
    assert outcome.error.message.startswith("it closed its stdout")


def test_what_a_program_started_ends_with_it(write: Write, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = write(
        "import subprocess",
        "child = subprocess.Popen(['sleep', '60'])",
        f"open({str(pids)!r}, 'w').write(str(child.pid))",
        "print('{}', flush=True)",
    )
    with open_program(command, 10) as ask:
        ask(TASK)
    assert has_ended(int(pids.read_text()), seconds=10)


def has_ended(pid: int, seconds: float) -> bool:
    """Wait until a process has ended, and return whether it has."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], seconds)[0])
    finally:
        os.close(process)


@pytest.mark.parametrize("line", ["print('Hello', flush=True)", "print('[]', flush=True)"])
def test_a_line_that_is_no_outcome_is_an_error_of_the_check(write: Write, line: str) -> None:
    with open_program(write(line), 10) as ask, pytest.raises(CheckError, match="a line of the"):
        ask(TASK)


def test_a_program_that_does_not_exist_is_an_error_of_the_check() -> None:
    with open_program(["/no/such/program"], 10) as ask:
        with pytest.raises(CheckError, match="cannot start '/no/such/program': No such file"):
            ask(TASK)


def test_a_program_for_each_case_gets_the_prompt_and_prints_the_answer() -> None:
    code = "import sys; print(sys.argv[1:], sys.stdin.read())"
    command = [sys.executable, "-c", code, "--model={model}", "{base_url}"]
    with open_program_per_case(command, 10) as ask:
        assert ask(TASK) == Outcome(text=f"['--model=gpt-4o', '{TASK.base_url}'] Grüezi")


def test_an_exit_code_is_an_error_and_keeps_what_was_printed() -> None:
    command = ["sh", "-c", "printf half; echo gone >&2; exit 2"]
    with open_program_per_case(command, 10) as ask:
        outcome = ask(TASK)
    assert outcome.text == "half"
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("Exit code 2", "gone")


def test_a_program_for_each_case_may_hang() -> None:
    with open_program_per_case(["sh", "-c", "sleep 60 & wait"], 0.5) as ask:
        outcome = ask(TASK)
    assert outcome.error is not None
    assert outcome.error.type == HANG
