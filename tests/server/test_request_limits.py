"""The limits of a request: the size of its body, and its time to arrive."""

from __future__ import annotations

import gc
import io
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakSet

import httpx2
import openai
import pytest

from openai_mockserver import MockOpenAI, MockServerError, Pace, Reply, Request
from openai_mockserver.server import worker

HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
)
BODY = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


def connect(mock: MockOpenAI) -> socket.socket:
    url = httpx2.URL(mock.base_url)
    return socket.create_connection((url.host, url.port or 80), timeout=10)


def read_to_end(client: socket.socket) -> bytes:
    data = b""
    while read := client.recv(65536):
        data += read
    return data


def format_error(most: int, size: int) -> str:
    return f"Maximum content size limit ({most}) exceeded ({size} bytes read)"


# Size


def test_a_body_with_too_large_a_length_is_not_read() -> None:
    with MockOpenAI() as mock, connect(mock) as client:
        client.sendall(HEAD + b"Content-Length: 33554433\r\nExpect: 100-continue\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        answer = read_to_end(client)
        (call,) = mock.calls
    assert answer.startswith(b"HTTP/1.1 413 ")  # newer Pythons use another reason phrase
    assert b"connection: close" in answer.lower()
    assert httpx2.Response(413, content=answer.partition(b"\r\n\r\n")[2]).json() == {
        "error": {
            "message": format_error(33554432, 33554433),
            "type": "server_error",
            "param": None,
            "code": None,
        }
    }
    assert (call.status, call.body, call.ended) == (413, b"", "finished")


def test_a_chunked_body_is_read_up_to_the_limit() -> None:
    with MockOpenAI(max_body=1000) as mock, connect(mock) as client:
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"3e8\r\n%b\r\n" % (b"x" * 1000))
        client.sendall(b"1\r\nx\r\n")
        assert b" 413 " in client.recv(65536)
        client.sendall(b"0\r\n\r\n")
        read_to_end(client)
        (call,) = mock.calls
    assert call.problem is None
    assert format_error(1000, 1001).encode() in call.script.steps[0].data  # type: ignore[union-attr]


def test_the_sdk_gets_the_error_for_a_long_body() -> None:
    """It sends everything before it reads, so a reset must not discard the answer."""
    with MockOpenAI(max_body=1000) as mock:
        client = openai.OpenAI(base_url=mock.base_url, api_key="k", max_retries=0)
        messages: Any = [{"role": "user", "content": "x" * 20_000_000}]
        with client, pytest.raises(openai.APIStatusError, match="size limit") as error:
            client.chat.completions.create(model="gpt-4o", messages=messages)
    assert error.value.status_code == 413
    assert error.value.type == "server_error"


def test_a_body_at_the_limit_is_answered() -> None:
    with MockOpenAI(max_body=len(BODY)) as mock, connect(mock) as client:
        mock.reply("Hello")
        client.sendall(WHOLE)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_uploads_have_a_separate_limit() -> None:
    with MockOpenAI(max_body=10, max_upload=2000) as mock:
        client = openai.OpenAI(base_url=mock.base_url, api_key="k", max_retries=0)
        with client:
            file = client.files.create(file=("a", io.BytesIO(b"x" * 1000)), purpose="batch")
            with pytest.raises(openai.APIStatusError, match=r"size limit \(2000\)"):
                client.files.create(file=("a", io.BytesIO(b"x" * 2000)), purpose="batch")
    assert file.bytes == 1000


@pytest.mark.parametrize("wrong", [{"max_body": -1}, {"max_upload": -1}, {"request_timeout": 0}])
def test_invalid_limits(wrong: Any) -> None:
    (name,) = wrong
    with pytest.raises(MockServerError, match=name):
        MockOpenAI(**wrong)


# Time


@pytest.mark.parametrize("head_start", [b"", b"P", HEAD])
def test_a_head_that_does_not_come_ends_the_connection(head_start: bytes) -> None:
    with MockOpenAI(request_timeout=0.2) as mock, connect(mock) as client:
        client.sendall(head_start)
        assert read_to_end(client) == b""
        assert not mock.calls


def test_an_incomplete_second_head_ends_the_connection() -> None:
    with MockOpenAI(request_timeout=0.2) as mock, connect(mock) as client:
        mock.reply("Hello")
        client.sendall(WHOLE)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        client.sendall(HEAD)
        assert read_to_end(client) == b""
        assert len(mock.calls) == 1


def test_a_connection_between_requests_stays_open() -> None:
    with MockOpenAI(request_timeout=0.05) as mock, connect(mock) as client:
        mock.reply("Hello")
        client.sendall(WHOLE)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_a_client_that_half_closes_early_gets_an_error() -> None:
    with MockOpenAI() as mock, connect(mock) as client:
        client.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        client.shutdown(socket.SHUT_WR)
        answer = read_to_end(client)
        (call,) = mock.calls
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"the client closed its side of the connection after 1 bytes of the body" in answer
    assert (call.status, call.body, call.ended) == (400, b"", "finished")


