"""The Realtime API over real sockets: the SDK's connections, sync and async."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

import openai
import pytest
from websockets.sync.client import connect

from openai_mockserver import MockOpenAI, Pace, ToolCall
from openai_mockserver.api.audio.tones import speak
from openai_mockserver.generate import generate


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI() as mock:
        mock.reply("Hello, world")
        yield mock


@pytest.fixture
def client(mock: MockOpenAI) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=mock.base_url, api_key="key") as client:
        yield client


def read_until(connection: Iterable[Any], *types: str) -> list[Any]:
    events = []
    for event in connection:
        events.append(event)
        if event.type in types:
            break
    return events


def test_the_sdk_talks(mock: MockOpenAI, client: openai.OpenAI) -> None:
    with client.realtime.connect(model="gpt-realtime") as connection:
        assert connection.recv().type == "session.created"
        connection.session.update(session={"type": "realtime", "instructions": "Be brief."})
        assert connection.recv().type == "session.updated"
        content: Any = [{"type": "input_text", "text": "Hi"}]
        connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": content}
        )
        connection.response.create()
        events = read_until(connection, "response.done", "error")
    audio = [e.delta for e in events if e.type == "response.output_audio.delta"]
    assert b"".join(map(base64.b64decode, audio)) == speak("Hello, world", "pcm", "alloy")
    done = events[-1]
    assert done.type == "response.done"
    assert done.response.output[0].content[0].transcript == "Hello, world"
    opening, turn = mock.calls
    assert (opening.method, opening.path, opening.status) == ("GET", "/v1/realtime", 101)
    assert (turn.method, turn.path, turn.status) == ("POST", "/v1/realtime", 200)
    assert (turn.user, turn.system, turn.model) == ("Hi", "Be brief.", "gpt-realtime")
    assert turn.headers["authorization"] == "Bearer key"
    assert [opening.ended, turn.ended] == ["finished", "finished"]
    assert turn.delivered.events == len(turn.times) == len(events) - 2  # without the item's


async def test_the_async_sdk_calls_a_tool(mock: MockOpenAI) -> None:
    mock.on(user="Weather?").reply(ToolCall("get_weather", {"city": "Paris"}))
    mock.on(tool_content="sunny").reply("It is sunny.")
    async with openai.AsyncOpenAI(base_url=mock.base_url, api_key="key") as client:
        async with client.realtime.connect(model="gpt-realtime") as connection:
            content: Any = [{"type": "input_text", "text": "Weather?"}]
            await connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": content}
            )
            await connection.response.create(response={"output_modalities": ["text"]})
            async for event in connection:
                if event.type == "response.function_call_arguments.done":
                    assert json.loads(event.arguments) == {"city": "Paris"}
                    await connection.conversation.item.create(
                        item={
                            "type": "function_call_output",
                            "call_id": event.call_id,
                            "output": "sunny",
                        }
                    )
                elif event.type == "response.done":
                    if event.response.output and event.response.output[0].type == "message":
                        break
                    await connection.response.create()
    done: Any = event
    assert done.response.output[0].content[0].transcript == "It is sunny."


def test_a_response_is_cancelled_while_it_is_sent(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply("Hello, world", pace=Pace(itl=0.02))
    with client.realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        read_until(connection, "response.output_audio_transcript.delta")
        connection.response.cancel()
        events = read_until(connection, "response.done", "error")
    assert events[-1].response.status == "cancelled"
    assert mock.calls[-1].ended == "finished"


def test_paced_events_are_due_at_their_times(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply(ToolCall("get_weather"), pace=Pace(ttft=0.05, itl=0.01))
    with client.realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        read_until(connection, "response.done")
    due = [part.due for part in mock.calls[-1].times]
    expected = [0.05, 0.05, *(0.05 + 0.01 * n for n in range(1, len(due) - 1))]
    assert due == pytest.approx(expected, abs=1e-6)


def test_without_a_rule_an_answer_is_generated() -> None:
    with MockOpenAI(default=lambda request: generate(request.json, "0")) as mock:
        with openai.OpenAI(base_url=mock.base_url, api_key="key") as client:
            with client.realtime.connect(model="gpt-realtime") as connection:
                connection.response.create()
                done = read_until(connection, "response.done", "error")[-1]
    assert done.response.output[0].content[0].transcript


def test_a_rule_may_be_for_realtime_only(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.on(endpoint="realtime").reply(ToolCall("get_weather"))
    completion = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Hi"}]
    )
    assert completion.choices[0].message.content == "Hello, world"
    with client.realtime.connect(model="gpt-realtime") as connection:
        connection.response.create()
        done = read_until(connection, "response.done", "error")[-1]
    assert done.response.output[0].name == "get_weather"


@pytest.mark.parametrize(
    "path",
    [
        "/openai/realtime?api-version=2025-04-01-preview&deployment=mine",
        "/openai/v1/realtime?model=mine",
    ],
)
def test_azure_has_its_own_paths(mock: MockOpenAI, path: str) -> None:
    url = mock.base_url.replace("http", "ws", 1).removesuffix("/v1") + path
    with connect(url, proxy=None) as raw:
        created = json.loads(raw.recv(timeout=10))
        assert (created["type"], created["session"]["model"]) == ("session.created", "mine")
        raw.send('{"type":"response.create"}')
        events = [json.loads(raw.recv(timeout=10))]
        while events[-1]["type"] != "response.done":
            events.append(json.loads(raw.recv(timeout=10)))
    (part,) = [event for event in events if event["type"] == "response.content_part.added"]
    assert part["content"] == part["part"] == {"type": "audio", "transcript": ""}


def test_the_beta_has_its_own_names(mock: MockOpenAI, client: openai.OpenAI) -> None:
    # The SDK's beta would use TLS.
    client = client.with_options(websocket_base_url=mock.base_url.replace("http", "ws", 1))
    with client.beta.realtime.connect(model="gpt-4o-realtime-preview") as connection:
        connection.recv()
        connection.session.update(session={"modalities": ["text"]})
        updated: Any = connection.recv()
        assert updated.session.modalities == ["text"]
        connection.response.create()
        types = {event.type for event in read_until(connection, "response.done", "error")}
    assert {"conversation.item.created", "response.text.delta", "rate_limits.updated"} < types
