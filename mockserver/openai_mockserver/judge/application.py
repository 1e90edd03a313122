"""Starts an application or gateway that is then checked through its own URL.

Rules of this file: it gets the mock's address in its environment, and is ended with everything
that it started.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from openai_mockserver.clients import API_KEY
from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge.post import check_url
from openai_mockserver.judge.program import end_process, start_process
from openai_mockserver.judge.runner import Address
from openai_mockserver.server import bind

__all__ = ["start_application"]

_START = 60.0  # seconds until it must accept connections
_PAUSE = 0.05  # seconds between attempts to connect


@contextmanager
def start_application(command: Sequence[str], url: str, address: Address) -> Iterator[Address]:
    """Start an application, wait until it accepts connections, and end it afterwards.

    Args:
        command: the program and its arguments; nothing is started if it is empty.
        url: a URL of the application.
        address: where the mock will listen; a port is chosen for it if it has none.

    Yields:
        the address that the application was told in ``OPENAI_BASE_URL``.

    Raises:
        CheckError: it cannot be started, ends, or does not accept connections in time.
        ServerError: the mock cannot listen on the host.
    """
    check_url(url)
    if not address.port:
        address = replace(address, port=_find_free_port(address.host))
    if not command:
        yield address
        return
    base_url = f"http://{_format_host(address.host)}:{address.port}/v1"
    process = start_process(command, base_url, API_KEY, stdout=sys.stderr)
    try:
        _wait_for_server(process, url)
        yield address
    finally:
        end_process(process)


def _format_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _find_free_port(host: str) -> int:
    with bind(host, 0) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_for_server(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait until something accepts connections at a URL, or the process that should has ended."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise CheckError(f"the application ended with exit code {process.returncode}")
        try:
            socket.create_connection((parts.hostname, port), timeout=1).close()
        except OSError:
            time.sleep(_PAUSE)
        else:
            return
    raise CheckError(f"the application does not accept connections at {url} after {_START:g} s")
