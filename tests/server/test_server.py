"""The loopback server: the script is exactly what arrives, and the outcome is known."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol

from openai_mockserver import MockOpenAI, Pace, Pause, Raw, Reply, Request, Script, ServerError
from openai_mockserver.faults import latency, reset, stall, truncate
from openai_mockserver.script import Head
from openai_mockserver.server import Loopback

PAYLOAD = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
BODY = json.dumps(PAYLOAD).encode()
PATH = "/v1/chat/completions"
LAST = b"\r\n0\r\n\r\n"


Connect = Callable[[MockOpenAI], "RawClient"]


class RawClient:
    """A bare socket, so that nothing hides what arrives."""

    def __init__(self, mock: MockOpenAI) -> None:
        url = httpx2.URL(mock.base_url)
        self.socket = socket.create_connection((url.host, url.port or 80), timeout=10)
        self._buffer = bytearray()

    def ask(self, body: bytes = BODY, extra: bytes = b"") -> None:
        """Send a request."""
        self.socket.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"%bContent-Length: %d\r\n\r\n%b" % (extra, len(body), body)
        )

    def read_until(self, mark: bytes) -> bytes:
        """Read up to and including the mark."""
        search_start = 0
        while (at := self._buffer.find(mark, search_start)) < 0:
            search_start = max(len(self._buffer) - len(mark) + 1, 0)
            read = self.socket.recv(65536)
            assert read, f"closed before {mark!r}: {bytes(self._buffer)!r}"
            self._buffer += read
        end = at + len(mark)
        data = bytes(self._buffer[:end])
        del self._buffer[:end]
        return data

    def read_to_end(self) -> tuple[bytes, str]:
        """Return all bytes, and how the connection ended."""
        while True:
            try:
                read = self.socket.recv(65536)
            except ConnectionResetError:
                return bytes(self._buffer), "RST"
            if not read:
                return bytes(self._buffer), "FIN"
            self._buffer += read

    def close(self) -> None:
        self.socket.close()


@pytest.fixture(params=["httptools", "h11"], autouse=True)
def http_protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use each of uvicorn's parsers: httptools, if it is installed, and h11."""
    if request.param == "h11":
        monkeypatch.setattr("openai_mockserver.server.protocol._http_protocol", lambda: H11Protocol)


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Return a function that connects raw clients, which are closed at the end."""
    clients: list[RawClient] = []

    def connect_client(mock: MockOpenAI) -> RawClient:
        clients.append(RawClient(mock))
        return clients[-1]

    yield connect_client
    for client in clients:
        client.close()


@pytest.fixture
def raw(mock_openai: MockOpenAI, connect: Connect) -> RawClient:
    """A raw client of the mock."""
    return connect(mock_openai)


def decode_chunks(body: bytes) -> bytes:
    """Return the data of all complete HTTP chunks (RFC 9112 §7.1)."""
    data, at = bytearray(), 0
    while (end := body.find(b"\r\n", at)) >= 0:
        n = int(body[at:end], 16)
        start, at = end + 2, end + 2 + n + 2
        if not n or at > len(body):
            break
        data += body[start : start + n]
    return bytes(data)


@pytest.mark.parametrize("after", [0, 1, 2, 3, 7, 50])
@pytest.mark.parametrize(("fault", "end"), [(reset, "RST"), (truncate, "FIN")])
def test_exactly_n_events_arrive_every_time(
    mock_openai: MockOpenAI, fault: Any, end: str, after: int, connect: Connect
) -> None:
    mock_openai.reply("word " * 60, faults=[fault(after=after)])
    for _ in range(10):
        client = connect(mock_openai)
        client.ask()
        data, end_kind = client.read_to_end()
        head, _, body = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert end_kind == end
        assert decode_chunks(body).count(b"\n\n") == after
        assert not body.endswith(b"0\r\n\r\n")


def test_a_reset_waits_for_a_slow_client(
    mock_openai: MockOpenAI,
    connect: Connect,
) -> None:
    """Two megabytes wait in buffers; the client starts to read only when the server waits."""
    mock_openai.reply(Reply(["x" * 1000] * 2000), faults=[reset(after=1990)])
    client = connect(mock_openai)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.ask()
    data, end_kind = client.read_to_end()
    assert end_kind == "RST"
    assert decode_chunks(data.partition(b"\r\n\r\n")[2]).count(b"\n\n") == 1990
    assert mock_openai.calls[0].ended == "reset"


def test_each_event_is_a_separate_http_chunk(mock_openai: MockOpenAI, raw: RawClient) -> None:
    mock_openai.reply("one two")
    raw.ask(extra=b"Connection: close\r\n")
    response, end_kind = raw.read_to_end()
    body = response.partition(b"\r\n\r\n")[2]
    sizes = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        sizes.append(int(size, 16))
        data, body = rest[: sizes[-1]], rest[sizes[-1] + 2 :]
        assert data.count(b"\n\n") == (1 if data else 0)
    assert (len(sizes), sizes[-1], end_kind) == (6, 0, "FIN")


def test_a_client_that_leaves_is_noticed_at_once(mock_openai: MockOpenAI, raw: RawClient) -> None:
    mock_openai.reply("word " * 500, pace=Pace(itl=0.01))
    raw.ask()
    for _ in range(12):
        raw.read_until(b"\n\n")
    raw.close()
    call = mock_openai.calls[0]
    assert call.wait(1)
    assert call.ended == "client disconnected"
    assert 12 <= call.delivered.events <= 20
    body = sum(len(step.data) + 8 for step in call.script.events[: call.delivered.events])
    assert call.delivered.bytes == body


@pytest.mark.parametrize("fault", [stall(after=2), latency(600)], ids=repr)
def test_a_client_that_leaves_in_silence_is_noticed(
    mock_openai: MockOpenAI, raw: RawClient, fault: Any
) -> None:
    request_event = threading.Event()

    def arrives(_: Request) -> bool:
        request_event.set()
        return True

    mock_openai.on(arrives).reply("one two", faults=[fault])
    raw.ask()
    if "stall" in repr(fault):
        raw.read_until(b"\n\n")
        raw.read_until(b"\n\n")
    else:
        request_event.wait(5)
    raw.close()
    assert mock_openai.calls[0].wait(1)
    assert mock_openai.calls[0].ended == "client disconnected"


def test_a_connection_serves_several_requests(mock_openai: MockOpenAI, raw: RawClient) -> None:
    mock_openai.reply("one", "two")
    for text in (b'"one"', b'"two"'):
        raw.ask()
        assert text in raw.read_until(LAST)


def test_pipelined_requests_are_answered_in_turn(mock_openai: MockOpenAI, raw: RawClient) -> None:
    mock_openai.reply("one", "two")
    raw.ask()
    raw.ask()
    assert b'"one"' in raw.read_until(LAST)
    assert b'"two"' in raw.read_until(LAST)


def test_a_paced_stream_keeps_its_times(mock_openai: MockOpenAI, raw: RawClient) -> None:
    mock_openai.reply("one two three four", pace=Pace(ttft=0.1, itl=0.05))
    start = time.monotonic()
    raw.ask()
    raw.read_until(b"\r\n\r\n")
    assert 0.1 <= time.monotonic() - start < 0.6
    raw.read_until(LAST)
    assert 0.1 + 4 * 0.05 <= time.monotonic() - start < 1.2


def test_silence_inside_a_body_of_known_length(mock_openai: MockOpenAI, raw: RawClient) -> None:
    head = Head(200, (("Content-Type", "application/json"), ("Content-Length", "4")))
    mock_openai.reply(Script(head, (Raw(b"{ "), Pause(0.1), Raw(b" }"), Pause(0.1))))
    start = time.monotonic()
    raw.ask()
    raw.read_until(b"\r\n\r\n{ ")
    raw.read_until(b" }")
    assert time.monotonic() - start >= 0.09
    assert mock_openai.calls[0].ended == "finished"


def test_many_streams_at_once(mock_openai: MockOpenAI, connect: Connect) -> None:
    mock_openai.reply("word " * 30, pace=Pace(ttft=0.05, itl=0.005))
    clients = [connect(mock_openai) for _ in range(100)]
    for client in clients:
        client.ask()
    for client in clients:
        assert client.read_until(LAST).count(b"\n\n") == 34
    assert {call.ended for call in mock_openai.calls} == {"finished"}


def test_a_client_that_does_not_read_does_not_delay_others(
    mock_openai: MockOpenAI, connect: Connect
) -> None:
    mock_openai.reply(Reply(["x" * 1000] * 5000))
    idle = connect(mock_openai)
    idle.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    idle.ask()
    idle.read_until(b"\r\n\r\n")
    mock_openai.reply("quick")
    other = connect(mock_openai)
    other.ask()
    assert b"quick" in other.read_until(LAST)
    assert mock_openai.calls[0]._events < 5000, "the stream must wait for its client"
    assert decode_chunks(idle.read_until(LAST)).count(b"\n\n") == 5003


# Starting and stopping


def test_it_is_bound_to_the_loopback_address_only() -> None:
    with MockOpenAI() as mock:
        assert mock.base_url.startswith("http://127.0.0.1:")
        assert mock.base_url == mock.base_url


def test_a_port_in_use_is_an_error() -> None:
    with MockOpenAI() as mock:
        port = httpx2.URL(mock.base_url).port
        with pytest.raises(ServerError, match=f"port {port} of 127.0.0.1 is in use"):
            _ = MockOpenAI(port=port or 0).base_url


def test_a_fixed_port_is_opened_when_the_mock_is_entered() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with MockOpenAI(port=port) as mock:
        mock.reply("Hello")
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        assert "Hello" in httpx2.post(url, json=PAYLOAD, trust_env=False).text
        with pytest.raises(ServerError, match=f"port {port} of 127.0.0.1 is in use"):
            MockOpenAI(port=port).__enter__()


def test_an_invalid_address_is_an_error() -> None:
    with pytest.raises(ServerError, match=r"cannot listen on 256\.0\.0\.1, port 0"):
        _ = MockOpenAI(host="256.0.0.1").base_url


def test_stopping_with_open_streams_leaves_nothing(connect: Connect) -> None:
    before = set(threading.enumerate())
    mock = MockOpenAI()
    mock.reply("word " * 50, pace=Pace(itl=0.05))
    clients = [connect(mock) for _ in range(5)]
    for client in clients:
        client.ask()
        client.read_until(b"\n\n")
    start = time.monotonic()
    mock.stop()
    assert time.monotonic() - start < 0.5
    assert set(threading.enumerate()) == before
    for client in clients:
        client.read_to_end()
    assert {call.ended for call in mock.calls} == {"server stopped"}


@pytest.mark.parametrize("leaves", [False, True], ids=["waits", "leaves"])
def test_a_client_that_connects_while_it_stops_does_not_delay_it(leaves: bool) -> None:
    mock = MockOpenAI()
    url = httpx2.URL(mock.base_url)
    httpx2.get(url)
    server = mock._server
    assert isinstance(server, Loopback)
    loop = server._server_run._loop
    assert loop is not None
    is_held, is_released = threading.Event(), threading.Event()

    def hold() -> None:
        is_held.set()
        is_released.wait(10)

    loop.call_soon_threadsafe(hold)
    assert is_held.wait(10)
    with contextlib.ExitStack() as clients:
        # The loop accepts one of them a turn: the last in that in which it stops.
        for _ in range(3):
            client = socket.create_connection((url.host, url.port or 80))
            clients.enter_context(client)
        server._server_run.stop()
        is_released.set()
        if leaves:
            clients.close()
        server._thread.join(10)
        assert not server._thread.is_alive()
    mock.stop()


def test_it_starts_again_after_a_stop() -> None:
    mock = MockOpenAI()
    mock.reply("Hello")
    for _ in range(2):
        response = httpx2.post(f"{mock.base_url}/chat/completions", json=PAYLOAD, trust_env=False)
        assert "Hello" in response.text
        mock.stop()


def test_a_server_without_clients_stops() -> None:
    before = set(threading.enumerate())
    for _ in range(20):
        mock = MockOpenAI()
        assert mock.base_url
        mock.stop()
    assert set(threading.enumerate()) == before


def test_it_starts_quickly_after_its_imports(connect: Connect) -> None:
    """It takes under 30 ms from the constructor to the head of the first answer."""
    durations = []
    for _ in range(5):
        start = time.perf_counter()
        mock = MockOpenAI()
        mock.reply("Hello")
        client = connect(mock)
        client.ask()
        client.read_until(b"\r\n\r\n")
        durations.append(time.perf_counter() - start)
        mock.stop()
    assert min(durations) < 0.03


@pytest.mark.slow
def test_no_logs_and_no_warnings() -> None:
    """In a separate process, with warnings as errors and asyncio's debug mode."""
    code = """if True:
        import json, socket
        from openai_mockserver import MockOpenAI, Pace
        from openai_mockserver.faults import reset, truncate, stall
        asked = json.dumps({"model": "m", "stream": True,
                            "messages": [{"role": "user", "content": "Hi"}]}).encode()
        with MockOpenAI() as mock:
            port = int(mock.base_url.split(":")[2].split("/")[0])
            for faults in ([], [reset(after=2)], [truncate(after=2)], [stall(after=2)]):
                mock.reply("one two three", faults=faults, pace=Pace(itl=0.001))
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.sendall(b"POST /v1/chat/completions HTTP/1.1\\r\\nHost: localhost\\r\\n"
                                   b"Content-Length: %d\\r\\n\\r\\n%b" % (len(asked), asked))
                    client.recv(100)
                assert mock.calls[-1].ended
    """
    result = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", code], capture_output=True, text=True
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


