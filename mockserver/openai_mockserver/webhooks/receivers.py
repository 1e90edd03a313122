"""What receives webhooks: a URL, an ASGI or WSGI application, or a function.

Rules of this file: this is the only module of the room that does I/O. A request goes to the given
host only: no redirect is followed, and no proxy is used. Applications are called in this process;
what is async runs on one event loop, in a thread of its own, so that an application keeps its
connections from one event to the next.
"""

from __future__ import annotations

import asyncio
import http.client
import inspect
import io
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from openai_mockserver.exceptions import MockServerError
from openai_mockserver.webhooks.message import WebhookRequest
from openai_mockserver.webhooks.schedule import Answer

__all__ = ["EventLoop", "Receiver", "make_receiver"]

_HOST = "mockserver"


class Receiver(Protocol):
    """What receives webhooks, and says so by an HTTP status."""

    name: str

    def post(self, request: WebhookRequest, timeout: float) -> Answer:
        """Send a request and return the answer; a failure is an answer too."""


class EventLoop:
    """An event loop in a thread of its own, which starts on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._end: asyncio.Event

    def run(self, work: Coroutine[Any, Any, Answer], timeout: float) -> Answer:
        """Run a coroutine, and return its result; raises TimeoutError if it takes too long."""
        with self._lock:
            if self._thread is None:
                self._start()
        return asyncio.run_coroutine_threadsafe(
            asyncio.wait_for(work, timeout), self._loop
        ).result()

    def check_thread(self) -> None:
        """Raise MockServerError on the event loop itself, which must not wait for its own work."""
        if threading.current_thread() is self._thread:
            raise MockServerError(
                "an async receiver must use send_async() to send a webhook, and cannot wait for one"
            )

    def _start(self) -> None:
        is_ready = threading.Event()

        async def run_until_end() -> None:
            self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
            is_ready.set()
            await self._end.wait()

        self._thread = threading.Thread(
            target=lambda: asyncio.run(run_until_end()), name="webhooks", daemon=True
        )
        self._thread.start()
        is_ready.wait()

    def stop(self) -> None:
        """Cancel what is running, and end the thread; the next use starts another."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            thread.join()


class _InProcess:
    """A receiver in this process.

    Args:
        name: its name.
        call: calls it, and returns its answer.
        loop: runs what is async.
    """

    def __init__(
        self, name: str, call: Callable[[WebhookRequest, float], Answer], loop: EventLoop
    ) -> None:
        self.name = name
        self._call = call
        self._loop = loop

    def post(self, request: WebhookRequest, timeout: float) -> Answer:
        self._loop.check_thread()
        start = time.monotonic()
        try:
            answer = self._call(request, timeout)
        except MockServerError:
            raise
        except TimeoutError:
            return _time_out(timeout)
        except Exception as error:  # a server would answer 500
            return Answer(500, _describe(error))
        return answer if time.monotonic() - start <= timeout else _time_out(timeout)


class _Url:
    """A receiver at a URL."""

    def __init__(self, url: str) -> None:
        self.name = url
        self._url = _split(url)

    def post(self, request: WebhookRequest, timeout: float) -> Answer:
        url = self._url
        secure = url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=timeout)
        start = time.monotonic()
        try:
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            connection.putrequest("POST", target, skip_accept_encoding=True)
            for name, value in request.headers.items():
                connection.putheader(name, value)
            connection.putheader("content-length", str(len(request.body)))
            connection.endheaders(request.body)
            response = connection.getresponse()
            answer = Answer(
                response.status, None, _read_retry_after(response.getheader("retry-after"))
            )
        except TimeoutError:
            return _time_out(timeout)
        except (OSError, http.client.HTTPException) as error:
            return Answer(None, _describe(error))
        finally:
            connection.close()
        return answer if time.monotonic() - start <= timeout else _time_out(timeout)


