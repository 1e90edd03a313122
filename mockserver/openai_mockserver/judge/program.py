"""Programs as consumers: one that is asked case after case, or one that is started for each case.

The first kind reads a `Task` as a line of JSON, and writes a line of JSON with its outcome. The
second gets a prompt on stdin, and writes the text of the answer to stdout; an exit code other than
0 is an error, whose message is on stderr. Both find the server in ``OPENAI_BASE_URL``.

Rules of this file: a program and what it started is ended with its process group. Lines that it
should not have written are an error of the check, not of the consumer.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import msgspec.json

from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge.consumer import Ask, Task, hang
from openai_mockserver.judge.outcome import DEATH, Outcome, RaisedError, decode_outcome_line

__all__ = [
    "end_process",
    "open_program",
    "open_program_per_case",
    "read_prompt",
    "start_process",
]

START = 60.0
"""Seconds in which a program must have started and answered its first case."""

_END = 1.0  # seconds until a program that has closed its stdout must have ended
_MOST_LINE = 64 * 2**20  # bytes; no outcome is longer
_LAST_WORDS = 2000  # characters of stderr that an error shows


def start_process(
    command: Sequence[str], base_url: str, api_key: str, **streams: Any
) -> subprocess.Popen[bytes]:
    """Start a program that finds the server in its environment, in a process group of its own.

    Args:
        command: the program and its arguments.
        base_url, api_key: base URL of the server, and the key to send.
        streams: its stdin, stdout and stderr, as for `subprocess.Popen`.

    Raises:
        CheckError: it cannot be started.
    """
    environment = os.environ | {
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_BASE": base_url,
        "OPENAI_API_KEY": api_key,
    }
    try:
        return subprocess.Popen(command, env=environment, start_new_session=True, **streams)
    except OSError as error:
        raise CheckError(f"cannot start {command[0]!r}: {error.strerror or error}") from None


def _start(command: Sequence[str], task: Task, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    streams = {"stdin": pipe, "stdout": pipe, "stderr": stderr}
    return start_process(command, task.base_url, task.api_key, **streams)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started, and wait for it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it has not read all of its tasks
            process.stdin.close()
    with process:
        process.kill()


def _read_end(stderr: IO[bytes]) -> str:
    """Return the last words of a program."""
    size = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, size - 4 * _LAST_WORDS))
    return stderr.read().decode("utf-8", "replace").strip()[-_LAST_WORDS:]


class _Program:
    """A program that is asked case after case, and its process while it runs."""

    def __init__(self, command: Sequence[str], patience: float, stderr: IO[bytes]) -> None:
        self._command = command
        self._patience = patience
        self._stderr = stderr
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._start_seconds: float | None = None  # until the first answer, once one has come

    def ask(self, task: Task) -> Outcome:
        process, allowance = self._process, 0.0
        if process is None or process.poll() is not None:
            self.end()
            self._stderr.seek(0)
            self._stderr.truncate()
            process = self._process = _start(self._command, task, self._stderr)
            allowance = START if self._start_seconds is None else 2 * self._start_seconds
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended; it may have written a line
            process.stdin.write(msgspec.json.encode(task) + b"\n")
            process.stdin.flush()
        begin = time.monotonic()
        line = self._read_line(process, begin + self._patience + allowance)
        if self._start_seconds is None and line:
            self._start_seconds = time.monotonic() - begin
        if line is None:
            self.end()
            return hang(self._patience)
        return decode_outcome_line(line) if line else self._describe_death(process)

    def _read_line(self, process: subprocess.Popen[bytes], deadline: float) -> bytes | None:
        """Return the next line; no bytes if the program ended, None if it hangs."""
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return None
                data = os.read(process.stdout.fileno(), 2**16)
                if not data:
                    return b""
                self._buffer += data
                if len(self._buffer) > _MOST_LINE:
                    raise CheckError(f"a line of the program is longer than {_MOST_LINE} bytes")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _describe_death(self, process: subprocess.Popen[bytes]) -> Outcome:
        try:
            how = f"ended with exit code {process.wait(_END)}"
        except subprocess.TimeoutExpired:
            how = "closed its stdout"
        self.end()
        return Outcome(error=RaisedError(DEATH, f"it {how}: {_read_end(self._stderr)}"))

    def end(self) -> None:
        """End the process, if there is one."""
        process, self._process, self._buffer = self._process, None, b""
        if process is not None:
            end_process(process)


@contextmanager
def open_program(command: Sequence[str], patience: float) -> Iterator[Ask]:
    """Open a program that reads a line for each case and writes one.

    Args:
        command: the program and its arguments. It is started with the first case, and again after
            it has ended or hung.
        patience: seconds after which it hangs; for its first answer it has `START` more, and when
            it is started again, twice as long as that answer took.
    """
    with tempfile.TemporaryFile() as stderr:
        program = _Program(command, patience, stderr)
        try:
            yield program.ask
        finally:
            program.end()


@contextmanager
def open_program_per_case(command: Sequence[str], patience: float) -> Iterator[Ask]:
    """Open a program that is started for each case, with the prompt on stdin.

    Args:
        command: the program and its arguments, in which ``{base_url}``, ``{api_key}``,
            ``{model}`` and ``{prompt}`` are replaced.
        patience: seconds after which it hangs.
    """

    def ask(task: Task) -> Outcome:
        prompt = read_prompt(task)
        names = {
            "{base_url}": task.base_url,
            "{api_key}": task.api_key,
            "{model}": str(task.request.get("model", "")),
            "{prompt}": prompt,
        }
        with tempfile.TemporaryFile() as stderr:
            process = _start([_fill(part, names) for part in command], task, stderr)
            try:
                text, _ = process.communicate(prompt.encode(), timeout=patience)
            except subprocess.TimeoutExpired:
                return hang(patience)
            finally:
                end_process(process)
            error = None
            if process.returncode:
                kind = DEATH if process.returncode < 0 else f"Exit code {process.returncode}"
                error = RaisedError(kind, _read_end(stderr))
        return Outcome(text=_strip_end(text.decode("utf-8", "replace")), error=error)

    yield ask


def _fill(part: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        part = part.replace(name, value)
    return part


def _strip_end(text: str) -> str:
    """Return a text without the line end that a command prints after it."""
    return text.removesuffix("\n").removesuffix("\r")


def read_prompt(task: Task) -> str:
    """Return the text of the last message of a request, its prompt or its input."""
    request = task.request
    messages = request.get("messages")
    if isinstance(messages, list) and messages:
        return str(messages[-1].get("content") or "")
    return str(request.get("prompt") or request.get("input") or "")
