"""The examples of the pages, run as they stand there; `scripts/docs` runs this.

What a block of code is, its language and its first line say:

* Python without a prompt: a part of the page's tests. ``# my_app.py`` in its first line makes it
  that file; ``# before`` shows another tool's test, which is not run. The application of the
  tutorial, `my_app`, is there for every page, and port 8765 is one that is free.
* Python with ``>>>``: a doctest, which pytest runs by itself.
* ini, toml, yaml and json after ``<!-- file: NAME -->``, or with ``# NAME`` in the first line: that
  file, beside the tests.
* js with ``// NAME.mjs`` in the first line: a program for node, run against a mock.
* console: commands. Those of `openai-mockserver` are read by its parser; they are not run.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
from pathlib import Path
from typing import NamedTuple

import click
import openai
import pytest

from openai_mockserver import MockOpenAI, scenario
from openai_mockserver.cli.program import commands

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
TUTORIAL = DOCS / "tutorial.md"
MODULES = ROOT / "examples" / "node" / "node_modules"


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).with_suffix("").as_posix()


class Block(NamedTuple):
    """A block of code.

    Args:
        name: of the file that it is; None for a block that is none.
    """

    name: str | None
    text: str


def blocks(page: Path, *languages: str) -> list[Block]:
    """The code blocks of these languages."""
    pattern = rf"^(?:<!-- file: (\S+) -->\n+)?```(?:{'|'.join(languages)})\n(.*?)^```"
    found = re.findall(pattern, page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [Block(name or _named_in_its_first_line(text), text) for name, text in found]


def _named_in_its_first_line(text: str) -> str | None:
    found = re.match(r"(?:#|//) ([\w/.-]+\.\w+)\n", text)
    return found[1] if found else None


def read_tests(page: Path) -> dict[str, str]:
    """The files that the Python examples of a page make."""
    files: dict[str, str] = {}
    tests = []
    if page != TUTORIAL:
        files["my_app.py"] = read_tests(TUTORIAL)["my_app.py"]
    for name, text in blocks(page, "python", "ini", "toml", "yaml", "json"):
        if name is not None:
            files[name] = files.get(name, "") + text
    for name, text in blocks(page, "python"):
        if name is None and not text.startswith((">>>", "# before")):
            tests.append(text)
    if tests:
        files["test_page.py"] = "\n\n".join(tests)
    has_tests = tests or any(Path(name).name.startswith("test_") for name in files)
    return files if has_tests else {}


WITH_TESTS = [p for p in PAGES if p.parent != ROOT and p.stem != "findings" and read_tests(p)]
WITH_COMMANDS = [page for page in PAGES if blocks(page, "console")]
WITH_SCENARIOS = [p for p in PAGES if any(b.name == "scenario.yaml" for b in blocks(p, "yaml"))]
WITH_PROGRAMS = [page for page in PAGES if blocks(page, "js")]


@pytest.mark.parametrize("page", WITH_TESTS, ids=name_of)
def test_the_tests_of_a_page_pass(
    page: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    for name, text in read_tests(page).items():
        file = pytester.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("8765", port), "utf-8")
    plugins = ["-p", "openai_mockserver.pytest_plugin", "-p", "pytest_asyncio.plugin"]
    scope = ("-o", "asyncio_default_fixture_loop_scope=function")
    result = pytester.runpytest_inprocess(*plugins, "-o", "asyncio_mode=auto", *scope)
    # What needs node says so, and is skipped without it.
    assert result.parseoutcomes().keys() - {"warnings", "skipped"} == {"passed"}


def test_the_message_of_the_tutorial_is_the_real_one() -> None:
    (message,) = blocks(TUTORIAL, "text")
    with MockOpenAI() as mock:
        mock.on(user="Good morning").reply("Good morning to you")
        with pytest.raises(openai.BadRequestError) as failure:
            mock.client().chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "Hi"}]
            )
    assert message.text.strip() in str(failure.value)


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name_of)
def test_the_commands_of_a_page_are_ones(page: Path) -> None:
    for _, text in blocks(page, "console"):
        lines = text.replace("\\\n", " ").splitlines()
        if any(line.lstrip().startswith("$ ") for line in lines):
            lines = [line.lstrip()[2:] for line in lines if line.lstrip().startswith("$ ")]
        for line in lines:
            check_command(shlex.split(line, comments=True))


def check_command(words: list[str]) -> None:
    """Read a command as the shell would hand it over, and check what is ours."""
    if not words:
        return
    program, *arguments = words
    if program == "openai-mockserver":
        _, command, rest = commands.resolve_command(click.Context(commands), arguments)
        assert command is not None
        if isinstance(command, click.Group):
            _, command, rest = command.resolve_command(click.Context(command), rest)
            assert command is not None
        # Only the names of options: the files of an example are not there.
        command.make_parser(click.Context(command)).parse_args(rest)
    elif program.startswith("scripts/"):
        assert (ROOT / program).is_file(), program
    elif program == "python" and arguments[0].endswith(".py"):
        assert (ROOT / arguments[0]).is_file(), arguments[0]


@pytest.mark.parametrize("page", WITH_SCENARIOS, ids=name_of)
def test_the_scenarios_of_a_page_are_ones(page: Path, tmp_path: Path) -> None:
    for name, text in blocks(page, "yaml"):
        if name == "scenario.yaml":
            (tmp_path / name).write_text(text, "utf-8")
            scenario.add_rules(MockOpenAI(), tmp_path / name)


@pytest.mark.skipif(not (MODULES.is_dir() and shutil.which("node")), reason="needs node")
@pytest.mark.parametrize("page", WITH_PROGRAMS, ids=name_of)
def test_the_programs_of_a_page_run(page: Path, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(MODULES)
    for name, text in blocks(page, "js"):
        assert name is not None, "its first line has the name of the file"
        (tmp_path / name).write_text(text, "utf-8")
        with MockOpenAI(header_faults=True, default=lambda request: "Hello, world") as mock:
            environment = {
                **os.environ,
                "OPENAI_BASE_URL": mock.base_url,
                "OPENAI_API_KEY": "any",
            }
            ran = subprocess.run(
                ["node", name], cwd=tmp_path, env=environment, capture_output=True, timeout=30
            )
        assert ran.returncode == 0, ran.stderr.decode()
