"""`Call.ended` and `Call.delivered` are true in every case."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import openai
import pytest

from openai_mockserver import Head, MockOpenAI, Pace, Raw, Script
from openai_mockserver.faults import hold, reset, slice, stall, truncate
from openai_mockserver.journal import Call

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux reports what a client has read"
)

PACED = Pace(itl=0.02)
CHUNK_END = b"\n\n\r\n"


@contextmanager
def open_request(mock: MockOpenAI, stream: bool = True) -> Iterator[socket.socket]:
    """Yield a client that has sent a request and read nothing."""
    host, port = mock.base_url.removeprefix("http://").removesuffix("/v1").split(":")
    payload = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
    body = json.dumps(payload).encode()
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )
        yield client


def read_events(client: socket.socket, n: int) -> None:
    """Read ``n`` events, and not a byte more."""
    read = bytearray()
    while read.count(CHUNK_END) < n:
        byte = client.recv(1)
        assert byte
        read += byte


def read_all(client: socket.socket) -> bytes:
    read = bytearray()
    while not read.endswith(b"\r\n0\r\n\r\n"):
        part = client.recv(65536)
        assert part, bytes(read)
        read += part
    return bytes(read)


def find_call(mock: MockOpenAI) -> Call:
    (call,) = mock.calls
    assert call.wait(5)
    return call


# Streams of eight events: the role, five words, the finish reason, [DONE]
WORDS = " ".join(["word"] * 5)
EVENTS = 8


@pytest.mark.parametrize("k", range(EVENTS))
def test_delivered_is_exact_for_a_paced_stream(mock_openai: MockOpenAI, k: int) -> None:
    mock_openai.reply(WORDS, pace=PACED)
    with open_request(mock_openai) as client:
        read_events(client, k)
        if not k:
            client.recv(1, socket.MSG_PEEK)
    call = find_call(mock_openai)
    assert (call.ended, *call.delivered) == ("client disconnected", k, call.delivered.bytes, True)
    sizes = [len(step.data) + 8 for step in call.script.events]
    assert call.delivered.bytes == sum(sizes[:k])


@pytest.mark.parametrize("k", [0, 1, 3, 7])
@pytest.mark.openai_mock(lead=1)
def test_delivered_is_exact_with_a_lead_of_one(mock_openai: MockOpenAI, k: int) -> None:
    mock_openai.reply(WORDS)
    with open_request(mock_openai) as client:
        client.recv(1, socket.MSG_PEEK)
        read_events(client, k)
    call = find_call(mock_openai)
    assert call.ended == "client disconnected"
    assert (call.delivered.events, call.delivered.exact) == (k, True)


@pytest.mark.openai_mock(lead=3)
def test_lead_limits_the_unread_events(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(WORDS)
    with open_request(mock_openai) as client:
        read_events(client, 4)
    call = find_call(mock_openai)
    assert call.ended == "client disconnected"
    assert (call.delivered.events, call.delivered.exact) == (6, False)


@pytest.mark.parametrize("k", [0, 4])
def test_delivered_is_otherwise_an_upper_bound(mock_openai: MockOpenAI, k: int) -> None:
    mock_openai.reply("word " * 200)
    with open_request(mock_openai) as client:
        client.recv(1, socket.MSG_PEEK)
        read_events(client, k)
    call = find_call(mock_openai)
    assert call.ended == "client disconnected"
    assert (call.delivered.events, call.delivered.exact) == (204, False)
    assert "at most 204 of 204 events, client disconnected" in call.line()


@pytest.mark.parametrize("read", [0, 10])
def test_delivered_is_an_upper_bound_for_a_body(mock_openai: MockOpenAI, read: int) -> None:
    mock_openai.reply("word " * 200)
    with open_request(mock_openai, stream=False) as client:
        client.recv(1, socket.MSG_PEEK)
        if read:
            client.recv(read)
    call = find_call(mock_openai)
    assert (call.ended, call.delivered.exact) == ("client disconnected", False)


@pytest.mark.parametrize("pace", [None, PACED], ids=["unpaced", "paced"])
@pytest.mark.parametrize("leaves", [False, True])
@pytest.mark.parametrize("how", ["all at once", "byte by byte", "half-closed"])
def test_a_client_that_reads_everything_has_finished(
    mock_openai: MockOpenAI, pace: Pace | None, leaves: bool, how: str
) -> None:
    mock_openai.reply(WORDS, pace=pace)
    with open_request(mock_openai) as client:
        if how == "half-closed":
            client.shutdown(socket.SHUT_WR)
        if how == "byte by byte":
            read_events(client, EVENTS)
            assert client.recv(100) == b"0\r\n\r\n"
        else:
            read_all(client)
        if leaves:
            client.close()
        call = find_call(mock_openai)
    assert call.ended == "finished"
    assert (call.delivered.events, call.delivered.exact) == (EVENTS, True)


@pytest.mark.slow
def test_a_client_with_unread_bytes_has_not_finished(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("word " * 200)
    with open_request(mock_openai) as client:
        client.recv(1, socket.MSG_PEEK)
        (call,) = mock_openai.calls
        assert not call.wait(0.05)
        assert call.delivered.exact is False
        read_all(client)
        assert call.wait(5)
        assert call.ended == "finished"


@pytest.mark.parametrize(
    ("fault", "outcome"), [(reset, "reset"), (truncate, "truncated")], ids=["reset", "truncate"]
)
def test_delivered_is_exact_with_faults(
    mock_openai: MockOpenAI, fault: Callable[..., object], outcome: str
) -> None:
    mock_openai.reply(WORDS, faults=fault(after=3))  # type: ignore[arg-type]
    with open_request(mock_openai) as client:
        read_events(client, 3)
        call = find_call(mock_openai)
    assert (call.ended, call.delivered.events, call.delivered.exact) == (outcome, 3, True)


@pytest.mark.parametrize("fault", [stall(after=3), hold(), slice(inside="events")], ids=repr)
@pytest.mark.parametrize("leaves_unread", [False, True])
def test_a_client_that_leaves_in_silence_has_what_it_read(
    mock_openai: MockOpenAI, fault: Callable[..., object], leaves_unread: bool
) -> None:
    mock_openai.reply(WORDS, faults=fault)  # type: ignore[arg-type]
    exact = "slice" in repr(fault)
    k = 3 if "hold" not in repr(fault) else EVENTS
    with open_request(mock_openai) as client:
        read_events(client, k - leaves_unread)
    call = find_call(mock_openai)
    assert call.ended == "client disconnected"
    if exact:
        assert (call.delivered.events, call.delivered.exact) == (k - leaves_unread, True)
    else:
        assert call.delivered.events == k
        assert call.delivered.exact is not leaves_unread


def test_a_half_closed_client_that_leaves_in_silence_is_noticed(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(WORDS, faults=stall(after=3))
    with open_request(mock_openai) as client:
        client.shutdown(socket.SHUT_WR)
        read_events(client, 3)
        (call,) = mock_openai.calls
        assert not call.wait(0.1)
    assert find_call(mock_openai).ended == "client disconnected"
    assert call.delivered.events == 3


def test_a_half_closed_connection_is_closed_after_its_response(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(WORDS)
    with open_request(mock_openai) as client:
        client.shutdown(socket.SHUT_WR)
        read_all(client)
        assert client.recv(1) == b""


def test_delivered_counts_what_the_sdk_read(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(WORDS, pace=PACED)
    for k in range(1, EVENTS - 1):
        with openai.OpenAI(base_url=mock_openai.base_url, api_key="x") as client:
            response = client.chat.completions.create(
                model="m", stream=True, messages=[{"role": "user", "content": "Hi"}]
            )
            with response as stream:
                for _ in range(k):
                    next(stream)
        call = mock_openai.calls[-1]
        assert call.wait(5)
        assert (call.ended, call.delivered.events) == ("client disconnected", k)
        assert call.delivered.exact


def test_clients_that_leave_with_unread_bytes_leak_no_descriptors(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("word " * 200)

    def leave(times: int) -> int:
        for _ in range(times):
            with open_request(mock_openai) as client:
                read_events(client, 1)
            assert mock_openai.calls[-1].wait(5)
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    with open_request(mock_openai) as client:
        read_all(client)
        assert mock_openai.calls[-1].wait(5)  # the server opens a netlink socket
    before = leave(1)
    assert leave(30) <= before
    assert {call.ended for call in mock_openai.calls[1:]} == {"client disconnected"}


def test_serve_logs_the_same() -> None:
    command = [sys.executable, "-m", "openai_mockserver", "serve", "--port=0", "--pace=none"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            first = process.stdout.readline()
            while process.stdout.readline() != "\n":  # after what it announces
                pass
            url = first.split(" answers on ")[1].split("/v1 ")[0]

            class Served:
                base_url = f"{url}/v1"

            for read, outcome in ((False, "client disconnected"), (True, "finished")):
                with open_request(Served()) as client:  # type: ignore[arg-type]
                    if read:
                        read_all(client)
                    else:
                        read_events(client, 4)
                line = process.stdout.readline()
                assert f"events, {outcome}" in line
                assert ("at most" in line) is not read
        finally:
            process.kill()


@pytest.mark.parametrize(
    "framing", [("Transfer-Encoding", "chunked"), ("Content-Length", "5000005")]
)
def test_a_long_step_is_written_in_slices(framing: tuple[str, str]) -> None:
    """So that it does not delay other streams."""
    steps = (Raw(b"x" * 5_000_000, 3), Raw(b"last\n", 1))
    with MockOpenAI() as mock, httpx2.Client(trust_env=False) as client:
        mock.reply(Script(Head(200, (framing,)), steps))
        answer = client.post(
            f"{mock.base_url}/chat/completions",
            json={"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
        )
        (call,) = mock.calls
        assert call.delivered == (4, 5_000_005, True)
        assert [part.events for part in call.times if part.events] == [3, 1]
        assert len(call.times) > 19
    assert answer.content == b"x" * 5_000_000 + b"last\n"


def test_a_client_that_resets_after_reading_everything_has_finished(
    mock_openai: MockOpenAI,
) -> None:
    mock_openai.reply(WORDS)
    with open_request(mock_openai) as client:
        read_all(client)
        (call,) = mock_openai.calls
        assert call.wait(5)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert (call.ended, call.delivered.exact) == ("finished", True)


def test_a_next_request_proves_that_the_first_response_was_read(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(WORDS)
    with httpx2.Client(base_url=mock_openai.base_url, trust_env=False) as client:
        payload = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        for n in range(1, 20):
            assert client.post("/chat/completions", json=payload).status_code == 200
            for call in mock_openai.calls[: n - 1]:  # before this request
                assert call.is_finished
                assert call.delivered == (EVENTS, call.delivered.bytes, True)
