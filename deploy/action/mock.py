"""Starts and stops the server of the GitHub action, and writes the summary of its calls.

mock.py start [OPTIONS] [FILES]   starts `openai-mockserver serve`, and waits until it answers
mock.py stop                      stops it

The files of GitHub Actions are named by the variables GITHUB_OUTPUT and GITHUB_STEP_SUMMARY. Needs
nothing but Python's own library.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TOO_LONG = 30.0  # seconds
MOST_CALLS = 200
FOLDER = Path(os.environ.get("RUNNER_TEMP", ".")) / "openai-mockserver-run"
LOG = FOLDER / "log.jsonl"
ERRORS = FOLDER / "errors.txt"
PROCESS = FOLDER / "pid"
ESCAPES = str.maketrans({character: f"&#{ord(character)};" for character in "\\`*_[]<>#|&~"})


def start(arguments: list[str]) -> None:
    """Start the server, and set the outputs of the step."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "openai_mockserver", "serve", "--log", "json", *arguments]
    # A step ends when nobody has its output open any more, so the server must not inherit it.
    with LOG.open("wb") as log, ERRORS.open("wb") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=errors, start_new_session=True
        )
    PROCESS.write_text(str(process.pid), "utf-8")
    end = time.monotonic() + TOO_LONG
    while process.poll() is None and time.monotonic() < end:
        for entry in read_log():
            if entry["event"] == "start":
                print(f"openai-mockserver {entry['version']} answers on {entry['url']}")
                write("GITHUB_OUTPUT", f"base-url={entry['url']}\nlog={LOG}\n")
                return
        time.sleep(0.05)
    sys.exit(f"{ERRORS.read_text('utf-8')}openai-mockserver did not start")


def stop() -> None:
    """Stop the server, and add its calls to the summary of the job."""
    if PROCESS.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(PROCESS.read_text("utf-8")), signal.SIGTERM)
        end = time.monotonic() + TOO_LONG
        while time.monotonic() < end and not any(e["event"] == "stop" for e in read_log()):
            time.sleep(0.05)
        PROCESS.unlink()
    write("GITHUB_OUTPUT", f"log={LOG}\n")
    write("GITHUB_STEP_SUMMARY", summarize(read_log()))


def read_log() -> list[dict[str, Any]]:
    """Return the entries of the log that are complete."""
    lines = LOG.read_text("utf-8").splitlines(keepends=True) if LOG.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def summarize(entries: list[dict[str, Any]]) -> str:
    """Return the calls of a log as Markdown."""
    calls = [entry for entry in entries if entry["event"] == "call"]
    failed = [call for call in calls if call["level"] == "error"]
    lines = [f"### openai-mockserver: {len(calls)} calls, {len(failed)} not answered", ""]
    if calls:
        lines += [
            "| call | request | user | status | events | outcome | seconds |",
            "|" + "---|" * 7,
        ]
        lines += [describe(call) for call in calls[:MOST_CALLS]]
    if len(calls) > MOST_CALLS:
        lines += ["", f"and {len(calls) - MOST_CALLS} more"]
    return "\n".join([*lines, ""])


def describe(call: dict[str, Any]) -> str:
    """Return the row of a call."""
    status = f"{call['status']} {call.get('problem', '')}".strip()
    cells = [call["call"], f"{call['method']} {call['path']}", call["user"] or "", status]
    cells += [call["events"], call["outcome"], call["seconds"]]
    return f"| {' | '.join(escape(str(cell)) for cell in cells)} |"


def escape(text: str) -> str:
    """Return a text that Markdown and HTML show as it is, in one line."""
    return " ".join(text.split()).translate(ESCAPES)


def write(variable: str, text: str) -> None:
    """Add text to the file that a variable names, if it names one."""
    if path := os.environ.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["start"]:
        start(sys.argv[2:])
    elif sys.argv[1:] == ["stop"]:
        stop()
    else:
        sys.exit(__doc__)
