"""The in-process transport: incremental, on a virtual clock, for both HTTP libraries."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import httpx2
import openai
import pytest

from openai_mockserver import MockOpenAI, MockServerError, Pace, Reply, Request, Script
from openai_mockserver.faults import latency, reset, stall, truncate

ASKED = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
URL = "http://mock/v1/chat/completions"


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """Each HTTP library."""
    module: ModuleType = request.param
    return module


@pytest.fixture
def client(library: ModuleType, mock_openai: MockOpenAI) -> Iterator[Any]:
    """A sync client of the library."""
    with library.Client(transport=mock_openai.transport(), timeout=5) as client:
        yield client


def test_the_response_is_as_scripted(client: Any, mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    response = client.post(URL, json=ASKED)
    call = mock_openai.calls[0]
    headers = [(k.lower(), v) for k, v in call.script.head.headers]
    assert list(response.headers.multi_items()) == headers
    assert response.status_code == 200
    assert response.text.endswith("data: [DONE]\n\n")
    assert (call.ended, call.delivered) == ("finished", (4, len(response.content), True))


def test_a_chunk_arrives_before_the_next_is_played(client: Any, mock_openai: MockOpenAI) -> None:
    mock_openai.reply("one two three")
    with client.stream("POST", URL, json=ASKED) as response:
        event_counts = []
        for _ in response.iter_raw():
            event_counts.append(mock_openai.calls[0]._events)
    assert event_counts == [1, 2, 3, 4, 5, 6]


async def test_a_chunk_arrives_before_the_next_for_async_clients(
    library: ModuleType, mock_openai: MockOpenAI
) -> None:
    mock_openai.reply("one two three")
    async with library.AsyncClient(transport=mock_openai.transport()) as client:
        async with client.stream("POST", URL, json=ASKED) as response:
            event_counts = [mock_openai.calls[0]._events async for _ in response.aiter_raw()]
    assert event_counts == [1, 2, 3, 4, 5, 6]
    assert mock_openai.calls[0].ended == "finished"


def test_leaving_early_is_noticed(client: Any, mock_openai: MockOpenAI) -> None:
    mock_openai.reply("one two three")
    with client.stream("POST", URL, json=ASKED) as response:
        reads = response.iter_raw()
        next(reads)
        next(reads)
    assert mock_openai.calls[0].ended == "client disconnected"
    assert mock_openai.calls[0].delivered.events == 2


def test_leaving_after_the_last_event_is_finishing(client: Any, mock_openai: MockOpenAI) -> None:
    """The SDK stops reading at [DONE]."""
    mock_openai.reply("one")
    with client.stream("POST", URL, json=ASKED) as response:
        reads = response.iter_raw()
        for _ in range(4):
            next(reads)
    assert mock_openai.calls[0].ended == "finished"


def test_the_virtual_clock_never_waits(client: Any, mock_openai: MockOpenAI) -> None:
    mock_openai.reply("word" + " word" * 49, pace=Pace(ttft=4, itl=3))
    waits: list[float] = []
    mock_openai.clock.on_advance.append(waits.append)
    start, clock_start = time.monotonic(), mock_openai.clock.now
    assert "[DONE]" in client.post(URL, json=ASKED).text
    assert time.monotonic() - start < 2
    assert mock_openai.clock.now - clock_start == sum(waits) == 4 + 50 * 3


@pytest.mark.parametrize(
    ("fault", "events"),
    [(stall(after=2), 2), (stall(after=2, seconds=6), 2), (latency(6), 0)],
    ids=repr,
)
def test_silence_longer_than_the_read_timeout_raises_at_once(
    library: ModuleType, client: Any, mock_openai: MockOpenAI, fault: Any, events: int
) -> None:
    mock_openai.reply("one two three", faults=[fault])
    clock_start = mock_openai.clock.now
    with pytest.raises(library.ReadTimeout):
        client.post(URL, json=ASKED)
    assert mock_openai.clock.now - clock_start == 5
    assert mock_openai.calls[0].ended == "client disconnected"
    assert mock_openai.calls[0].delivered.events == events


def test_a_shorter_silence_does_not_raise(client: Any, mock_openai: MockOpenAI) -> None:
    mock_openai.reply("one", faults=[stall(after=2, seconds=5), latency(5)])
    assert client.post(URL, json=ASKED).status_code == 200


def test_endless_silence_without_a_timeout_is_an_error(
    client: Any, mock_openai: MockOpenAI
) -> None:
    mock_openai.reply("one", faults=[stall(after=2)])
    with pytest.raises(MockServerError, match="would wait forever"):
        client.post(URL, json=ASKED, timeout=None)


@pytest.mark.parametrize(
    ("fault", "name"),
    [(reset(after=2), "ReadError"), (truncate(after=2), "RemoteProtocolError")],
    ids=repr,
)
def test_broken_connections(
    library: ModuleType, client: Any, mock_openai: MockOpenAI, fault: Any, name: str
) -> None:
    mock_openai.reply("one two", faults=[fault])
    data = b""
    with pytest.raises(getattr(library, name)), client.stream("POST", URL, json=ASKED) as response:
        for read in response.iter_raw():
            data += read
    assert data.count(b"\n\n") == 2


@pytest.mark.openai_mock(clock="real")
def test_the_real_clock_waits(client: Any, mock_openai: MockOpenAI) -> None:
    mock_openai.reply("one two", pace=Pace(ttft=0.05, itl=0.05))
    start = time.monotonic()
    client.post(URL, json=ASKED)
    assert time.monotonic() - start >= 0.15


@pytest.mark.openai_mock(clock="real")
async def test_the_real_clock_waits_without_blocking(mock_openai: MockOpenAI) -> None:
    import anyio

    mock_openai.reply("one two", pace=Pace(ttft=0.05, itl=0.05))
    client = mock_openai.async_client()
    start = time.monotonic()

    async def ask() -> None:
        await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}]
        )

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(ask)
    assert 0.05 <= time.monotonic() - start < 20 * 0.05


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_it_works_on_any_event_loop(anyio_backend: str) -> None:
    mock = MockOpenAI()
    mock.reply("one two", pace=Pace(itl=1))
    async with httpx2.AsyncClient(transport=mock.transport()) as client:
        response = await client.post(URL, json=ASKED)
    assert response.text.count("data: ") == 5


async def test_other_tasks_run_between_two_chunks(mock_openai: MockOpenAI) -> None:
    import asyncio

    mock_openai.reply("word " * 30, pace=Pace(itl=1))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    async with httpx2.AsyncClient(transport=mock_openai.transport()) as client:
        await client.post(URL, json=ASKED)
    counting.cancel()
    assert turns >= 30


def test_clients_are_the_sdks_and_take_its_options(mock_openai: MockOpenAI) -> None:
    mock_openai.reply("Hello")
    client = mock_openai.client(timeout=3, max_retries=0, organization="o")
    assert isinstance(client, openai.OpenAI)
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert mock_openai.calls[0].headers["openai-organization"] == "o"
    assert isinstance(mock_openai.async_client(), openai.AsyncOpenAI)


@pytest.mark.slow
def test_the_in_process_transport_starts_no_server() -> None:
    """It does not even import the server."""
    code = """if True:
        import sys
        from openai_mockserver import MockOpenAI
        mock = MockOpenAI()
        mock.reply("Hi")
        mock.client().chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}])
        assert not {"uvicorn", "starlette", "faker", "hypothesis"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_replies_set_in_another_thread_are_used(mock_openai: MockOpenAI) -> None:
    from concurrent.futures import ThreadPoolExecutor

    mock_openai.reply(Reply("Hello"))
    client = mock_openai.client()

    def ask(_: int) -> str | None:
        completion = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}]
        )
        return completion.choices[0].message.content

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == ["Hello"] * 40
    assert len(mock_openai.calls) == 40
    assert sorted(call.number for call in mock_openai.calls) == list(range(1, 41))


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-4o", "/v1/nothing"])
def test_head_has_the_same_answer_behind_both_doors(path: str) -> None:
    """The head is that of a GET, and there is no body (RFC 9110 §9.3.2)."""
    with MockOpenAI(fail_on_unmatched=False) as mock:
        url = mock.base_url.removesuffix("/v1")
        with httpx.Client(transport=mock.transport(), base_url=url) as client:
            in_process = client.head(path)
        over_the_socket = httpx.head(f"{url}{path}")
    assert (in_process.content, over_the_socket.content) == (b"", b"")
    assert in_process.status_code == over_the_socket.status_code
    names = [[name for name, _ in r.headers.raw] for r in (in_process, over_the_socket)]
    assert names[0] == names[1]


