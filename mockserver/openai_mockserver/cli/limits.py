"""What a request may have, as options: a body's size in MiB, and the seconds it has to come."""

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
    help="MiB that the body of a request may have.",
)
max_upload = click.option(
    "--max-upload",
    default=UPLOAD // MIB,
    show_default=True,
    type=click.IntRange(0),
    callback=_count_bytes,
    help="MiB where it is a form with files.",
)
request_timeout = click.option(
    "--request-timeout",
    default=TIMEOUT,
    show_default=True,
    type=click.FloatRange(0),
    callback=_read_timeout,
    help="Seconds in which a request has to come; 0: any number.",
)
