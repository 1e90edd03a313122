"""Translation sessions of the Realtime API, with the SDK over real sockets."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import TypeAdapter
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK
from websockets.sync.client import connect

from openai_mockserver import ApiError, MockOpenAI, Pace
from openai_mockserver.api.audio.tones import speak
from openai_mockserver.faults import websocket_close

pytestmark = pytest.mark.openai3("has no translation sessions")

SPEECH = speak("Good morning, how are you?", "pcm", "alloy", 1.0)
SILENCE = bytes(48_000)  # a second
CHUNK = 9_600  # 200 ms


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI() as mock:
        yield mock


@pytest.fixture
def client(mock: MockOpenAI) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=mock.base_url, api_key="key") as client:
        yield client


def speak_to(connection: Any, audio: bytes = SPEECH + SILENCE) -> None:
    for at in range(0, len(audio), CHUNK):
        data = base64.b64encode(audio[at : at + CHUNK]).decode()
        connection.send({"type": "session.input_audio_buffer.append", "audio": data})


def join(events: list[Any], type: str) -> str:
    return "".join(event.delta for event in events if event.type == type)


def read_rest(connection: Any) -> list[Any]:
    """Return the events until the session has been closed."""
    events = [connection.recv()]
    while events[-1].type != "session.closed":
        events.append(connection.recv())
    return events


def test_speech_is_translated_by_rule(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.on(model="gpt-realtime-translate").reply("Guten Morgen, wie geht es?")
    with client.realtime.translations.connect(model="gpt-realtime-translate") as connection:
        created = connection.recv()
        assert created.type == "session.created"
        assert created.session.type == "translation"
        connection.send(
            {"type": "session.update", "session": {"audio": {"output": {"language": "de"}}}}
        )
        updated = connection.recv()
        assert updated.type == "session.updated"
        assert updated.session.audio.output is not None
        assert updated.session.audio.output.language == "de"
        speak_to(connection)
        connection.send({"type": "session.close"})
        events = read_rest(connection)
        with pytest.raises(ConnectionClosedOK):
            connection.recv()
    assert join(events, "session.output_transcript.delta") == "Guten Morgen, wie geht es?"
    audio = b"".join(
        base64.b64decode(one.delta) for one in events if one.type == "session.output_audio.delta"
    )
    assert audio == speak("Guten Morgen, wie geht es?", "pcm", "alloy", 1.0)
    times = [one.elapsed_ms for one in events[:-1]]
    assert times == sorted(times)
    assert all(time % 200 == 0 for time in times)
    opening, turn = mock.calls
    assert (opening.path, opening.status) == ("/v1/realtime/translations", 101)
    assert json.loads(turn.body)["language"] == "de"


def test_what_was_said_is_transcribed_if_the_session_asks_for_it(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.reply("Guten Morgen")
    mock.on(endpoint="audio/transcriptions").reply("Good morning")
    audio: Any = {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}
    with client.realtime.translations.connect(model="m") as connection:
        connection.send({"type": "session.update", "session": {"audio": audio}})
        speak_to(connection)
        connection.send({"type": "session.close"})
        events = read_rest(connection)
    assert join(events, "session.input_transcript.delta") == "Good morning"
    assert join(events, "session.output_transcript.delta") == "Guten Morgen"


def test_each_pause_ends_a_translation_and_a_close_ends_the_last(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.reply("Eins", "Zwei", "Drei")
    with client.realtime.translations.connect(model="m") as connection:
        speak_to(connection, SPEECH + SILENCE + SPEECH + SILENCE + SPEECH)
        connection.send({"type": "session.close"})
        events = read_rest(connection)
    assert join(events, "session.output_transcript.delta") == "EinsZweiDrei"


def test_silence_is_not_translated(mock: MockOpenAI, client: openai.OpenAI) -> None:
    with client.realtime.translations.connect(model="m") as connection:
        connection.recv()
        speak_to(connection, SILENCE)
        connection.send({"type": "session.close"})
        assert [event.type for event in read_rest(connection)] == ["session.closed"]
    assert len(mock.calls) == 1


async def test_the_async_sdk(mock: MockOpenAI) -> None:
    mock.reply("Guten Morgen", pace=Pace(itl=0.01))
    async with (
        openai.AsyncOpenAI(base_url=mock.base_url, api_key="key") as client,
        client.realtime.translations.connect(model="m") as connection,
    ):
        data = base64.b64encode(SPEECH + SILENCE).decode()
        await connection.send({"type": "session.input_audio_buffer.append", "audio": data})
        await connection.send({"type": "session.close"})
        types = [event.type async for event in connection]
    assert types[0] == "session.created"
    assert types[-1] == "session.closed"
    assert "session.output_audio.delta" in types


def test_pace_and_faults_are_those_of_the_rule(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply("Guten Morgen", faults=[websocket_close(after=2, code=1011)])
    with client.realtime.translations.connect(model="m") as connection:
        connection.recv()
        speak_to(connection)
        connection.recv()
        connection.recv()
        with pytest.raises(ConnectionClosed, match="1011"):
            connection.recv()


def test_an_error_of_the_rule_is_an_event_and_the_session_goes_on(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.reply(ApiError(429, "Slow down"), "Guten Morgen")
    with client.realtime.translations.connect(model="m") as connection:
        connection.recv()
        speak_to(connection)
        error = connection.recv()
        assert error.type == "error"
        assert error.error.message == "Slow down"
        speak_to(connection)
        assert connection.recv().type == "session.output_transcript.delta"


@pytest.mark.parametrize(
    ("event", "param"),
    [
        ("{", None),
        ('{"type":"response.create"}', "type"),
        ('{"type":"session.update"}', "session"),
        ('{"type":"session.update","session":{"model":"other"}}', "session.model"),
        ('{"type":"session.update","session":{"audio":[]}}', "session.audio"),
        ('{"type":"session.input_audio_buffer.append","audio":"?"}', "audio"),
    ],
)
def test_an_invalid_event_is_refused(mock: MockOpenAI, event: str, param: str | None) -> None:
    url = mock.base_url.replace("http", "ws", 1) + "/realtime/translations?model=m"
    with connect(url, proxy=None) as raw:
        raw.recv(timeout=10)
        raw.send(event)
        error = json.loads(raw.recv(timeout=10))
    assert error["type"] == "error"
    assert error["error"]["type"] == "invalid_request_error"
    assert error["error"]["param"] == param


def test_every_event_has_the_sdks_type(mock: MockOpenAI, client: openai.OpenAI) -> None:
    from openai.types.realtime import RealtimeTranslationServerEvent

    mock.reply("Guten Morgen")
    audio: Any = {"input": {"transcription": {"model": "whisper-1"}}}
    with client.realtime.translations.connect(model="m") as connection:
        connection.send({"type": "session.update", "session": {"audio": audio}})
        speak_to(connection)
        connection.send({"type": "session.close"})
        read_rest(connection)
    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeTranslationServerEvent)
    messages = [one for one in mock.calls[0].websocket_messages if one.sender == "server"]
    for message in messages:
        adapter.validate_json(message.data, strict=True)
    assert len({json.loads(message.data)["type"] for message in messages}) == 6
