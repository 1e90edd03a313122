"""Known clients: their table, their environments, and `check --client` with the real SDK.

The environments of these tests are folders in which a script stands for what pip and npm install.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from openai_mockserver.cli.check import check
from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge import Outcome, Task
from openai_mockserver.judge.clients import (
    CLIENTS,
    ENVIRONMENTS,
    PROGRAMS,
    Client,
    Environment,
    build_command,
    find_client,
    find_versions,
    install,
    is_installed,
    open_client,
)
from openai_mockserver.judge.clients.driver import explain_unsupported

N = {"n": 2}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all environments."""
    monkeypatch.setenv("OPENAI_MOCKSERVER_CLIENTS_FOLDER", str(tmp_path))
    return tmp_path


def add_environment(folder: Path, name: str) -> None:
    """Let an environment of Python be the one in which the tests run."""
    interpreter = folder / name / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    write_script(interpreter, f'exec {sys.executable} "$@"')
    marker = json.dumps(ENVIRONMENTS[name].packages)
    (folder / name / "installed.json").write_text(marker)


def write_script(file: Path, line: str) -> None:
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)


def make_task(endpoint: str = "chat", case: str = "text", **request: object) -> Task:
    return Task(case, "http://127.0.0.1:9/v1", "sk-test", endpoint, "/chat/completions", request)


# The table


def test_every_client_has_a_name_of_its_own_and_a_program() -> None:
    assert len({client.name for client in CLIENTS}) == len(CLIENTS)
    for client in CLIENTS:
        assert (PROGRAMS / client.program).is_file()
        assert (client.program.endswith(".py")) == (client.language == "Python")
    assert {client.environment.name for client in CLIENTS} <= ENVIRONMENTS.keys()


def test_an_unknown_name_suggests_similar_ones() -> None:
    with pytest.raises(CheckError, match=r"no client is called 'ai-sdk chat'; did you mean ai-sdk"):
        find_client("ai-sdk chat")
    with pytest.raises(CheckError, match="--clients lists them"):
        find_client("?")


@pytest.mark.parametrize(
    ("name", "task", "reason"),
    [
        ("openai", make_task("responses"), "it is used for chat"),
        ("pydantic-ai", make_task(n=2), "it cannot ask for several choices"),
        ("openai", make_task(n=2), None),
        ("pydantic-ai", make_task(n=1), None),
        ("ai-sdk", make_task(functions=[{"name": "f"}]), "functions in the legacy form"),
        ("httpx-sse", make_task(case="retryable-status-set"), "a parser sends no requests"),
        ("httpx-sse", make_task(case="crlf-line-endings@bytes"), None),
        ("httpx-sse", make_task(case="drawn"), None),
    ],
)
def test_what_a_client_cannot_be_asked(name: str, task: Task, reason: str | None) -> None:
    answer = explain_unsupported(find_client(name), task)
    assert answer == reason if reason is None else reason in (answer or "")


# Environments


def test_a_failed_installation_is_one_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_script(folder / "npm", "echo 'npm error network is unreachable' >&2; exit 1")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    environment = Environment("parser", ("a-package",), "JavaScript")
    with pytest.raises(CheckError) as caught:
        install(environment)
    assert str(caught.value) == (
        "cannot install parser (a-package) with npm: npm error network is unreachable"
    )
    assert not is_installed(environment)
    run = CliRunner().invoke(check, ["--client", "eventsource-parser"])
    assert run.exit_code == 2
    assert "Error: cannot install eventsource-parser" in run.stderr


def test_an_installation_is_not_repeated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_script(folder / "npm", "echo once >>log")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    environment = Environment("parser", ("a-package",), "JavaScript")
    install(environment)
    install(environment)
    assert (folder / "parser" / "log").read_text() == "once\n"
    assert is_installed(environment)
    assert not is_installed(Environment("parser", ("another",), "JavaScript"))


def test_versions_are_those_of_what_is_installed(folder: Path) -> None:
    add_environment(folder, "httpx-sse")
    assert find_versions(ENVIRONMENTS["httpx-sse"]).keys() == {"httpx-sse", "httpx", "openai"}
    package = folder / "ai-sdk" / "node_modules" / "ai" / "package.json"
    package.parent.mkdir(parents=True)
    package.write_text('{"version": "6.0.1"}')
    assert find_versions(ENVIRONMENTS["ai-sdk"]) == {"ai": "6.0.1"}


def test_a_javascript_program_runs_beside_its_packages(folder: Path) -> None:
    _, program, way = build_command(ENVIRONMENTS["ai-sdk"], PROGRAMS / "ai_sdk.mjs", "chat")
    assert Path(program).is_relative_to(folder / "ai-sdk")
    assert Path(program).with_name("consuming.mjs").is_file()
    assert way == "chat"


# Programs


def ask_program(folder: Path, line: str) -> Outcome:
    """Return what a program makes of a task whose function has this line."""
    add_environment(folder, "openai")
    program = folder / "program.py"
    program.write_text(
        f"import sys\nsys.path.insert(0, {str(PROGRAMS)!r})\nfrom consuming import run\n\n"
        f"def consume(task, outcome):\n    {line}\n\nrun(consume)\n"
    )
    client = Client(ENVIRONMENTS["openai"], str(program), "chat")
    with open_client(client) as ask:
        return ask(make_task())


@pytest.mark.parametrize(
    ("line", "text", "error"),
    [
        ("print('noise'); outcome['text'] = task['case']", "text", None),
        ("outcome['text'] = 'so far'; raise ValueError('no more')", "so far", "no more"),
        ("outcome['text'] = ['part']", '["part"]', None),
        ("outcome['text'] = 'x' + chr(0xD83D)", "x\ufffd", None),
        ("raise ExceptionGroup('two', [OSError('a'), OSError('b')])", None, "a; b"),
    ],
)
def test_the_loop_of_the_programs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, line: str, text: str | None, error: str | None
) -> None:
    outcome = ask_program(folder, line)
    assert (outcome.text or None) == text
    assert (outcome.error and outcome.error.message) == error


@pytest.mark.slow
@pytest.mark.parametrize("name", ["openai", "httpx-sse"])
def test_check_runs_a_known_client(folder: Path, name: str) -> None:
    add_environment(folder, name)
    report = folder / "report.json"
    cases = ["--case", "unicode@utf8", "--case", "phantom-event-after-id"]
    arguments = ["--client", name, *cases]
    run = CliRunner().invoke(check, [*arguments, "--json", str(report)])
    assert run.exit_code == 1, run.output
    content = json.loads(report.read_text())
    assert content["consumer"] == name
    assert name in content["versions"]
    assert [result["grade"] for result in content["results"]] == ["pass", "crash"]


def test_check_lists_the_clients() -> None:
    lines = CliRunner().invoke(check, ["--clients"]).stdout.splitlines()
    assert len(lines) == len(CLIENTS)
    assert lines[0].split()[:2] == ["openai", "Python"]


def test_a_client_is_the_only_consumer() -> None:
    run = CliRunner().invoke(check, ["--client", "openai", "--", "cat"])
    assert run.exit_code == 2
    assert "--client is the consumer" in run.stderr
