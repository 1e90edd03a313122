"""The thread that sends webhooks while nobody waits for them.

Rules of this file: it knows nothing of webhooks. The thread exists only while there is something to
do, or to wait for, so that a mock that is forgotten leaves no thread behind.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable

from openai_mockserver.exceptions import BusyStateError, MockServerError

__all__ = ["Courier"]

_REST = 1.0
"""Seconds until the thread looks again after it could not learn what is due."""


class Courier:
    """Does what is due, in a thread of its own.

    Args:
        work: does what is due, until its argument returns False; returns after how many seconds of
            real time something else will be due, or None if nothing will.
    """

    def __init__(self, work: Callable[[Callable[[], bool]], float | None]) -> None:
        self._work = work
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_woken = False
        self._is_resting = False

    def wake(self) -> None:
        """Let the thread look for something to do; it starts if it does not run."""
        with self._condition:
            self._is_woken = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def wait(self) -> None:
        """Wait until everything that is due was done.

        Raises MockServerError in the thread itself, which cannot wait for its own work.
        """
        if threading.current_thread() is self._thread:
            raise MockServerError("a receiver of webhooks cannot wait for webhooks")
        with self._condition:
            self._condition.wait_for(self._is_idle)

    def stop(self) -> None:
        """End the thread after what it is doing now; `wake` starts another."""
        with self._condition:
            self._thread, self._is_woken = None, False
            self._condition.notify_all()

    def _is_idle(self) -> bool:
        return self._thread is None or (self._is_resting and not self._is_woken)

    def _run(self) -> None:
        this = threading.current_thread()

        def may_go_on() -> bool:
            return self._thread is this

        while True:
            with self._condition:
                if not may_go_on():
                    return
                self._is_woken = self._is_resting = False
            try:
                delay = self._work(may_go_on)
            except BusyStateError:  # what is due is found when the state can be read again
                delay = _REST
            except Exception:  # what follows must be done, and nobody may wait for ever
                traceback.print_exc()
                delay, self._is_woken = None, True
            with self._condition:
                if not may_go_on():
                    return
                if self._is_woken:
                    continue
                if delay is None:
                    self._thread = None
                    self._condition.notify_all()
                    return
                self._is_resting = True
                self._condition.notify_all()
                self._condition.wait_for(lambda: self._is_woken or not may_go_on(), delay)
