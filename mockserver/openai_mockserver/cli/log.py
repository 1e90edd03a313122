"""The log: a line for each call; and how much of them a server remembers."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from openai_mockserver.journal import Call


KEEP_CALLS = 1000
KEEP_BYTES = 64 * 1024 * 1024
KEPT = f"It keeps the last {KEEP_CALLS:,} calls, in {KEEP_BYTES >> 20} MiB at most."


def log_call(call: Call) -> None:
    """Print a line of a call that is over, or that takes long."""
    took = time.time() - call.started
    # Whoever read the log may be gone; the streams go on.
    with contextlib.suppress(BrokenPipeError):
        click.echo(f"{time.strftime('%H:%M:%S')} {call.line()}, {took:.2f} s")
