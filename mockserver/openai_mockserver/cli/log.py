"""The log: a line for each call."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from openai_mockserver.journal import Call


def log_call(call: Call) -> None:
    took = time.time() - call.started
    # Whoever read the log may be gone; the streams go on.
    with contextlib.suppress(BrokenPipeError):
        click.echo(f"{time.strftime('%H:%M:%S')} {call.line()}, {took:.2f} s")
