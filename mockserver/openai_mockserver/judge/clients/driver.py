"""Opens a known client as a consumer: its program, in its environment.

Rules of this file: what a client cannot be asked is decided here, from its row in the table.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import UNSET

from openai_mockserver import catalogue
from openai_mockserver.exceptions import CheckError, UnknownStream
from openai_mockserver.judge.clients.environments import (
    SETTINGS,
    build_command,
    get_folder,
    is_installed,
)
from openai_mockserver.judge.clients.table import RARE, Client
from openai_mockserver.judge.consumer import Ask, Task
from openai_mockserver.judge.outcome import DEATH, HANG, Outcome
from openai_mockserver.judge.program import open_program
from openai_mockserver.judge.reading import accumulate

__all__ = ["PATIENCE", "PROGRAMS", "open_client"]

PROGRAMS = Path(__file__).parent / "programs"

PATIENCE = 30.0
"""Seconds after which a known client hangs: longer than its timeouts, retries and their pauses."""


@contextmanager
def open_client(client: Client, patience: float = PATIENCE) -> Iterator[Ask]:
    """Open a known client, whose environment is installed, as a consumer.

    Args:
        client: the client.
        patience: seconds after which it hangs.

    Raises:
        CheckError: it is not installed, or its interpreter is missing.
    """
    if not is_installed(client.environment):
        raise CheckError(f"{client.environment.name} is not installed")
    with open_program(_build_command(client), patience) as ask_program:

        def ask(task: Task) -> Outcome:
            if (reason := explain_unsupported(client, task)) is not None:
                return Outcome(unsupported=reason)
            return _read_events(ask_program(task), f"/v1{task.path}")

        yield ask


def _build_command(client: Client) -> list[str]:
    """Return the command of a client, away from the user's settings and proxies."""
    command = build_command(client.environment, PROGRAMS / client.program, client.way)
    if shutil.which(command[0]) is None:
        raise CheckError(f"{client.name} needs {command[0]}, which is not installed")
    home = get_folder(client.environment) / "home"
    home.mkdir(exist_ok=True)
    settings = {**SETTINGS, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    return ["env", *(f"{name}={value}" for name, value in settings.items()), *command]


def explain_unsupported(client: Client, task: Task) -> str | None:
    """Return why a client cannot be asked this; None if it can."""
    if task.endpoint != client.endpoint:
        return f"it is used for {client.endpoint}"
    for name, what in RARE.items():
        if _asks_for(name, task.request.get(name)) and name not in client.asks:
            return f"it cannot ask for {what}"
    if client.is_parser and _needs_retries(task.case):
        return "a parser sends no requests"
    return None


def _asks_for(name: str, value: Any) -> bool:
    return value not in (None, 1) if name == "n" else bool(value)


def _needs_retries(case: str) -> bool:
    """Return whether the requests of a case are judged, or more than one is needed."""
    try:
        stream = catalogue.stream(case.partition("@")[0])
    except UnknownStream:
        return False
    return bool(stream.earlier) or stream.requests is not None


def _read_events(outcome: Outcome, path: str) -> Outcome:
    """Return what a correct reader makes of the events of a client that reports only these."""
    has_died = outcome.error is not None and outcome.error.type in (HANG, DEATH)
    if has_died or outcome.events is UNSET:
        return outcome
    return accumulate(outcome.events, outcome.error, path)
