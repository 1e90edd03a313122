"""Functions that make replies: what they may return, where they run, and what they raise."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from openai_mockserver import (
    ApiError,
    MockOpenAI,
    Pace,
    Reply,
    ReplyError,
    Request,
    Script,
    UnmatchedRequest,
    faulty,
    stream,
)
from openai_mockserver.faults import FAULTS, latency, reset
from openai_mockserver.server import functions

MESSAGES: list[Any] = [{"role": "user", "content": "Hi"}]


def chat(user: str = "Hi", **more: Any) -> Request:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": user}]} | more
    return Request("POST", "/v1/chat/completions", body=json.dumps(body).encode())


def ask(client: openai.OpenAI, user: str = "Hi") -> str | None:
    messages: list[Any] = [{"role": "user", "content": user}]
    completion = client.chat.completions.create(model="gpt-4o", messages=messages)
    return completion.choices[0].message.content


@pytest.fixture
def socket_client(mock_openai: MockOpenAI) -> openai.OpenAI:
    return openai.OpenAI(base_url=mock_openai.base_url, api_key="k")


# What it returns


def test_a_function_gets_the_request(mock_openai: MockOpenAI, openai_client: openai.OpenAI) -> None:
    rule = mock_openai.reply("first", lambda request: f"You said {request.user}")
    assert [ask(openai_client, user) for user in "abc"] == ["first", "You said b", "You said c"]
    assert rule.use_count == 3


@pytest.mark.parametrize(
    "value",
    [
        "Hello",
        Reply("Hello"),
        ["Hel", "lo"],
        stream("text"),
        {"choices": []},
        b"Hello",
        [{"choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": "stop"}]}],
        faulty("Hello", latency(1)),
    ],
    ids=["str", "Reply", "list", "Stream", "dict", "bytes", "chunks", "faulty"],
)
def test_a_function_may_return_what_reply_takes(value: object) -> None:
    mock, other = MockOpenAI(seed=1), MockOpenAI(seed=1)
    mock.reply(lambda request: value, faults=latency(1))
    other.reply(value, faults=latency(1))
    for asks_for_stream in (False, True):
        call = mock.respond(chat(stream=asks_for_stream))
        assert call.problem is None
        assert call.script == other.respond(chat(stream=asks_for_stream)).script
    assert call.script.head.delay >= 1


def test_a_function_may_return_a_file(tmp_path: Path) -> None:
    file = tmp_path / "body.txt"
    file.write_text("Hello")
    mock = MockOpenAI()
    mock.reply(lambda request: file)
    assert mock.respond(chat()).script.head.header("content-type") == "text/plain; charset=utf-8"


def test_a_function_returns_an_error_and_the_sdk_retries(
    mock_openai: MockOpenAI, openai_client: openai.OpenAI
) -> None:
    mock_openai.reply(lambda request: ApiError(503) if request.attempt == 1 else "Hello")
    assert ask(openai_client) == "Hello"
    assert [call.status for call in mock_openai.calls] == [503, 200]


def test_pace_and_dialect_of_the_rule_apply() -> None:
    mock = MockOpenAI()
    mock.reply(lambda request: "Hello", pace=Pace(ttft=2), dialect="groq")
    script = mock.respond(chat(stream=True)).script
    assert script.head.delay == 2
    assert "x_groq" in script.events[0].data


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda request: None, "a reply must be a string"),
        (lambda request: lambda request: "x", "returned another function"),
        (lambda request: faulty("x", reset(after=99)), "never happens"),
        (lambda request: Script(end="cut"), "needs TLS"),
    ],
)
def test_what_cannot_be_served_fails_the_test(value: Any, message: str) -> None:
    mock = MockOpenAI()
    mock.reply(value)
    assert mock.respond(chat(stream=True)).status == 400
    with pytest.raises(UnmatchedRequest, match=message):
        mock.check()


@pytest.mark.parametrize("value", [Reply, FAULTS["reset"], reset(after=1)])
def test_classes_and_faults_are_no_functions(value: Any) -> None:
    with pytest.raises(ReplyError, match=r"is a (class|fault): pass"):
        MockOpenAI().reply(value)


# What it raises


def raise_key_error(request: Request) -> str:
    raise KeyError("city")


async def raise_later(request: Request) -> str:
    raise KeyError("city")


@pytest.mark.openai_mock(fail_on_unmatched=False)
@pytest.mark.parametrize("function", [raise_key_error, raise_later])
@pytest.mark.parametrize("door", ["socket", "process"])
def test_what_a_function_raises_fails_the_test(
    mock_openai: MockOpenAI, socket_client: openai.OpenAI, function: Any, door: str
) -> None:
    mock_openai.on(user="Hi").reply(function)
    client = socket_client if door == "socket" else mock_openai.client()
    line = function.__code__.co_firstlineno + 1
    with pytest.raises(openai.InternalServerError) as raised:
        ask(client)
    assert raised.value.status_code == 500
    assert "raised KeyError('city')" in raised.value.message
    mock_openai.fail_on_unmatched = True
    with pytest.raises(UnmatchedRequest) as error:
        mock_openai.check()
    sentence = rf"on(user='Hi'): the function {function.__name__} raised KeyError('city')"
    assert f"{sentence} ({__file__}, line {line})" in str(error.value)
    assert len(mock_openai.calls) == 1, "the SDK does not retry it"
    mock_openai.reset()


def test_a_raised_api_error_is_explained() -> None:
    def fail(request: Request) -> str:
        raise ApiError(429)  # type: ignore[misc]

    mock = MockOpenAI()
    mock.reply(fail)
    problem = mock.respond(chat()).problem
    assert "an ApiError is returned, not raised" in str(problem)


def test_what_is_no_exception_passes_through() -> None:
    class Stop(BaseException):
        pass

    def stop(request: Request) -> str:
        raise Stop

    mock = MockOpenAI()
    mock.reply(stop)
    with pytest.raises(Stop):
        ask(mock.client())
    assert "raised Stop()" in str(mock.calls[0].problem)


# Where it runs


def test_a_sync_function_runs_beside_the_event_loop(
    mock_openai: MockOpenAI, socket_client: openai.OpenAI
) -> None:
    entered, leave = threading.Event(), threading.Event()

    def block(request: Request) -> str:
        entered.set()
        assert leave.wait(10)
        return "late"

    mock_openai.on(user="stream").reply("one two three four", pace=Pace(itl=0.01))
    mock_openai.on(user="block").reply(block)
    answers: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(socket_client, "block")))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    assert entered.wait(10)
    messages: list[Any] = [{"role": "user", "content": "stream"}]
    with socket_client.chat.completions.create(model="m", messages=messages, stream=True) as chunks:
        assert len(list(chunks)) > 4
    assert answers == [], "the stream has ended while both functions are waiting"
    leave.set()
    for thread in threads:
        thread.join()
    assert answers == ["late", "late"]


def test_a_function_that_blocks_delays_no_stream(
    mock_openai: MockOpenAI, socket_client: openai.OpenAI
) -> None:
    def block(request: Request) -> str:
        time.sleep(0.5)
        return "late"

    mock_openai.on(user="stream").reply("word " * 40, pace=Pace(itl=0.01))
    mock_openai.on(user="block").reply(block)
    blocked = threading.Thread(target=ask, args=(socket_client, "block"))
    messages: list[Any] = [{"role": "user", "content": "stream"}]
    with socket_client.chat.completions.create(model="m", messages=messages, stream=True) as chunks:
        next(iter(chunks))
        blocked.start()
        for _ in chunks:
            pass
    blocked.join()
    streamed = next(call for call in mock_openai.calls if call.user == "stream")
    assert max(streamed.lateness) < 0.25


def test_a_function_that_waits_does_not_hold_back_the_garbage_collection(
    mock_openai: MockOpenAI, socket_client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, left = threading.Event(), threading.Event()

    @contextmanager
    def watch() -> Iterator[None]:
        entered.set()
        yield
        left.set()

    monkeypatch.setattr(functions, "_COMPUTING", 0.05)
    monkeypatch.setattr(functions, "no_collection", watch())
    # The function returns only once the collection goes on.
    mock_openai.reply(lambda request: f"{entered.wait(10)} {left.wait(10)}")
    assert ask(socket_client) == "True True"


def test_an_async_function_runs_on_the_servers_loop(
    mock_openai: MockOpenAI, socket_client: openai.OpenAI
) -> None:
    async def say_thread(request: Request) -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    mock_openai.on(user="async").reply(say_thread)
    mock_openai.on(user="lambda").reply(lambda request: say_thread(request))
    mock_openai.on(user="sync").reply(lambda request: threading.current_thread().name)
    names = [ask(socket_client, user) for user in ("async", "lambda", "sync")]
    assert names[0] == names[1] != names[2] == "openai-mockserver-function"


def test_in_process_a_function_runs_on_the_callers_thread(mock_openai: MockOpenAI) -> None:
    async def wait(request: Request) -> str:
        await asyncio.sleep(0)
        return str(threading.get_ident())

    mock_openai.on(user="async").reply(wait)
    mock_openai.on(user="sync").reply(lambda request: str(threading.get_ident()))
    client = mock_openai.client()
    assert ask(client, "async") == ask(client, "sync") == str(threading.get_ident())


async def test_in_process_an_async_function_runs_on_the_callers_loop(
    mock_openai: MockOpenAI, async_openai_client: openai.AsyncOpenAI
) -> None:
    loops: list[object] = []

    async def wait(request: Request) -> str:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return "Hello"

    mock_openai.reply(wait)
    await async_openai_client.chat.completions.create(model="m", messages=MESSAGES)
    assert loops == [asyncio.get_running_loop()]
    mock_openai.client().chat.completions.create(model="m", messages=MESSAGES)
    assert loops[1] is not loops[0], "a sync client within a running loop uses another"


@pytest.mark.openai_mock(fail_on_unmatched=False, reply_timeout=0.05)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_that_takes_too_long_fails_the_test(
    mock_openai: MockOpenAI, socket_client: openai.OpenAI, is_async: bool
) -> None:
    leave = threading.Event()

    def block(request: Request) -> str:
        assert leave.wait(10)
        return "late"

    async def wait(request: Request) -> str:
        await asyncio.sleep(10)
        return "late"

    mock_openai.reply(wait if is_async else block)
    try:
        with pytest.raises(openai.InternalServerError, match=r"did not return within 0\.05 s"):
            ask(socket_client)
    finally:
        leave.set()
    assert "the limit that reply_timeout= sets" in str(mock_openai.calls[0].problem)


@pytest.mark.slow
def test_a_function_that_never_returns_does_not_keep_the_server_open() -> None:
    entered, leave = threading.Event(), threading.Event()

    def block(request: Request) -> str:
        entered.set()
        assert leave.wait(10)
        return "late"

    mock = MockOpenAI()
    mock.reply(block)
    client = openai.OpenAI(base_url=mock.base_url, api_key="k", max_retries=0)
    failures: list[Exception] = []

    def fail() -> None:
        try:
            ask(client)
        except openai.APIConnectionError as error:
            failures.append(error)

    thread = threading.Thread(target=fail)
    thread.start()
    assert entered.wait(10)
    mock.stop()
    thread.join(10)
    assert len(failures) == 1
    assert mock.calls[0].ended == "server stopped"
    leave.set()


# The default


def test_the_default_is_a_function_like_any_other(mock_openai: MockOpenAI) -> None:
    async def echo(request: Request) -> str:
        return f"You said {request.user}"

    mock = MockOpenAI(default=echo)
    assert ask(mock.client()) == "You said Hi"
    mock = MockOpenAI(default=raise_key_error)
    assert mock.respond(chat()).status == 500
    assert "the answer to POST /v1/chat/completions: the function raise_key_error raised" in str(
        mock.calls[0].problem
    )


def test_a_batch_calls_functions_too(mock_openai: MockOpenAI, socket_client: openai.OpenAI) -> None:
    mock_openai.reply(lambda request: f"You said {request.user}")
    body = {"model": "m", "messages": MESSAGES}
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    file = socket_client.files.create(file=json.dumps(line).encode(), purpose="batch")
    batch = socket_client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert batch.output_file_id is not None
    assert "You said Hi" in socket_client.files.content(batch.output_file_id).text
