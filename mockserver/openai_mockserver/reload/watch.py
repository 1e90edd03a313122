"""Waits until something may have changed on disk.

Rules of this file: a report is a reason to look, no more; `Sources` knows what has changed. So it
does no harm that a report comes once a second without a reason, and that helps where the system
reports nothing, such as in a folder on another machine.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["watch"]

_INTERVAL = 1.0
"""Seconds after which a report comes in any case."""

_QUIET = 50
"""Milliseconds without a change, after which the report of a change comes."""


def watch(places: set[Path], woken: threading.Event) -> Iterator[bool]:
    """Yield whenever something in these folders may have changed, until woken.

    Args:
        places: existing folders.
        woken: ends the iteration when it is set.

    Yields:
        Whether the system has reported a change; otherwise only time has passed.
    """
    try:
        from watchfiles import watch as watch_files
    except ImportError:
        while not woken.wait(_INTERVAL):
            yield False
        return
    try:
        for changes in watch_files(
            *places,
            watch_filter=None,
            step=_QUIET,
            stop_event=woken,
            rust_timeout=round(_INTERVAL * 1000),
            yield_on_timeout=True,
            raise_interrupt=False,
            recursive=False,
            ignore_permission_denied=True,
        ):
            yield bool(changes)
    except (OSError, RuntimeError):  # a folder has just vanished, or there are too many watches
        if not woken.wait(_INTERVAL):
            yield False