def _split(url: str) -> SplitResult:
    """Return the parts of a URL, which must be one of HTTP."""
    problem = "must begin with http:// or https://, and have a host"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise MockServerError(f"webhook URL {url!r}: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise MockServerError(f"webhook URL {url!r} {problem}")
    if parts.username is not None or parts.fragment:
        raise MockServerError("a webhook URL must have no user name, password or fragment")
    if not url.isascii() or any(character <= " " for character in url):
        raise MockServerError(f"webhook URL {url!r} must be visible ASCII")
    return parts


def _time_out(timeout: float) -> Answer:
    return Answer(None, f"no answer within {timeout:g} s")


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _read_retry_after(value: str | None) -> float:
    """Return the seconds of a ``Retry-After``; a date counts as none."""
    return float(value) if value is not None and value.isascii() and value.isdigit() else 0.0


# Applications


def _call_asgi(
    app: Any, path: str, loop: EventLoop, request: WebhookRequest, timeout: float
) -> Answer:
    return loop.run(_run_asgi(app, path, request), timeout)


async def _run_asgi(app: Any, path: str, request: WebhookRequest) -> Answer:
    headers = {"host": _HOST, "content-length": str(len(request.body)), **request.headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": (_HOST, 80),
    }
    incoming = [{"type": "http.request", "body": request.body, "more_body": False}]
    is_over = asyncio.Event()
    answers: list[Answer] = []

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop()
        await is_over.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            found = {name.lower(): value for name, value in message.get("headers", ())}
            delay = found.get(b"retry-after")
            answers.append(
                Answer(
                    message["status"],
                    None,
                    _read_retry_after(None if delay is None else delay.decode("latin-1")),
                )
            )
        elif not message.get("more_body"):
            is_over.set()

    await app(scope, receive, send)
    return answers[0] if answers else Answer(500, "the application has sent no response")


def _call_wsgi(app: Any, path: str, request: WebhookRequest, timeout: float) -> Answer:
    answers: list[Answer] = []

    def start_response(
        status: str, headers: Iterable[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        found = {name.lower(): value for name, value in headers}
        code = int(status.partition(" ")[0])
        answers.append(Answer(code, None, _read_retry_after(found.get("retry-after"))))
        return lambda data: None

    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": _HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": _HOST,
        "CONTENT_TYPE": request.headers["content-type"],
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        if name != "content-type":
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    body = app(environ, start_response)
    try:
        for _ in body:
            pass
    finally:
        if hasattr(body, "close"):
            body.close()
    return answers[-1] if answers else Answer(500, "the application has sent no response")


# Functions


def _call_function(
    function: Callable[[WebhookRequest], Any],
    loop: EventLoop,
    request: WebhookRequest,
    timeout: float,
) -> Answer:
    result = function(request)
    return loop.run(_await(result), timeout) if inspect.isawaitable(result) else _as_answer(result)


async def _await(result: Any) -> Answer:
    return _as_answer(await result)


def _as_answer(result: object) -> Answer:
    if result is None:
        return Answer(200)
    if isinstance(result, int) and 100 <= result < 600:
        return Answer(int(result))
    return Answer(500, f"the function must return a status or None, not {result!r}")


def make_receiver(target: Any, path: str, loop: EventLoop) -> Receiver:
    """Return the receiver that a URL, an application or a function is.

    An ASGI application takes three arguments, a WSGI application takes two, and a function one.

    Args:
        target: a URL, an application or a function.
        path: the path at which an application receives webhooks.
        loop: runs what is async.

    Raises MockServerError for anything else.
    """
    if isinstance(target, str):
        if path != "/":
            raise MockServerError("path= is for applications; a URL has its own")
        return _Url(target)
    if not (path.startswith("/") and path.isascii() and path.isprintable()):
        raise MockServerError(f"path={path!r}: must be a path in ASCII, which begins with /")
    count = _count_parameters(target)
    name = getattr(target, "__name__", type(target).__name__)
    calls: dict[int | None, Callable[[WebhookRequest, float], Answer]] = {
        1: partial(_call_function, target, loop),
        2: partial(_call_wsgi, target, path),
        3: partial(_call_asgi, target, path, loop),
    }
    if count not in calls:
        message = f"{target!r} receives no webhooks: it must be a URL, an ASGI or WSGI application"
        raise MockServerError(f"{message}, or a function of the request")
    return _InProcess(name, calls[count], loop)


def _count_parameters(target: object) -> int | None:
    """Return how many arguments a call must have; None for what cannot be called."""
    if not callable(target):
        return None
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in parameters)