# Requests of other clients


def test_a_loopback_page_may_send_requests(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    url = f"{mock_openai.base_url}/chat/completions"
    origin = {"Origin": "http://localhost:3000"}
    with httpx2.Client(trust_env=False) as client:
        preflight = client.options(url, headers=origin | {"Access-Control-Request-Method": "POST"})
        answer = client.post(url, headers=origin, json=PAYLOAD)
    for response in (preflight, answer):
        assert response.is_success
        assert response.headers["access-control-allow-origin"] == origin["Origin"]
    assert len(mock_openai.calls) == 1


def test_other_clients_get_no_cors_headers(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    answer = httpx2.post(f"{mock_openai.base_url}/chat/completions", json=PAYLOAD, trust_env=False)
    assert "access-control-allow-origin" not in answer.headers


def test_a_client_of_http_1_0_gets_no_chunks(mock_openai: MockOpenAI, raw: RawClient) -> None:
    """RFC 9112 §7: the end of the connection ends the body."""
    mock_openai.reply("Hello")
    head = b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    raw.socket.sendall(head + BODY)
    data, end = raw.read_to_end()
    assert end == "FIN"
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert body.startswith(b"data: {")
    assert body.endswith(b"data: [DONE]\n\n")


def test_garbage_is_refused_and_the_server_continues(
    mock_openai: MockOpenAI, raw: RawClient, connect: Connect
) -> None:
    raw.socket.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
    data, _ = raw.read_to_end()
    assert data.startswith(b"HTTP/1.1 400")
    mock_openai.reply("Hello")
    other = connect(mock_openai)
    other.ask()
    assert b"Hello" in other.read_until(LAST)


def test_a_client_that_pipelines_and_leaves_leaves_nothing_behind(
    mock_openai: MockOpenAI, raw: RawClient, caplog: pytest.LogCaptureFixture
) -> None:
    """uvicorn notifies only the last request of a connection of its loss."""
    mock_openai.reply("word " * 100, pace=Pace(itl=0.02))
    for _ in range(3):
        raw.ask()
    raw.read_until(b"data: ")
    raw.close()
    assert mock_openai.calls[0].wait(5)
    assert mock_openai.calls[0].ended == "client disconnected"
    assert len(mock_openai.calls) == 1
    start = time.monotonic()
    mock_openai.stop()
    assert time.monotonic() - start < 0.9, "a task that hangs delays the stop"
    assert caplog.text == ""


def test_an_incomplete_request_is_not_a_call(
    mock_openai: MockOpenAI, raw: RawClient, connect: Connect
) -> None:
    raw.socket.sendall(b"POST " + PATH.encode() + b" HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    raw.close()
    mock_openai.reply("Hello")
    other = connect(mock_openai)
    other.ask()
    assert b"Hello" in other.read_until(LAST)
    assert len(mock_openai.calls) == 1


def test_start_returns_the_loopback_server(mock_openai: MockOpenAI) -> None:
    assert isinstance(mock_openai.start(), Loopback)


def test_a_connection_that_is_reset_before_it_is_accepted_leaves_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The system accepts it while the event loop is busy; then its address is unknown."""
    begin_event, go_on = threading.Event(), threading.Event()

    def busy(request: Request) -> bool:
        begin_event.set()
        return go_on.wait(10)

    def count_sockets() -> int:
        links = [
            str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()
        ]
        return sum(link.startswith("socket:") for link in links)

    with MockOpenAI() as mock, httpx2.Client(trust_env=False) as client:
        mock.on(busy).reply("Hello")
        url = httpx2.URL(mock.base_url)
        client.get(f"{url}/models")
        assert mock.calls[0].wait(10)  # the server has now opened everything that it needs
        before = count_sockets()
        asking = threading.Thread(
            target=client.post, args=[f"{url}/chat/completions"], kwargs={"json": PAYLOAD}
        )
        asking.start()
        assert begin_event.wait(10)
        for _ in range(5):
            with socket.create_connection((url.host, url.port or 0)) as leaver:
                leaver.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        go_on.set()
        asking.join()
        for _ in range(100):  # each is a turn of the event loop, which may close them
            assert client.get(f"{url}/models").status_code == 200
            if count_sockets() == before:
                break
        assert count_sockets() == before
    assert caplog.text == ""
