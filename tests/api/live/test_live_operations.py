"""The operations on Live sessions, with the SDK; and the connections to what they create."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from websockets.exceptions import InvalidStatus

from openai_mockserver import MockOpenAI
from realtime_player import encode, make_tone

pytestmark = pytest.mark.openai3("has no client.live")

OFFER = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n"
TRANSPORT: Any = {"type": "webrtc", "sdp": OFFER}
UNKNOWN = f"live_u7_{'a' * 32}"
RESPONSES: Any = {"type": "responses", "responses": {"model": "gpt-5.5"}}


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


def create(client: openai.OpenAI, /, **session: Any) -> str:
    """Return the id of a new session over WebRTC."""
    session = {"model": "gpt-live-1", **session}
    return client.live.create(session=session, transport=TRANSPORT).session.id  # type: ignore[arg-type]


def record(client: openai.OpenAI, **session: Any) -> str:
    """Return the id of a session over a WebSocket, in which something has been said."""
    with client.live.connect() as connection:
        connection.session.start(session={"model": "gpt-live-1", **session})  # type: ignore[typeddict-item]
        started: Any = connection.recv()
        speech = make_tone(9000, 0.5) + make_tone(0, 0.6)
        connection.session.input_audio.append(audio=encode(speech))
        for event in connection:
            if event.type == "session.usage.updated":
                connection.session.close()
    return str(started.session.id)


# Creating


def test_an_offer_is_answered(client: openai.OpenAI) -> None:
    answer = client.live.create(session={"model": "gpt-live-1"}, transport=TRANSPORT)
    assert answer.transport.type == "webrtc"
    assert answer.transport.sdp.startswith("v=0\r\n")
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" in answer.transport.sdp
    assert len(answer.session.id) == len(UNKNOWN)


def test_an_offer_that_a_test_has_made_up_is_answered(client: openai.OpenAI) -> None:
    transport: Any = {"type": "webrtc", "sdp": "x"}
    assert client.live.create(session={"model": "m"}, transport=transport).session.id


@pytest.mark.parametrize(
    ("session", "sdp", "param"),
    [
        ({}, OFFER, "session.model"),
        ({"model": "m", "speed": 2}, OFFER, "session.speed"),
        ({"model": "m"}, "v=0\r\n", "sdp"),
        (
            {
                "model": "m",
                "triggers": 2
                * [
                    {
                        "type": "decisions",
                        "event_type": "session.input_transcript.delta",
                        "decisions": {"questions": []},
                    }
                ],
            },
            OFFER,
            "session.triggers",
        ),
    ],
)
def test_a_session_that_is_invalid_is_refused(
    client: openai.OpenAI, session: Any, sdp: str, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as error_info:
        client.live.create(session=session, transport={"type": "webrtc", "sdp": sdp})
    assert error_info.value.param == param


# Calls


@pytest.mark.parametrize("id", ["made_up", "live_685343a1b1d881908f2c0a9e4d7b6c5a"])
def test_a_call_that_a_test_has_made_up_can_be_anything(client: openai.OpenAI, id: str) -> None:
    # The second one has the form of the ids that our webhooks announce.
    sessions = client.live.sessions
    for _ in range(2):
        sessions.accept(id, session={"type": "live", "model": "gpt-live-1"})
        sessions.refer(id, target_uri="tel:+14155550123")
        sessions.hangup(id)
        sessions.reject(id, status_code=486)
        fork = sessions.fork(id, transport=TRANSPORT, session={"delegation": RESPONSES})
        assert fork.session.id != id
        assert sessions.download_recording(id).content.startswith(b"RIFF")


def test_an_id_that_looks_like_openais_must_be_known(client: openai.OpenAI) -> None:
    sessions = client.live.sessions
    for act in (
        lambda: sessions.accept(UNKNOWN, session={"type": "live", "model": "gpt-live-1"}),
        lambda: sessions.refer(UNKNOWN, target_uri="tel:+14155550123"),
        lambda: sessions.hangup(UNKNOWN),
        lambda: sessions.reject(UNKNOWN, status_code=486),
        lambda: sessions.fork(UNKNOWN, transport=TRANSPORT),
        lambda: sessions.download_recording(UNKNOWN),
    ):
        with pytest.raises(openai.NotFoundError) as error_info:
            act()
        assert error_info.value.code == "session_not_found"


def test_what_no_telephone_does_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="from 300 to 699"):
        client.live.sessions.reject("made_up", status_code=200)
    with pytest.raises(openai.BadRequestError, match="not blank"):
        client.live.sessions.refer("made_up", target_uri=" ")
    with pytest.raises(openai.BadRequestError):
        client.live.sessions.accept("made_up", session={"type": "live", "model": 1})  # type: ignore[typeddict-item]


def test_a_session_that_has_been_hung_up_is_unknown(client: openai.OpenAI) -> None:
    id = create(client)
    client.live.sessions.hangup(id)
    with pytest.raises(openai.NotFoundError):
        client.live.sessions.hangup(id)
    with pytest.raises(InvalidStatus) as error_info, client.live.sideband.connect(session_id=id):
        pass
    assert error_info.value.response.status_code == 404


# Sidebands


def test_a_sideband_has_the_session_that_was_created(client: openai.OpenAI) -> None:
    data_channel: Any = {"allowed_client_events": []}
    id = create(client, delegation=RESPONSES, client={"data_channel": data_channel})
    started: Any
    info: Any
    with client.live.sideband.connect(session_id=id) as connection:
        started, info = connection.recv(), connection.recv()
        assert started.type == "session.started"
        assert started.session.id == id
        assert started.session.delegation.type == "responses"
        assert (info.type, info.code) == ("info", "data_channel_permissions")
        connection.session.commentary.append(content="Welcome.", delegation_id=None)
        events = []
        for event in connection:
            events.append(event)
            if event.type == "session.usage.updated":
                break
    sound: list[Any] = [event for event in events if event.type == "session.output_audio.delta"]
    assert [(s.start_ms, s.end_ms) for s in sound] == [(n, n + 100) for n in range(0, 600, 100)]


def test_a_sideband_learns_that_a_call_has_ended(client: openai.OpenAI) -> None:
    client.live.sessions.accept("call", session={"type": "live", "model": "gpt-live-1"})
    sent: Any
    closed: Any
    with client.live.sideband.connect(session_id="call") as connection:
        assert connection.recv().type == "session.started"
        connection.transport.dtmf.send(event="5", event_id="e1")
        sent = connection.recv()
        assert (sent.type, sent.event, sent.client_event_id) == ("transport.dtmf.sent", "5", "e1")
        client.live.sessions.hangup("call")
        (closed,) = list(connection)
    assert (closed.type, closed.reason) == ("session.closed", "close_requested")


def test_a_sideband_of_a_websocket_is_refused(client: openai.OpenAI) -> None:
    id = record(client)
    with pytest.raises(InvalidStatus) as error_info, client.live.sideband.connect(session_id=id):
        pass
    assert b"over WebRTC or SIP" in (error_info.value.response.body or b"")


# Stored sessions


def test_a_stored_session_has_a_recording(client: openai.OpenAI) -> None:
    id = record(client, store=True)
    content = client.live.sessions.download_recording(id).content
    with wave.open(io.BytesIO(content)) as recording:
        assert (recording.getframerate(), recording.getnchannels()) == (24000, 1)
        seconds = recording.getnframes() / recording.getframerate()
    assert seconds == pytest.approx(0.5 + 0.5 + 0.9, abs=0.05)  # speech, silence, answer


def test_a_fork_continues_what_has_been_said(mock: MockOpenAI, client: openai.OpenAI) -> None:
    id = record(client, store=True, instructions="Be brief.")
    with client.live.forks.connect(session_id=id) as connection:
        connection.session.start(session={})
        started: Any = connection.recv()
        speech = make_tone(9000, 0.5) + make_tone(0, 0.6)
        connection.session.input_audio.append(audio=encode(speech))
        for event in connection:
            if event.type == "session.usage.updated":
                connection.session.close()
    assert started.type == "session.started"
    assert (started.session.id != id, started.session.instructions) == (True, "Be brief.")
    assert [m["role"] for m in mock.calls[-1].messages] == ["system", "user", "assistant", "user"]


def test_a_fork_over_webrtc_can_be_forked(client: openai.OpenAI) -> None:
    id = record(client, store=True)
    fork = client.live.sessions.fork(id, transport=TRANSPORT).session.id
    again = client.live.sessions.fork(fork, transport=TRANSPORT, session={"store": False})
    with pytest.raises(openai.NotFoundError, match="No stored session"):
        client.live.sessions.fork(again.session.id, transport=TRANSPORT)


def test_a_session_that_is_not_stored_has_no_fork(client: openai.OpenAI) -> None:
    id = record(client)
    with pytest.raises(InvalidStatus) as error_info, client.live.forks.connect(session_id=id):
        pass
    assert b"No stored session" in (error_info.value.response.body or b"")
    with pytest.raises(openai.NotFoundError):
        client.live.sessions.download_recording(id)
