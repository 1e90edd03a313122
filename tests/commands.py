"""Environments that a test creates, and programs that it runs there or in this process."""

from __future__ import annotations

import fcntl
import functools
import io
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import cli
from openai_mockserver.judge.clients import Environment, get_folder, install

__all__ = ["has_index", "install_once", "needs_index", "run", "run_in_process"]


def run(*command: object, cwd: Path | None = None) -> str:
    """Return the output of a command. Fails the test if the command fails."""
    ran = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=cwd)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@functools.cache
def has_index() -> bool:
    """Whether a package index can be reached, tried with the smallest package."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "--timeout", "5", "--retries", "0", "download"]
        command += ["--no-deps", "--no-cache-dir", "--quiet", "--dest", folder, "toml"]
        return subprocess.run(command, capture_output=True).returncode == 0


needs_index = pytest.mark.needs_index
"""Skips a test that installs packages if no package index can be reached."""


def run_in_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, because starting one takes longer than most commands.

    Not for `serve`, because nothing would stop it.
    """
    output, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    code: Any = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
        patch.setattr(sys, "argv", ["openai-mockserver", *arguments])
        try:
            cli.main()
        except SystemExit as result:
            code = result.code
    lines = []
    for file in (output, errors):
        file.seek(0)
        lines.append(file.read())
    return subprocess.CompletedProcess(arguments, code, *lines)


def install_once(environment: Environment) -> Path:
    """Return the folder of an environment with its packages, also if other tests want it now."""
    folder = get_folder(environment)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install(environment)
    return folder
