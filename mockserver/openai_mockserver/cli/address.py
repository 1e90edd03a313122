"""Where a command listens, and what it says of that."""

from __future__ import annotations

import click

from openai_mockserver.access import is_loopback, is_wildcard

__all__ = ["allow_host", "describe_exposure", "format_url", "host", "port"]

host = click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 lets other machines ask.",
)
port = click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any free."
)

allow_host = click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="Let requests in that name this host, as in mock.internal or *.internal, beside localhost "
    "and the address they came to; * for any; may be repeated.",
)


def format_url(host: str, port: int) -> str:
    """The base URL for clients on this machine.

    >>> format_url("0.0.0.0", 8000)
    'http://127.0.0.1:8000/v1'
    """
    if is_wildcard(host):
        host = "[::1]" if ":" in host else "127.0.0.1"
    elif ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{port}/v1"


def describe_exposure(host: str, allowed: str) -> str | None:
    """A sentence on who can reach a server that listens there; None if only this machine can.

    Args:
        host: the address that it listens on.
        allowed: what those who reach it can do.
    """
    if is_loopback(host):
        return None
    where = "every address of this machine" if is_wildcard(host) else host
    return (
        f"It listens on {where}: whoever can reach that {allowed}. Clients that call it by another "
        "name than that address need --allow-host."
    )
