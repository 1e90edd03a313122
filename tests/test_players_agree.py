"""The same script gives the same chunks and the same exception class through both doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest

from openai_mockserver import ApiError, MockOpenAI, Reply, Stream, ToolCall
from openai_mockserver.faults import (
    drop_done,
    error_event,
    latency,
    malformed,
    reset,
    stall,
    truncate,
)
from ready_made import OTHER_CHATS, PLAYED

Outcome = tuple[list[dict[str, Any]], type[Exception] | None, type[BaseException] | None]

TIMEOUT = 0.5  # seconds, for streams that time out
PATIENT = 30.0  # seconds, for streams that do not, even if the machine is busy

FAULTS: list[Any] = [
    (),
    (reset(after=0),),
    (reset(after=3),),
    (reset(after=6),),
    (truncate(after=0),),
    (truncate(after=3),),
    (truncate(after=6),),
    (stall(after=0),),
    (stall(after=3),),
    (stall(after=3, seconds=0.01),),
    (drop_done(),),
    (malformed(at=0),),
    (malformed(at=2),),
    (malformed(at=1, data=""),),
    (error_event(after=0),),
    (error_event(after=3, error=ApiError(429)),),
    (latency(0.01),),
    (latency(1),),
    (latency(0.01), stall(after=1, seconds=0.01), drop_done(), reset(after=4)),
]
REQUEST: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def sync_client(mock: MockOpenAI, socket: bool, timeout: float) -> openai.OpenAI:
    """Return an SDK client, over the socket or in process."""
    options: dict[str, Any] = {"timeout": timeout, "max_retries": 0}
    if socket:
        http = openai.DefaultHttpxClient(trust_env=False, verify=False)
        return openai.OpenAI(base_url=mock.base_url, http_client=http, **options)
    return mock.client(**options)


def async_client(mock: MockOpenAI, socket: bool, timeout: float) -> openai.AsyncOpenAI:
    """Return an async SDK client, over the socket or in process."""
    options: dict[str, Any] = {"timeout": timeout, "max_retries": 0}
    if socket:
        http = openai.DefaultAsyncHttpxClient(trust_env=False, verify=False)
        return openai.AsyncOpenAI(base_url=mock.base_url, http_client=http, **options)
    return mock.async_client(**options)


def comparable(chunk: Any) -> dict[str, Any]:
    """Return a chunk without the members that differ between responses."""
    members: dict[str, Any] = chunk.model_dump()
    return {k: v for k, v in members.items() if k not in ("id", "created", "obfuscation")}


def classes(error: Exception) -> tuple[type[Exception], type[BaseException] | None]:
    """Return the class of an exception and, for the SDK's exceptions, the class of its cause.

    The cause of the HTTP library's exceptions, which openai 2.x passes on, is not compared.
    """
    cause = error.__cause__ if isinstance(error, openai.OpenAIError) else None
    return type(error), type(cause) if cause else None


def sync_outcome(mock: MockOpenAI, socket: bool, timeout: float, stream: bool = True) -> Outcome:
    """Return the outcome of a sync consumer."""
    chunks: list[dict[str, Any]] = []
    with sync_client(mock, socket, timeout) as client:
        try:
            response = client.chat.completions.create(stream=stream, **REQUEST)
            for chunk in response if stream else [response]:
                chunks.append(comparable(chunk))
        except Exception as error:
            return chunks, *classes(error)
    return chunks, None, None


async def async_outcome(
    mock: MockOpenAI, socket: bool, timeout: float, stream: bool = True
) -> Outcome:
    """Return the outcome of an async consumer."""
    chunks: list[dict[str, Any]] = []
    async with async_client(mock, socket, timeout) as client:
        try:
            response: Any = await client.chat.completions.create(stream=stream, **REQUEST)
            async for chunk in response if stream else once(response):
                chunks.append(comparable(chunk))
        except Exception as error:
            return chunks, *classes(error)
    return chunks, None, None


async def assert_all_agree(mock: MockOpenAI, stream: bool = True) -> Outcome:
    """Assert that each client has the same outcome through each door, and return it."""
    outcome = sync_outcome(mock, False, TIMEOUT, stream)  # on a clock that no load can slow
    timed_out = outcome[1] is not None and "Timeout" in outcome[1].__name__
    timeout = TIMEOUT if timed_out else PATIENT
    assert await async_outcome(mock, False, timeout, stream) == outcome
    # Over the socket a timeout takes its time: both clients wait at once.
    over_socket = await asyncio.gather(
        asyncio.to_thread(sync_outcome, mock, True, timeout, stream),
        async_outcome(mock, True, timeout, stream),
    )
    assert list(over_socket) == [outcome, outcome]
    return outcome


async def once(value: object) -> AsyncIterator[object]:
    """Yield one value."""
    yield value


@pytest.fixture
def mock(mock_openai: MockOpenAI) -> Iterator[MockOpenAI]:
    """Yield a mock, and assert that all its calls ended."""
    yield mock_openai
    assert all(call.ended for call in mock_openai.calls)


@pytest.mark.slow
@pytest.mark.parametrize("faults", FAULTS, ids=repr)
async def test_faults_in_a_stream(mock: MockOpenAI, faults: Any) -> None:
    mock.reply("Hello, world", faults=faults)
    await assert_all_agree(mock)
    ends = {call.ended for call in (mock.calls[0], mock.calls[2])}  # in process, and over a socket
    assert len(ends) == 1 or "malformed" in repr(faults) or "error_event" in repr(faults)


@pytest.mark.slow
@pytest.mark.parametrize(
    "faults", [(), (reset(),), (truncate(),), (stall(),), (malformed(),), (latency(1),)], ids=repr
)
async def test_faults_in_a_body(mock: MockOpenAI, faults: Any) -> None:
    mock.reply("Hello, world", faults=faults)
    await assert_all_agree(mock, stream=False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
async def test_errors_before_the_stream(mock: MockOpenAI, status: int) -> None:
    mock.reply(ApiError(status))
    assert (await assert_all_agree(mock))[1] is not None


@pytest.mark.slow
@pytest.mark.openai_streams(*PLAYED)
async def test_the_ready_made_streams(mock: MockOpenAI, openai_stream: Stream) -> None:
    if openai_stream.script.seconds > 1:
        pytest.skip("its silence would have to be waited for on a socket")
    mock.reply(openai_stream)
    outcome = await assert_all_agree(mock)
    assert (outcome[1] is None) == (openai_stream.error is None)


@pytest.mark.slow
@pytest.mark.openai_streams(*OTHER_CHATS)
async def test_the_misbehaviours_of_chats(mock: MockOpenAI, openai_stream: Stream) -> None:
    mock.reply(openai_stream)
    await assert_all_agree(mock)


@pytest.mark.parametrize(
    "reply",
    [
        Reply("🦜 Ünïcode\n\n“quotes”"),
        Reply(["x" * 300_000]),
        Reply("word " * 2000),
        Reply(tool_calls=[ToolCall("a", {"b": "c"}), ToolCall("d")]),
    ],
    ids=["unicode", "one large chunk", "many chunks", "tool calls"],
)
def test_large_and_odd_replies(mock: MockOpenAI, reply: Reply) -> None:
    mock.reply(reply)
    over_socket = sync_outcome(mock, socket=True, timeout=PATIENT)
    assert over_socket == sync_outcome(mock, socket=False, timeout=PATIENT)
