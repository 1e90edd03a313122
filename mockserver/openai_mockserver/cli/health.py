"""``openai-mockserver health``."""

from __future__ import annotations

import http.client
import os
import ssl
from urllib.parse import urlsplit

import click

from openai_mockserver.cli.address import format_url
from openai_mockserver.cli.environment import PREFIX
from openai_mockserver.exceptions import MockServerError

__all__ = ["health"]


@click.command()
@click.argument("url", required=False)
@click.option(
    "--timeout",
    default=3.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds to wait for the answer.",
)
def health(url: str | None, timeout: float) -> None:
    """Ask a running server whether it answers; the exit code is 0 if it does, otherwise 1.

    URL is the server's address, with or without /v1. By default it is that of a server on this
    machine that was started with the same environment variables: OPENAI_MOCKSERVER_HOST,
    OPENAI_MOCKSERVER_PORT and those for TLS. Its certificate is not checked.
    """
    address = url or _read_address()
    status = ask_health(address, timeout)
    if status >= 400:
        raise MockServerError(f"{address} is not healthy: it answered with status {status}")
    click.echo(f"{address} is healthy")


def _read_address() -> str:
    """Return the address of a server that was started with the environment of this process."""

    def read(name: str) -> str:
        return os.environ.get(PREFIX + name, "")

    has_tls = bool(read("TLS_CERT")) or read("TLS_SELF_SIGNED").lower() in _TRUE
    port = read("PORT") or "8000"
    if not port.isdecimal():
        raise MockServerError(f"{PREFIX}PORT={port}: not a port")
    return format_url(read("HOST") or "127.0.0.1", int(port), has_tls).removesuffix("/v1")


_TRUE = ("1", "true", "t", "yes", "y", "on")


def ask_health(url: str, timeout: float) -> int:
    """Return the status that a server answers with when it is asked for its health.

    Args:
        url: the server's address, with or without ``/v1``.
        timeout: seconds to wait.

    Raises MockServerError if the URL is not one, or nothing answers.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError as error:
        raise MockServerError(f"{url}: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise MockServerError(f"{url}: not an address such as http://127.0.0.1:8000")
    base = parts.path.rstrip("/").removesuffix("/v1")
    connection = http.client.HTTPConnection(parts.hostname, port, timeout=timeout)
    if parts.scheme == "https":
        # Nothing secret is sent, and the certificate may be one that nobody trusts.
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(
            parts.hostname, port, timeout=timeout, context=context
        )
    try:
        connection.request("GET", f"{base}/health")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MockServerError(f"{url} does not answer: {reason}") from None
    finally:
        connection.close()
