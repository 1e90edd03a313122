"""Where a command listens, and what it says of that."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import click

from openai_mockserver.access import is_loopback, is_wildcard

__all__ = ["allow_host", "describe_exposure", "format_url", "host", "leads_to", "port"]

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


def leads_to(url: str, host: str, port: int) -> bool:
    """Whether a URL is of the server that listens there.

    Args:
        url: with http:// or https://.
        host, port: where the server listens.
    """
    parsed = urlsplit(url)
    if (parsed.port or {"http": 80, "https": 443}[parsed.scheme]) != port:
        return False
    named = _find_addresses(parsed.hostname or "")
    if is_wildcard(host):
        return any(map(_is_of_this_machine, named))
    # A client that asks for every address gets this machine's.
    return not named.isdisjoint(_find_addresses(host)) or (
        is_loopback(host) and any(map(is_wildcard, named))
    )


def _find_addresses(host: str) -> set[str]:
    """The addresses of a host; none if it is not known."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host.strip("[]"), None)}
    except (OSError, UnicodeError):
        return set()


def _is_of_this_machine(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        try:
            tried.bind((address, 0))
        except OSError:
            return False
    return True


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
