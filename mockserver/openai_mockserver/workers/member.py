"""A worker's connection to its supervisor.

Rules of this file: commands are carried out one after another in one thread, in the order in which
the supervisor sends them, which is the same for all workers.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from itertools import count

from openai_mockserver.workers.channel import (
    Answer,
    Answers,
    Ask,
    Begin,
    Command,
    Do,
    Done,
    Ready,
    read_messages,
    send,
)

__all__ = ["PATIENCE", "Member"]

PATIENCE = 30.0
"""Seconds to wait for the answers of all workers."""


class _Question:
    """A command of this worker that the others are carrying out."""

    def __init__(self) -> None:
        self.is_answered = threading.Event()
        self.answers: dict[int, Answer] = {}


class Member:
    """A worker's connection to its supervisor.

    Args:
        connection: the worker's end of the pair of sockets.
        slot: the worker's number among the workers, counted from 0.
    """

    def __init__(self, connection: socket.socket, slot: int) -> None:
        self.slot = slot
        self._connection = connection
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._questions: dict[int, _Question] = {}
        self._may_begin = threading.Event()
        self._carry_out: Callable[[Command], Answer] | None = None
        self._is_lost = False

    def start(self, carry_out: Callable[[Command], Answer]) -> None:
        """Carry out commands from now on, and wait until those of earlier are carried out.

        Args:
            carry_out: carries out a command; called in a thread.
        """
        self._carry_out = carry_out
        threading.Thread(target=self._run, name="openai-mockserver-member", daemon=True).start()
        self._may_begin.wait()

    def report_ready(self) -> None:
        """Report that this worker accepts clients."""
        send(self._connection, self._lock, Ready())

    def ask(self, command: Command) -> dict[int, Answer]:
        """Let all workers carry out a command, this one too, and return their answers by slot.

        A worker that has died meanwhile is missing. Blocks the thread; not for that of commands.
        """
        number, question = next(self._numbers), _Question()
        self._questions[number] = question
        try:
            send(self._connection, self._lock, Ask(number, command))
            if not self._is_lost:
                question.is_answered.wait(PATIENCE)
        finally:
            self._questions.pop(number, None)
        return question.answers

    def _run(self) -> None:
        assert self._carry_out is not None
        for message in read_messages(self._connection):
            match message:
                case Do(number, command):
                    answer = self._carry_out(command)
                    send(self._connection, self._lock, Done(number, answer))
                case Answers(number, answers):
                    if (question := self._questions.get(number)) is not None:
                        question.answers = answers
                        question.is_answered.set()
                case Begin():
                    self._may_begin.set()
                case _:
                    raise AssertionError(f"a supervisor does not send {message!r}")
        # The supervisor is gone: nobody could stop this worker.
        self._is_lost = True
        self._may_begin.set()
        for question in list(self._questions.values()):
            question.is_answered.set()
        os.kill(os.getpid(), signal.SIGTERM)
