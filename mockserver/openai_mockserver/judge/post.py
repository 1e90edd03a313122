"""Posts a request and keeps what came back, read by read.

Rules of this file: h11 parses HTTP as it comes and repairs nothing. Neither proxies nor redirects
are followed.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

from openai_mockserver.exceptions import CheckError
from openai_mockserver.judge.outcome import RaisedError

__all__ = ["Response", "check_url", "describe_error", "post"]

_MOST_BODY = 256 * 2**20  # bytes
_MOST_HEAD = 2**20  # bytes


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


def describe_error(response: Response) -> RaisedError | None:
    """Return what broke a response off, as an error of whoever reads it; None if it is whole."""
    error = response.error
    return None if error is None else RaisedError(type(error).__name__, str(error))


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
    assert parts.hostname is not None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    deadline = time.monotonic() + patience
    try:
        connection = socket.create_connection((parts.hostname, port), timeout=patience)
    except OSError as error:
        raise CheckError(f"cannot reach {url}: {error}") from None
    with connection:
        if parts.scheme == "https":
            context = ssl.create_default_context()
            try:
                connection = context.wrap_socket(connection, server_hostname=parts.hostname)
            except OSError as error:
                raise CheckError(f"cannot reach {url}: {error}") from None
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = h11.Request(
            method="POST",
            target=target,
            headers=[
                ("Host", parts.netloc.rpartition("@")[2]),
                ("Content-Length", str(len(body))),
                *headers.items(),
            ],
        )
        return _Exchange(connection, deadline, leave_after).run(request, body)


class _Exchange:
    """One request and its response on a connection, until the response ends or breaks off."""

    def __init__(self, connection: socket.socket, deadline: float, leave_after: int | None) -> None:
        self._connection = connection
        self._deadline = deadline
        self._leave_after = leave_after
        self._started = time.monotonic()
        self._status = 0
        self._headers: dict[str, str] = {}
        self._reads: list[tuple[float, bytes]] = []

    def run(self, request: h11.Request, body: bytes) -> Response:
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        try:
            data = b"".join(
                http.send(event) or b""
                for event in (request, h11.Data(data=body), h11.EndOfMessage())
            )
            self._connection.sendall(data)
            self._receive(http)
        except (OSError, h11.RemoteProtocolError) as error:
            return self._respond(error)
        return self._respond(None)

    def _respond(self, error: Exception | None) -> Response:
        return Response(self._status, self._headers, tuple(self._reads), error)

    def _receive(self, http: h11.Connection) -> None:
        """Keep the response's parts until it ends, or until enough reads of its body have come."""
        size = 0
        while self._leave_after is None or len(self._reads) < self._leave_after:
            event = http.next_event()
            if event is h11.NEED_DATA:
                self._connection.settimeout(max(0.001, self._deadline - time.monotonic()))
                http.receive_data(self._connection.recv(2**16))
            elif isinstance(event, h11.Response):
                self._status = event.status_code
                self._headers = {
                    name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers
                }
            elif isinstance(event, h11.Data):
                self._reads.append((time.monotonic() - self._started, bytes(event.data)))
                size += len(event.data)
                if size > _MOST_BODY:
                    raise OSError(f"the body is longer than {_MOST_BODY} bytes")
            elif not isinstance(event, h11.InformationalResponse):
                return
