"""`serve` reloads its files: when they change, and on SIGHUP."""

from __future__ import annotations

import os
import pty
import signal
import sys
from pathlib import Path

import pytest

from running_server import COMMAND, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "scenario.yaml"
    file.write_text("rules: [{reply: one}]", "utf-8")
    return file


def test_an_edited_file_is_reloaded_and_a_mistake_is_one_line(file: Path) -> None:
    with serving("--quiet", file) as server:
        file.write_text("{pace: none, rules: [{reply: two}]}", "utf-8")
        assert server.line()[9:] == f"reloaded {file}"
        assert server.text() == "two"
        file.write_text("rules: [{reply: {txt: three}}]", "utf-8")
        line = server.line()
        assert line[9:].startswith("not reloaded, so the rules stay as they were: ")
        assert "rules[0].reply.txt: there is no such key" in line
        assert server.text() == "two"
        server.process.send_signal(signal.SIGHUP)
        assert "rules[0].reply.txt" in server.line()
        assert server.stop() == "stopped\n"


def test_options_of_the_command_line_still_win(file: Path) -> None:
    with serving("--quiet", "--api-key", "sk-a", file) as server:
        file.write_text("{api_key: sk-b, rules: [{reply: two}]}", "utf-8")
        assert server.line()[9:] == f"reloaded {file}"
        assert [server.ask(key=key).status_code for key in ("sk-a", "sk-b")] == [200, 401]


def test_without_reload_only_the_signal_reloads(file: Path) -> None:
    with serving("--quiet", "--no-reload", file) as server:
        file.write_text("{pace: none, rules: [{reply: two}]}", "utf-8")
        server.process.send_signal(signal.SIGHUP)
        assert server.line()[9:] == f"reloaded {file}"
        assert server.text() == "two"


def test_without_files_there_is_nothing_to_reload() -> None:
    with serving("--quiet", "--pace", "none") as server:
        server.process.send_signal(signal.SIGHUP)
        assert server.line()[9:] == "nothing to reload: the rules come from no file"
        assert server.ask().status_code == 200


def test_a_server_ends_with_its_terminal(file: Path) -> None:
    """Closing the terminal sends the signal, too; the server must not stay behind."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [*COMMAND, "serve", "--port", "0", str(file)])
    output = b""
    while b"OPENAI_API_KEY" not in output:
        output += os.read(terminal, 1000)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.WIFEXITED(status)
