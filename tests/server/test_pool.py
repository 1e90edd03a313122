"""Connections to upstreams that are reused, and those that must not be."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx2
import pytest

from openai_mockserver import MockOpenAI, sse
from openai_mockserver.cassettes import load
from openai_mockserver.server.connect import Route, connect, find_route
from openai_mockserver.server.pool import Pool

WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
WITHOUT_BODY = b"HTTP/1.1 204 No Content\r\n\r\n"

Handle = Callable[["Client"], None]
"""Handles one connection of an upstream, which is then closed."""


class Client:
    """The recorder's connection, from the upstream's side."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._stream = connection.makefile("rb")

    def read(self) -> bytes:
        """Return the next request; no bytes if there is none."""
        head = b""
        while (line := self._stream.readline()) not in (b"\r\n", b""):
            head += line
        lengths = [x for x in head.splitlines() if x.lower().startswith(b"content-length")]
        return head + self._stream.read(int(lengths[0].split(b":")[1]) if lengths else 0)

    def answer(self, answer: bytes) -> None:
        self.connection.sendall(answer)

    def reset(self) -> None:
        """Reset the connection."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self._stream.close()
        self.connection.close()


class Upstream:
    """A server with a handler for each of its connections; the last also handles all others.

    ``requests`` holds what came over which connection, counted from 1.
    """

    def __init__(self, *handles: Handle) -> None:
        self.requests: list[int] = []
        self.closed = threading.Semaphore(0)
        self._handles = handles
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            number += 1
            thread = threading.Thread(target=self._handle, args=(connection, number))
            self._threads.append(thread)
            thread.start()

    def _handle(self, connection: socket.socket, number: int) -> None:
        client = Client(connection)
        read = client.read

        def note() -> bytes:
            request = read()
            self.requests += [number] * bool(request)
            return request

        client.read = note  # type: ignore[method-assign]
        try:
            self._handles[min(number, len(self._handles)) - 1](client)
        except OSError:
            pass  # the recorder left before it was answered
        finally:
            client.close()
            self.closed.release()

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(10)


@contextmanager
def serving(*handles: Handle) -> Iterator[Upstream]:
    """Run an upstream until its clients have left."""
    upstream = Upstream(*handles)
    try:
        yield upstream
    finally:
        upstream.stop()


def answer_all(answer: bytes = WITH_LENGTH) -> Handle:
    """Return a handler that answers every request until the client leaves."""

    def handle(client: Client) -> None:
        while client.read():
            client.answer(answer)

    return handle


def answer_once() -> Handle:
    """Return a handler that answers one request, and closes."""

    def handle(client: Client) -> None:
        if client.read():
            client.answer(WITH_LENGTH)

    return handle


def ask(mock: MockOpenAI, method: str = "POST") -> int:
    """Return the status that a client gets."""
    with httpx2.Client(trust_env=False, timeout=30) as client:
        content = {"json": {"model": "m"}} if method == "POST" else {}
        return client.request(method, f"{mock.base_url}/models", **content).status_code  # type: ignore[arg-type]


# Reused


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("POST", WITH_LENGTH),
        ("POST", CHUNKED),
        ("POST", WITHOUT_BODY),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
        ("POST", b"HTTP/1.1 103 Early Hints\r\n\r\n" + WITH_LENGTH),
        ("POST", CHUNKED.replace(b"0\r\n\r\n", b"0\r\nX-Cost: 1\r\n\r\n")),
    ],
    ids=["length", "chunks", "no body", "HEAD", "informational", "trailers"],
)
def test_two_requests_share_a_connection(tmp_path: Path, method: str, answer: bytes) -> None:
    with serving(answer_all(answer)) as upstream:
        with MockOpenAI(upstream=upstream.url, record=tmp_path) as mock:
            statuses = [ask(mock, method), ask(mock, method)]
        assert upstream.requests == [1, 1]
    assert statuses == [204 if answer == WITHOUT_BODY else 200] * 2
    bodies = [sse.body(load(file)[0].script.steps) for file in tmp_path.glob("*.jsonl")]
    assert bodies == [b"{}" * (b"{}" in answer)] * 2


def test_concurrent_requests_use_separate_connections() -> None:
    both = threading.Barrier(2)

    def handle(client: Client) -> None:
        while client.read():
            if not both.broken:
                both.wait(10)
            client.answer(WITH_LENGTH)

    with serving(handle) as upstream, MockOpenAI(upstream=upstream.url) as mock:
        asking = [threading.Thread(target=ask, args=(mock,)) for _ in range(2)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        both.abort()
        assert ask(mock) == 200
        assert sorted(upstream.requests[:2]) == [1, 2]
        assert len(upstream.requests) == 3
        assert max(upstream.requests) == 2, "the third came over one of the two"


# Not reused


@pytest.mark.parametrize(
    "answer",
    [
        WITH_LENGTH.replace(b"\r\n", b"\r\nConnection: close\r\n", 1),
        WITH_LENGTH.replace(b"HTTP/1.1", b"HTTP/1.0"),
        WITH_LENGTH.replace(b"\r\n", b"\r\nProxy-Connection: close\r\n", 1),
        CHUNKED.replace(b"\r\n", b"\r\nContent-Length: 2\r\n", 1),
        WITH_LENGTH + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        CHUNKED + b"x",
        WITH_LENGTH.replace(b"200 OK", b"101 Switching Protocols"),
    ],
    ids=["close", "HTTP/1.0", "proxy", "two framings", "left over", "one byte", "upgrade"],
)
def test_a_connection_in_an_uncertain_state_is_closed(answer: bytes) -> None:
    with serving(answer_all(answer)) as upstream, MockOpenAI(upstream=upstream.url) as mock:
        first = ask(mock)
        assert upstream.closed.acquire(timeout=10), "the connection is closed"
        assert ask(mock) == first
        assert upstream.requests == [1, 2]


def test_bytes_after_the_response_answer_no_request() -> None:
    """They arrive while the connection is idle, before the next request."""

    def handle(client: Client) -> None:
        while client.read():
            client.answer(WITH_LENGTH)
            select.select([client.connection], [], [], 0.05)
            client.answer(b"HTTP/1.1 500 Not Yours\r\nContent-Length: 0\r\n\r\n")

    with serving(handle) as upstream, MockOpenAI(upstream=upstream.url) as mock:
        assert ask(mock) == 200
        assert upstream.closed.acquire(timeout=10)
        assert ask(mock) == 200
        assert upstream.requests == [1, 2]


def test_an_upstream_that_closes_after_each_response() -> None:
    with serving(answer_once()) as upstream, MockOpenAI(upstream=upstream.url) as mock:
        assert [ask(mock) for _ in range(5)] == [200] * 5
        assert upstream.requests == [1, 2, 3, 4, 5]
        assert [call.problem for call in mock.calls] == [None] * 5


def test_a_client_that_leaves_closes_the_upstream_connection() -> None:
    left_event = threading.Event()

    def stall(client: Client) -> None:
        client.read()
        client.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
        assert client.connection.recv(1) == b""
        left_event.set()

    with serving(stall, answer_all()) as upstream, MockOpenAI(upstream=upstream.url) as mock:
        place = ("127.0.0.1", int(mock.base_url.split(":")[2].split("/")[0]))
        with socket.create_connection(place) as client:
            client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(65536)
        assert left_event.wait(10)
        assert ask(mock) == 200
        assert upstream.requests == [1, 2]


# Closed when the next request arrives


def test_a_reused_connection_that_is_reset_is_replaced(tmp_path: Path) -> None:
    """The upstream closed the idle connection with the request unread, so its kernel sends RST."""

    def handle(client: Client) -> None:
        client.read()
        client.answer(WITH_LENGTH)
        select.select([client.connection], [], [])
        client.reset()

    with serving(handle, answer_all(CHUNKED)) as upstream:
        with MockOpenAI(upstream=upstream.url, record=tmp_path) as mock:
            assert [ask(mock), ask(mock)] == [200, 200]
            assert [call.problem for call in mock.calls] == [None, None]
        assert upstream.requests == [1, 2]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_request_is_retried_only_once(tmp_path: Path) -> None:
    def reset(client: Client) -> None:
        select.select([client.connection], [], [])
        client.reset()

    def handle(client: Client) -> None:
        client.read()
        client.answer(WITH_LENGTH)
        reset(client)

    with serving(handle, reset, answer_all()) as upstream:
        with MockOpenAI(upstream=upstream.url, record=tmp_path) as mock:
            assert [ask(mock), ask(mock)] == [200, 502]
            assert "gave no response: it reset the connection" in str(mock.calls[1].problem)
        assert upstream.requests == [1]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_request_that_the_upstream_received_is_not_sent_twice() -> None:
    """It sends FIN without an answer: it has read the request, and may have acted on it."""

    def handle(client: Client) -> None:
        client.read()
        client.answer(WITH_LENGTH)
        client.read()

    with serving(handle) as upstream, MockOpenAI(upstream=upstream.url) as mock:
        assert [ask(mock), ask(mock)] == [200, 502]
        assert upstream.requests == [1, 1]


def test_a_request_whose_response_has_begun_is_not_sent_twice() -> None:
    def handle(client: Client) -> None:
        client.read()
        client.answer(WITH_LENGTH)
        client.read()
        client.answer(b"HTTP/1.1 2")
        client.reset()

    with serving(handle) as upstream, MockOpenAI(upstream=upstream.url) as mock:
        assert [ask(mock), ask(mock)] == [200, 502]
        assert upstream.requests == [1, 1]


# How long they stay idle


@asynccontextmanager
async def silent_server() -> AsyncIterator[tuple[Route, asyncio.Queue[asyncio.StreamReader]]]:
    """Run a server that sends nothing; yield its route and the readers of its connections."""
    writers: list[asyncio.StreamWriter] = []
    readers: asyncio.Queue[asyncio.StreamReader] = asyncio.Queue()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        readers.put_nowait(reader)

    async with asyncio.timeout(10), await asyncio.start_server(take, "127.0.0.1", 0) as server:
        yield find_route(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), readers
        for writer in writers:
            writer.close()
            await writer.wait_closed()


def test_an_idle_connection_is_closed_after_a_while() -> None:
    async def run() -> None:
        async with silent_server() as (route, readers):
            pool = Pool(idle=0.01)
            pool.release(await connect(route))
            assert await (await readers.get()).read() == b""
            assert pool.acquire(route) is None

    asyncio.run(run())


def test_the_newest_connection_is_reused_first_and_only_once() -> None:
    async def run() -> None:
        async with silent_server() as (route, readers):
            pool = Pool()
            old, new = await connect(route), await connect(route)
            pool.release(old)
            pool.release(new)
            assert [pool.acquire(route) for _ in range(3)] == [new, old, None]
            pool.release(old)
            pool.release(new)
            assert pool.acquire(route._replace(port=route.port + 1)) is None
            assert pool.acquire(route._replace(secure=True)) is None
            await pool.close()
            assert old.incoming.closed.done()
            assert new.incoming.closed.done()
            assert [await (await readers.get()).read() for _ in range(2)] == [b"", b""]

    asyncio.run(run())


def test_a_closed_pool_keeps_no_connection() -> None:
    async def run() -> None:
        async with silent_server() as (route, readers):
            pool = Pool()
            await pool.close()
            pool.release(await connect(route))
            assert pool.acquire(route) is None
            assert await (await readers.get()).read() == b""

    asyncio.run(run())


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_server_that_stops_leaves_no_connection() -> None:
    with serving(answer_all()) as upstream:

        def run() -> None:
            with MockOpenAI(upstream=upstream.url) as mock:
                assert [ask(mock) for _ in range(3)] == [200] * 3
            assert upstream.closed.acquire(timeout=10), "while the upstream goes on"

        run()
        before = count_descriptors()
        for _ in range(3):
            run()
        until = time.monotonic() + 5
        while count_descriptors() > before:
            assert time.monotonic() < until, "there are more descriptors than before"
            time.sleep(0.01)


def test_an_error_response_does_not_close_the_connection(tmp_path: Path) -> None:
    with MockOpenAI(fast_retries=False, lenient=True) as upstream:
        with MockOpenAI(upstream=upstream.base_url, record=tmp_path) as mock:
            with httpx2.Client(trust_env=False) as client:
                for _ in range(2):
                    answer = client.post(f"{mock.base_url}/chat/completions", json={})
                    assert json.loads(answer.content)["error"]
        assert [call.connection for call in upstream.calls] == [1, 1]
