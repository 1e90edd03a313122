"""Posts a request and keeps what came back, read by read.

Rules of this file: the standard library's client, which passes on each read as it comes and
repairs nothing. Neither proxies nor redirects are followed.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from openai_mockserver.exceptions import CheckError

__all__ = ["Response", "check_url", "post"]

_MOST_BODY = 256 * 2**20  # bytes


@dataclass(frozen=True)
class Response:
    """A response, as far as it came.

    Args:
        status: the status; 0 if none came.
        headers: the headers, in lower case.
        reads: the reads of the body, each with its time in seconds after the request.
        error: what broke it off: an exception; a TimeoutError if it came too late.
    """

    status: int
    headers: Mapping[str, str]
    reads: tuple[tuple[float, bytes], ...]
    error: Exception | None = None

    @property
    def body(self) -> bytes:
        """The body, as far as it came."""
        return b"".join(data for _, data in self.reads)

    @property
    def media_type(self) -> str:
        """The media type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def check_url(url: str) -> None:
    """Raise CheckError if this is not a URL of http or https with a host."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CheckError(f"{url!r} is not a URL that begins with http:// or https://")


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    patience: float,
    leave_after: int | None = None,
) -> Response:
    """Post a body, and return the response as far as it came.

    Args:
        url: where to.
        body: the body.
        headers: headers besides Host and Content-Length.
        patience: seconds for the whole response.
        leave_after: reads of the body after which to close the connection.

    Raises:
        CheckError: nobody listens there.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    assert parts.hostname is not None
    connection = kind(parts.hostname, parts.port, timeout=patience)
    deadline = time.monotonic() + patience
    try:
        connection.connect()
    except OSError as error:
        raise CheckError(f"cannot reach {url}: {error}") from None
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return _exchange(connection, target, body, headers, deadline, leave_after)
    finally:
        connection.close()


def _exchange(
    connection: http.client.HTTPConnection,
    target: str,
    body: bytes,
    headers: Mapping[str, str],
    deadline: float,
    leave_after: int | None,
) -> Response:
    started = time.monotonic()
    status, head = 0, dict[str, str]()
    reads: list[tuple[float, bytes]] = []
    try:
        connection.request("POST", target, body, dict(headers))
        socket = connection.sock
        response = connection.getresponse()
        status = response.status
        head = {name.lower(): value for name, value in response.getheaders()}
        size = 0
        while leave_after is None or len(reads) < leave_after:
            # A response without keep-alive takes the socket, which keeps its timeout.
            socket.settimeout(max(0.001, deadline - time.monotonic()))
            data = response.read1(2**16)
            if not data:
                break
            reads.append((time.monotonic() - started, data))
            size += len(data)
            if size > _MOST_BODY:
                return Response(status, head, tuple(reads), ValueError("the body is too long"))
        return Response(status, head, tuple(reads), _find_lack(response))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Response(status, head, tuple(reads), error)


def _find_lack(response: http.client.HTTPResponse) -> Exception | None:
    """Return an error if the body is shorter than its Content-Length."""
    if response.length:
        return http.client.IncompleteRead(b"", response.length)
    return None