def test_connection_close_gets_the_same_head_behind_both_doors() -> None:
    with MockOpenAI() as mock:
        mock.reply("Hi")
        url = f"{mock.base_url}/chat/completions"
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
        last = {"connection": "close"}
        with httpx.Client(transport=mock.transport()) as client:
            in_process = client.post(url, json=body, headers=last)
        over_the_socket = httpx.post(url, json=body, headers=last)
    assert in_process.headers["connection"] == over_the_socket.headers["connection"] == "close"


BODY = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'


def test_a_request_of_http_1_0_gets_no_chunks() -> None:
    """RFC 9112 §7: the end of the connection ends the body."""
    body = b'{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}'
    request = b"POST /v1/chat/completions HTTP/1.0\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )
    with MockOpenAI() as mock:
        mock.reply("Hello")
        host, _, port = mock.base_url.removeprefix("http://").removesuffix("/v1").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(request)
            head, _, rest = b"".join(iter(lambda: client.recv(65536), b"")).partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert b"connection: close" in head.lower()
    assert rest.startswith(b"data: {")
    assert rest.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("last", [True, False])
def test_an_answer_that_fails_ends_the_connection_as_requested(last: bool) -> None:
    def raise_error(script: Script) -> Script:
        raise ZeroDivisionError

    mock = MockOpenAI()
    mock.reply("x", faults=raise_error)
    headers = [("connection", "close" if last else "keep-alive")]
    call = mock.respond(Request("POST", "/v1/chat/completions", headers, BODY))
    assert call.script.head.header("connection") == ("close" if last else "keep-alive")
