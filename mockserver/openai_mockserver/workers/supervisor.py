"""Starts workers, replaces those that die, and passes on what one asks of all.

Theory of operation. The supervisor has no thread and serves no client. It forks a process for each
slot, with a pair of sockets between them, and waits in one selector for messages, for the end of a
socket (the worker is dead) and for signals.

A worker that gets a change through the control API sends it as `Ask`. The supervisor sends it to
all workers as `Do`, to the one that has asked too, and collects their `Done`; the order of the
changes is therefore the same everywhere. When the last answer is there, or its worker is dead, the
one that has asked gets all `Answers`. So, for two workers and a rule that the first is given:

    worker 0 -> Ask(7, rule)      supervisor -> worker 0: Do(1, rule)
                                  supervisor -> worker 1: Do(1, rule)
    worker 0 -> Done(1, 201)
    worker 1 -> Done(1, 201)      supervisor -> worker 0: Answers(7, {0: 201, 1: 201})

The supervisor remembers the changes that were accepted. A worker that takes the place of a dead one
carries them out before it may `Begin` to accept clients, who wait in the queue of the shared
listening socket until then.

Rules of this file: nothing here may block, but for the moment in which a worker dies. What cannot
be sent at once is sent when the socket accepts it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from openai_mockserver.exceptions import ServerError
from openai_mockserver.workers.channel import (
    Answer,
    Answers,
    Ask,
    Begin,
    Command,
    Decoder,
    Do,
    Done,
    Message,
    Ready,
    encode,
)

__all__ = ["Supervisor"]

_STOP_PATIENCE = 5.0  # seconds that a worker has to stop
_PATIENCE = 15.0  # seconds after which a command is answered without the workers that hang
_MOST_FAILURES = 3  # workers in a row that die before they accept clients


@dataclass(eq=False, slots=True)
class _Worker:
    """A process, and what is to be sent to it."""

    slot: int
    pid: int
    connection: socket.socket
    decoder: Decoder = field(default_factory=Decoder)
    unsent: bytearray = field(default_factory=bytearray)
    is_ready: bool = False
    signals: int = 0


@dataclass(eq=False, slots=True)
class _Round:
    """A command that workers are carrying out."""

    asker: _Worker
    number: int  # of the asker
    command: Command
    waiting: set[_Worker]
    until: float  # when it ends without those that wait
    answers: dict[int, Answer] = field(default_factory=dict)


class Supervisor:
    """Runs workers until a signal arrives.

    Args:
        count: how many workers.
        work: runs a worker in its process, given its slot, its connection, and how many processes
            have had its slot before.
        on_ready: called once, when all workers accept clients.
        report: called with a sentence about a worker that has died.
    """

    def __init__(
        self,
        count: int,
        work: Callable[[int, socket.socket, int], object],
        on_ready: Callable[[], object],
        report: Callable[[str], object],
    ) -> None:
        self._count, self._work = count, work
        self._on_ready, self._report = on_ready, report
        self._selector = selectors.DefaultSelector()
        self._workers: dict[int, _Worker] = {}
        self._generations = [0] * count
        self._rounds: dict[int, _Round] = {}
        self._numbers = itertools.count(1)
        self._changes: list[Command] = []
        self._failures = 0
        self._is_ready = False
        self._stop_by: float | None = None  # when those that have not stopped are killed
        self._error: ServerError | None = None

    def run(self) -> None:
        """Run the workers until SIGTERM or SIGINT.

        Raises ServerError if workers die again and again before they accept clients.
        """
        if not hasattr(os, "fork"):
            raise ServerError("several workers need a system with fork(), such as Linux")
        with self._handle_signals():
            for slot in range(self._count):
                self._start(slot)
            while self._workers:
                self._wait()
        self._selector.close()
        if self._error is not None:
            raise self._error

    # Signals

    @contextmanager
    def _handle_signals(self) -> Iterator[None]:
        """Pass signals on to the workers, and wake the selector when one arrives."""
        receiver, sender = socket.socketpair()
        for end in (receiver, sender):
            end.setblocking(False)
        self._wakeup = receiver
        self._wake_sender = sender
        self._selector.register(receiver, selectors.EVENT_READ)
        previous_fd = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        handled = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        self._previous_handlers = {
            number: signal.signal(number, lambda number, frame: None) for number in handled
        }
        try:
            yield
        finally:
            for number, handler in self._previous_handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(previous_fd)
            receiver.close()
            sender.close()

    def _take_signals(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in self._wakeup.recv(4096):
                if number in (signal.SIGTERM, signal.SIGINT):
                    self._stop()
                elif number == signal.SIGHUP:
                    self._signal_all(signal.SIGHUP)

    def _stop(self) -> None:
        if self._stop_by is None:
            self._stop_by = time.monotonic() + _STOP_PATIENCE
            self._signal_all(signal.SIGTERM)

    def _signal_all(self, number: int) -> None:
        for worker in self._workers.values():
            _signal(worker, number)

    # Processes

    def _start(self, slot: int) -> None:
        """Start the process of a slot."""
        ours, theirs = socket.socketpair()
        generation = self._generations[slot]
        self._generations[slot] += 1
        pid = os.fork()
        if not pid:
            self._become_worker(slot, ours, theirs, generation)
        theirs.close()
        ours.setblocking(False)
        worker = self._workers[slot] = _Worker(slot, pid, ours)
        self._selector.register(ours, selectors.EVENT_READ, worker)
        for command in self._changes:
            self._send(worker, Do(0, command))
        self._send(worker, Begin())

    def _become_worker(
        self, slot: int, ours: socket.socket, theirs: socket.socket, generation: int
    ) -> None:
        """Run the worker in the process that was just forked; does not return."""
        status = 1
        try:
            # The end of a connection is noticed only if no other process holds it.
            for end in (ours, self._wakeup, self._wake_sender):
                end.close()
            for worker in self._workers.values():
                worker.connection.close()
            signal.set_wakeup_fd(-1)
            for number, handler in self._previous_handlers.items():
                signal.signal(number, handler)
            self._work(slot, theirs, generation)
            status = 0
        except KeyboardInterrupt:
            status = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)

    def _bury(self, worker: _Worker) -> None:
        """Handle the death of a worker, and start its successor."""
        self._selector.unregister(worker.connection)
        worker.connection.close()
        del self._workers[worker.slot]
        # A worker whose connection has ended is about to end, or hangs.
        ended = _wait_for(worker.pid, _STOP_PATIENCE)
        for number, one in list(self._rounds.items()):
            if worker in one.waiting:
                one.waiting.discard(worker)
                self._end_round(number, one)
        if self._stop_by is not None:
            return
        self._failures = 0 if worker.is_ready else self._failures + 1
        if self._failures >= _MOST_FAILURES:
            self._error = ServerError(
                f"{_MOST_FAILURES} workers in a row {ended} before they accepted clients"
            )
            self._stop()
            return
        self._report(
            f"worker {worker.slot} (process {worker.pid}) {ended}; another takes its place"
        )
        self._start(worker.slot)

    # Messages

    def _wait(self) -> None:
        """Wait for what happens next, and handle it."""
        ends = [one.until for one in self._rounds.values()]
        if self._stop_by is not None:
            ends.append(self._stop_by)
        events = self._selector.select(max(0.0, min(ends) - time.monotonic()) if ends else None)
        now = time.monotonic()
        if self._stop_by is not None and self._stop_by <= now:
            self._signal_all(signal.SIGKILL)
            self._stop_by = now + _STOP_PATIENCE
        for number, one in [(n, one) for n, one in self._rounds.items() if one.until <= now]:
            one.waiting.clear()
            self._end_round(number, one)
        for key, mask in events:
            if key.data is None:
                self._take_signals()
            else:
                self._handle(key.data, mask)

    def _handle(self, worker: _Worker, mask: int) -> None:
        if self._workers.get(worker.slot) is not worker:
            return
        if mask & selectors.EVENT_WRITE:
            self._flush(worker)
        if not mask & selectors.EVENT_READ:
            return
        try:
            data = worker.connection.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._bury(worker)
            return
        for message in worker.decoder.feed(data):
            self._receive(worker, message)

    def _receive(self, worker: _Worker, message: Message) -> None:
        match message:
            case Ask(number, command):
                self._begin_round(worker, number, command)
            case Done(number, answer):
                if (one := self._rounds.get(number)) is not None and worker in one.waiting:
                    one.answers[worker.slot] = answer
                    one.waiting.discard(worker)
                    self._end_round(number, one)
            case Ready():
                worker.is_ready = True
                if not self._is_ready and all(one.is_ready for one in self._workers.values()):
                    self._is_ready = True
                    self._on_ready()
            case _:
                raise AssertionError(f"a worker does not send {message!r}")

    def _begin_round(self, asker: _Worker, number: int, command: Command) -> None:
        key = next(self._numbers)
        workers = set(self._workers.values())
        until = time.monotonic() + _PATIENCE
        self._rounds[key] = _Round(asker, number, command, workers, until)
        if command.is_change:
            self._changes.append(command)
        for worker in workers:
            self._send(worker, Do(key, command))

    def _end_round(self, key: int, one: _Round) -> None:
        """Answer the worker that has asked, once all have."""
        if one.waiting:
            return
        del self._rounds[key]
        is_refused = all(answer.status >= 400 for answer in one.answers.values())
        if one.command.is_change and is_refused:
            self._changes = [change for change in self._changes if change is not one.command]
        if self._workers.get(one.asker.slot) is one.asker:
            self._send(one.asker, Answers(one.number, one.answers))

    def _send(self, worker: _Worker, message: Message) -> None:
        worker.unsent += encode(message)
        self._flush(worker)

    def _flush(self, worker: _Worker) -> None:
        """Send what the socket accepts, and wait for it if that is not all."""
        try:
            while worker.unsent:
                del worker.unsent[: worker.connection.send(worker.unsent)]
        except BlockingIOError:
            pass  # the selector reports when it accepts more
        except OSError:
            worker.unsent.clear()  # it is dead, which the selector reports
        interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.unsent else 0)
        self._selector.modify(worker.connection, interest, worker)


def _signal(worker: _Worker, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker.pid, number)


def _wait_for(pid: int, seconds: float) -> str:
    """Wait for the end of a process, and return how it has ended; kill it if it goes on."""
    until = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return f"was ended by signal {-code}" if code < 0 else f"exited with {code}"
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)
