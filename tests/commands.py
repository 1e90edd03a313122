"""Environments that a test creates, and programs that it runs there."""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

__all__ = ["has_index", "needs_index", "run"]


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
