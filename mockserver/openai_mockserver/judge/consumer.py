"""Consumers: what is asked, and a Python function as the consumer.

A consumer is opened once for each worker, and asked one case at a time. It gets a `Task` and
returns an `Outcome`, in time or with the error `HANG`; nothing that a consumer does raises.

Rules of this file: a function that hangs cannot be ended, so it is left in its thread, and the next
case gets a new one.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import msgspec

from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge.outcome import (
    HANG,
    Outcome,
    RaisedError,
    decode_outcome,
    spell_surrogates,
)

__all__ = ["Ask", "Consumer", "Task", "open_function"]


TIMEOUT = 2.5
"""Seconds of silence after which a consumer should give up: longer than a case's pauses."""


class Task(msgspec.Struct, frozen=True):
    """What a consumer is asked: send this request, and report what it makes of the answer.

    Args:
        case: the name of the case.
        base_url: base URL of the server, such as ``http://127.0.0.1:5000/v1``.
        api_key: the API key to send.
        endpoint: name of the endpoint: ``chat``, ``completions``, ``responses``,
            ``transcriptions``.
        path: its path after the base URL, such as ``/chat/completions``.
        request: the body of the request.
        timeout: seconds of silence after which a consumer should give up.
    """

    case: str
    base_url: str
    api_key: str
    endpoint: str
    path: str
    request: Mapping[str, Any]
    timeout: float = TIMEOUT


Ask = Callable[[Task], Outcome]
Consumer = Callable[[], AbstractContextManager[Ask]]
"""Opens a consumer: a context manager that yields the function to ask."""


def hang(patience: float) -> Outcome:
    """Return the outcome of a consumer that reported nothing for ``patience`` seconds."""
    return Outcome(error=RaisedError(HANG, f"nothing came for {patience:g} s"))


class _Thread:
    """A thread that asks a function one task after the other."""

    def __init__(self, consume: Callable[[Task], object]) -> None:
        self._consume = consume
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Outcome | CheckError] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="openai-mockserver check", daemon=True).start()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            while (task := self._tasks.get()) is not None:
                self._outcomes.put(self._ask_once(runner, task))

    def _ask_once(self, runner: asyncio.Runner, task: Task) -> Outcome | CheckError:
        try:
            value = self._consume(task)
            if inspect.isawaitable(value):
                value = runner.run(_await(value))
        except Exception as error:
            return Outcome(error=RaisedError(type(error).__name__, spell_surrogates(str(error))))
        try:
            return decode_outcome(value)
        except CheckError as error:
            return error

    def ask(self, task: Task, patience: float) -> Outcome | None:
        """Return the outcome; None if there is none in time."""
        self._tasks.put(task)
        try:
            outcome = self._outcomes.get(timeout=patience)
        except queue.Empty:
            return None
        if isinstance(outcome, CheckError):
            raise outcome
        return outcome

    def end(self) -> None:
        """Let the thread end after the task that it has."""
        self._tasks.put(None)


async def _await(value: Awaitable[object]) -> object:
    return await value


@contextmanager
def open_function(consume: Callable[[Task], object], patience: float) -> Iterator[Ask]:
    """Open a Python function as a consumer.

    Args:
        consume: takes a `Task`, and returns anything that `decode_outcome` takes, or a coroutine
            of that; an exception is the error of its outcome.
        patience: seconds after which it hangs.
    """
    thread = _Thread(consume)

    def ask(task: Task) -> Outcome:
        nonlocal thread
        if (outcome := thread.ask(task, patience)) is None:
            thread.end()
            thread = _Thread(consume)
            return hang(patience)
        return outcome

    try:
        yield ask
    finally:
        thread.end()