def test_a_body_that_does_not_arrive_is_an_error() -> None:
    with MockOpenAI(request_timeout=0.2) as mock, connect(mock) as client:
        client.sendall(HEAD + b"Content-Length: 100\r\n\r\n{}")
        answer = client.recv(65536)
        (call,) = mock.calls
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"did not arrive completely within 0.2 seconds, only 2 bytes of it" in answer
    assert call.status == 408


def test_a_response_may_take_longer_than_a_request() -> None:
    with MockOpenAI(request_timeout=0.1) as mock:
        mock.reply(Reply(["a", "b", "c"]), pace=Pace(0.15, 0.15))
        client = openai.OpenAI(base_url=mock.base_url, api_key="k", max_retries=0)
        with client:
            messages: Any = [{"role": "user", "content": "Hi"}]
            stream = client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
            texts = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert "".join(piece or "" for piece in texts) == "abc"


# Slow answers


@pytest.mark.parametrize("parameters", [{"n": 2}, {"user": "x" * 5000}])
def test_a_slow_answer_does_not_stop_streams(parameters: dict[str, Any]) -> None:
    """A thread computes it, so a stream that begins meanwhile ends first."""
    begin_event, end_event = threading.Event(), threading.Event()

    def slow(request: Request) -> bool:
        begin_event.set()
        return end_event.wait(10)

    messages: Any = [{"role": "user", "content": "Hi"}]
    with MockOpenAI() as mock:
        mock.reply(Reply(["Hel", "lo"]))
        mock.on(slow, model="slow").reply("at last")
        client = openai.OpenAI(base_url=mock.base_url, api_key="k", max_retries=0)
        ask: Any = client.chat.completions.create
        with client, ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(ask, model="slow", messages=messages, **parameters)
            assert begin_event.wait(10)
            stream = ask(model="gpt-4o", messages=messages, stream=True)
            assert "".join(c.choices[0].delta.content or "" for c in stream) == "Hello"
            assert not waiting.done()
            end_event.set()
            assert waiting.result().choices[0].message.content == "at last"


def test_a_client_that_leaves_while_its_answer_is_computed() -> None:
    begin_event, end_event = threading.Event(), threading.Event()

    def slow(request: Request) -> bool:
        begin_event.set()
        return end_event.wait(10)

    body = BODY.replace(b"{", b'{"n": 2, ', 1)
    with MockOpenAI() as mock:
        mock.on(slow).reply("too late")
        with connect(mock) as client:
            client.sendall(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            assert begin_event.wait(10)
        with connect(
            mock
        ) as other:  # once this is answered, the server has noticed that the other has left
            other.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert other.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        end_event.set()
        call = mock.calls[0]
        assert call.wait(10)
    assert (call.ended, call.delivered.bytes) == ("client disconnected", 0)


def test_the_switch_interval_is_restored_after_slow_answers() -> None:
    usual = sys.getswitchinterval()
    barrier = threading.Barrier(3)
    during: list[float] = []
    collects: list[bool] = []

    def slow(request: Request) -> bool:
        barrier.wait(10)
        during.append(sys.getswitchinterval())
        collects.append(gc.isenabled())
        return True

    def ask(mock: MockOpenAI) -> int:
        payload = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "n": 2}
        return httpx2.post(f"{mock.base_url}/chat/completions", json=payload).status_code

    with MockOpenAI() as one, MockOpenAI() as other, ThreadPoolExecutor(2) as threads:
        for mock in (one, other):
            mock.on(slow).reply("Hello")
        waiting = [threads.submit(ask, mock) for mock in (one, other)]
        barrier.wait(10)
        assert [future.result() for future in waiting] == [200, 200]
    assert max(during) <= 0.0005
    assert sys.getswitchinterval() == usual
    assert collects == [False, False]
    assert gc.isenabled()


@pytest.mark.slow
def test_garbage_of_slow_answers_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not while an answer is computed, nor directly afterwards; but it does not accumulate."""
    monkeypatch.setattr(worker, "_MOST_UNCOLLECTED", 100_000)

    class Garbage(list[object]):
        """A list in a reference cycle."""

        __hash__ = object.__hash__  # type: ignore[assignment]

    garbage: WeakSet[Garbage] = WeakSet()

    def leave_garbage(request: Request) -> bool:
        first = Garbage()
        first += [first, *([] for _ in range(30_000))]
        garbage.add(first)
        return True

    with MockOpenAI(keep_calls=1) as mock, httpx2.Client(trust_env=False) as client:
        mock.on(leave_garbage).reply("Hello")
        payload = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "n": 2}
        for _ in range(12):
            client.post(f"{mock.base_url}/chat/completions", json=payload)
    assert len(garbage) <= 5
