"""SIGHUP: reloads the files of a server, and ends a server whose terminal is gone.

Rules of this file: a supervisor sends the signal to have the configuration read again. A terminal
that is closed sends it too, to programs that must not outlive it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["reload_on_hangup"]


@contextmanager
def reload_on_hangup(ask: Callable[[], None]) -> Iterator[None]:
    """Call a function for each SIGHUP; does nothing on systems without that signal.

    Args:
        ask: asks for a reload; called by the signal handler, in the main thread.
    """
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    had_terminal = _has_terminal()

    def handle(number: int, frame: FrameType | None) -> None:
        if had_terminal and not _has_terminal():
            signal.raise_signal(signal.SIGTERM)
        else:
            ask()

    previous = signal.signal(signal.SIGHUP, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, previous)


def _has_terminal() -> bool:
    """Whether the process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
