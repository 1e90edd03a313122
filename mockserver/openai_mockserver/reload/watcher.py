"""The thread that reloads files when they change, or when it is asked to.

Rules of this file: a file may be half written when its change is noticed. So a file that cannot be
read is read again after a moment if it has changed in the meantime, and only reported if not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from openai_mockserver.reload.reloader import Reloader
from openai_mockserver.reload.watch import watch

__all__ = ["Watcher"]

_MOMENT = 0.25
"""Seconds within which a program that writes a file goes on writing."""

_MOST_ATTEMPTS = 8

_REST = 100
"""How much longer than looking for changes is the time until the next look without a report.

Looking at ten thousand files takes long enough to delay streams.
"""


class Watcher:
    """Reloads in a thread of its own, from `start` to `stop`.

    Args:
        reloader: what reads the files.
        report: called after each reload, with one sentence and whether it succeeded.
        watches: whether to reload when a file changes; otherwise only `ask` reloads.
    """

    def __init__(
        self, reloader: Reloader, report: Callable[[str, bool], object], watches: bool = True
    ) -> None:
        self._reloader = reloader
        self._report = report
        self._watches = watches
        self._woken = threading.Event()
        self._is_stopped = False
        self._next_look = 0.0
        self._thread = threading.Thread(
            target=self._run, name="openai-mockserver-reload", daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ask(self) -> None:
        """Reload soon, even if nothing has changed. May be called by a signal handler."""
        self._woken.set()

    def stop(self) -> None:
        """End the thread; a reload in progress may take a second longer."""
        self._is_stopped = True
        self._woken.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        while not self._is_stopped:
            self._wait()
            if self._is_stopped:
                return
            self._woken.clear()
            self._reload()

    def _wait(self) -> None:
        """Return when something has changed, or when woken."""
        if not self._watches:
            self._woken.wait()
            return
        places = self._reloader.sources.list_places()
        while not self._woken.is_set():
            if self._has_changed():
                return
            for is_reported in watch(places, self._woken):
                if not is_reported and time.monotonic() < self._next_look:
                    continue
                if self._has_changed():
                    return
                if (now := self._reloader.sources.list_places()) != places:
                    places = now
                    break

    def _has_changed(self) -> bool:
        """Whether a file has changed. Without a report, that is looked up in few of the seconds."""
        begin = time.monotonic()
        has_changed = bool(self._reloader.sources.list_changed())
        end = time.monotonic()
        self._next_look = end + (end - begin) * _REST
        return has_changed

    def _reload(self) -> None:
        sentence = self._reloader.reload()
        for _ in range(_MOST_ATTEMPTS):
            if self._reloader.is_up_to_date or self._woken.wait(_MOMENT):
                break
            if not self._reloader.sources.list_changed():
                break
            sentence = self._reloader.reload()
        self._report(sentence, self._reloader.is_up_to_date)
