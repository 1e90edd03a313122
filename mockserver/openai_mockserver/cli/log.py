"""The log, one line for each call, and how many calls a server keeps."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from openai_mockserver.journal import Call


KEEP_CALLS = 1000
KEEP_BYTES = 64 * 1024 * 1024
KEEPS = f"The journal keeps the last {KEEP_CALLS:,} calls, in at most {KEEP_BYTES >> 20} MiB."


def log_call(call: Call) -> None:
    """Print the line of a call that has ended, or that takes long."""
    seconds = time.time() - call.started
    # The program that read the log may have exited; the streams go on.
    with contextlib.suppress(BrokenPipeError):
        click.echo(f"{time.strftime('%H:%M:%S')} {call.line()}, {seconds:.2f} s")
