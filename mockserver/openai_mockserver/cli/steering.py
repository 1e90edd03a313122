"""Options for the control API of a server."""

from __future__ import annotations

import click

from openai_mockserver.state import IDLE

__all__ = ["control_token", "no_control", "sandbox_idle"]


def _read_idle(context: click.Context, parameter: click.Parameter, seconds: float) -> float | None:
    return seconds or None


no_control = click.option(
    "--no-control",
    is_flag=True,
    help="Switch off the control API at /_mock/; only /health and /metrics stay.",
)
control_token = click.option(
    "--control-token",
    metavar="TOKEN",
    help="Refuse requests to the control API that do not bring this token, as Authorization: "
    "Bearer TOKEN.",
)
sandbox_idle = click.option(
    "--sandbox-idle",
    default=IDLE,
    show_default=True,
    type=click.FloatRange(0),
    callback=_read_idle,
    help="Seconds after which a sandbox that nobody uses is deleted; 0 means never.",
)
