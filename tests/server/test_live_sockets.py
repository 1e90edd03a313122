"""The Live API over real sockets: the SDK's connections, sync and async."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

import openai
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from openai_mockserver import MockOpenAI, Pace, ToolCall
from openai_mockserver.api.audio.tones import speak
from openai_mockserver.faults import reset
from realtime_player import encode, make_tone

SPEECH = encode(make_tone(9000, 0.5) + make_tone(0, 0.6))

pytestmark = pytest.mark.openai3("has no client.live")


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI() as mock:
        mock.reply("Hello, world")
        mock.on(endpoint="audio/transcriptions").reply("How are you?")
        yield mock


@pytest.fixture
def client(mock: MockOpenAI) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=mock.base_url, api_key="key", max_retries=0) as client:
        yield client


def read_until(connection: Iterable[Any], *types: str) -> list[Any]:
    events = []
    for event in connection:
        events.append(event)
        if event.type in types:
            break
    return events


def join(events: list[Any], type: str) -> str:
    return "".join(event.delta for event in events if event.type == type)


def test_the_sdk_talks(mock: MockOpenAI, client: openai.OpenAI) -> None:
    with client.live.connect() as connection:
        connection.session.start(session={"model": "gpt-live-1", "instructions": "Be brief."})
        started = connection.recv()
        assert started.type == "session.started"
        connection.session.input_audio.append(audio=SPEECH)
        events = read_until(connection, "session.usage.updated", "error")
        connection.session.close()
        (closed,) = list(connection)
    assert join(events, "session.input_transcript.delta") == "How are you?"
    assert join(events, "session.output_transcript.delta") == "Hello, world"
    audio = [e.delta for e in events if e.type == "session.output_audio.delta"]
    assert b"".join(map(base64.b64decode, audio)) == speak("Hello, world", "pcm", "marin")
    assert closed.type == "session.closed"
    assert closed.session == started.session
    opening, _, answer = mock.calls
    assert (opening.method, opening.path, opening.status) == ("GET", "/v1/live/sessions", 101)
    assert (answer.user, answer.system, answer.model) == (
        "How are you?",
        "Be brief.",
        "gpt-live-1",
    )
    assert [call.ended for call in mock.calls] == ["finished"] * 3


async def test_the_async_sdk_delegates(mock: MockOpenAI) -> None:
    mock.on(user="How are you?").reply(ToolCall("delegate"))
    async with (
        openai.AsyncOpenAI(base_url=mock.base_url, api_key="key") as client,
        client.live.connect() as connection,
    ):
        await connection.session.start(session={"model": "gpt-live-1"})
        await connection.session.input_audio.append(audio=SPEECH)
        transcript = ""
        async for event in connection:
            if event.type == "session.delegation.created":
                await connection.session.commentary.append(
                    delegation_id=event.delegation.id, content="I am fine."
                )
            elif event.type == "session.output_transcript.delta":
                transcript += event.delta
            elif event.type == "session.usage.updated" and transcript:
                await connection.session.close()
            assert event.type != "error"
    assert transcript == "I am fine."


def test_a_fault_breaks_the_connection_after_so_many_events(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.on(endpoint="live").reply("Hello, world", faults=[reset(after=2)])
    events = []
    with (
        pytest.raises(ConnectionClosedError),
        client.live.connect(max_retries=0) as connection,
    ):
        connection.session.start(session={"model": "gpt-live-1"})
        connection.session.input_audio.append(audio=SPEECH)
        for event in connection:
            events.append(event.type)
    assert events[-2:] == ["session.output_transcript.delta", "session.output_audio.delta"]
    assert mock.calls[-1].ended == "reset"


async def test_a_user_interrupts_the_model(mock: MockOpenAI) -> None:
    mock.on(endpoint="live").reply("one two three four", pace=Pace(itl=0.2))
    transcript = []
    async with (
        openai.AsyncOpenAI(base_url=mock.base_url, api_key="key") as client,
        client.live.connect() as connection,
    ):
        await connection.session.start(session={"model": "gpt-live-1"})
        await connection.session.input_audio.append(audio=SPEECH)
        async for event in connection:
            if event.type == "session.output_transcript.delta":
                transcript.append(event.delta)
                await connection.session.input_audio.append(audio=encode(make_tone(9000, 0.2)))
                await connection.session.input_audio.mute()
            elif event.type == "session.input_audio.muted":
                await connection.session.close()
    assert transcript == ["one"]
    assert [call.ended for call in mock.calls] == ["finished"] * 3


def test_a_session_needs_the_key_of_the_mock() -> None:
    with (
        MockOpenAI(api_key="right") as mock,
        openai.OpenAI(base_url=mock.base_url, api_key="wrong") as client,
    ):
        with pytest.raises(InvalidStatus) as error_info, client.live.connect():
            pass
    assert error_info.value.response.status_code == 401


def test_an_error_names_the_event(client: openai.OpenAI) -> None:
    with client.live.connect() as connection:
        connection.session.start(session={"model": "gpt-live-1"})
        connection.response.create(event_id="e1")
        (error,) = read_until(connection, "error")[1:]
    assert error.error.message == "response.create requires Responses delegation."
    assert error.error.client_event_id == "e1"
