"""Options that limit requests: the size of a body in MiB, and the seconds it may take to arrive."""

from __future__ import annotations

import click

from openai_mockserver.limits import BODY, MIB, TIMEOUT, UPLOAD

__all__ = ["max_body", "max_upload", "request_timeout"]


def _count_bytes(context: click.Context, parameter: click.Parameter, mebibytes: int) -> int:
    return mebibytes * MIB


def _read_timeout(
    context: click.Context, parameter: click.Parameter, seconds: float
) -> float | None:
    return seconds or None


max_body = click.option(
    "--max-body",
    default=BODY // MIB,
    show_default=True,
    type=click.IntRange(0),
    callback=_count_bytes,
    help="Largest request body to accept, in MiB.",
)
max_upload = click.option(
    "--max-upload",
    default=UPLOAD // MIB,
    show_default=True,
    type=click.IntRange(0),
    callback=_count_bytes,
    help="Largest form with files to accept, in MiB.",
)
request_timeout = click.option(
    "--request-timeout",
    default=TIMEOUT,
    show_default=True,
    type=click.FloatRange(0),
    callback=_read_timeout,
    help="Seconds that a request may take to arrive completely; 0 means no limit.",
)
