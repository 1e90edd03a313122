"""Options for the address that a command listens on, and sentences about it."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import click

from openai_mockserver.access import is_loopback, is_wildcard

__all__ = ["allow_host", "describe_exposure", "format_url", "host", "is_same_server", "port"]

host = click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 accepts requests from other machines.",
)
port = click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 chooses a free port.",
)

allow_host = click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="Accept requests whose Host header names this host, such as mock.internal or *.internal; "
    "* accepts any host. localhost and the address itself are always accepted. May be repeated.",
)


def format_url(host: str, port: int, tls: bool = False) -> str:
    """Return the base URL for clients on this machine.

    >>> format_url("0.0.0.0", 8000)
    'http://127.0.0.1:8000/v1'
    """
    if is_wildcard(host):
        host = "[::1]" if ":" in host else "127.0.0.1"
    elif ":" in host:
        host = f"[{host}]"
    return f"http{'s' * tls}://{host}:{port}/v1"


def is_same_server(url: str, host: str, port: int) -> bool:
    """Return whether a URL leads to the server that listens on a host and port.

    Args:
        url: the URL, with http:// or https://.
        host, port: where the server listens.
    """
    parts = urlsplit(url)
    if (parts.port or {"http": 80, "https": 443}[parts.scheme]) != port:
        return False
    addresses = _find_addresses(parts.hostname or "")
    if is_wildcard(host):
        return any(map(_is_local, addresses))
    # A client that connects to the wildcard address reaches this machine.
    return not addresses.isdisjoint(_find_addresses(host)) or (
        is_loopback(host) and any(map(is_wildcard, addresses))
    )


def _find_addresses(host: str) -> set[str]:
    """Return the addresses of a host; none if the name cannot be resolved."""
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(host.strip("[]"), None)}
    except (OSError, UnicodeError):
        return set()


def _is_local(address: str) -> bool:
    """Return whether an address belongs to this machine."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def describe_exposure(host: str, ability: str) -> str | None:
    """Return a warning about who can reach the server; None if only this machine can.

    Args:
        host: the address that the server listens on.
        ability: what a client that reaches it can do, as a verb phrase.
    """
    if is_loopback(host):
        return None
    where = "every address of this machine" if is_wildcard(host) else host
    return (
        f"The server listens on {where}: every client that reaches it {ability}. If clients use a "
        "host name instead of this address, allow it with --allow-host."
    )
