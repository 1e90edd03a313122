"""Audio fixtures of a Live session, and its sidebands and forks, without a socket."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from live_player import ROOT, LivePlayer, check_live_types, join
from openai_mockserver import MockOpenAI, Pace
from openai_mockserver.api.realtime.sound import encode_pcm
from realtime_player import Json, encode, list_types, make_tone

pytestmark = pytest.mark.openai3("has no types of live sessions")

PLAY, SOUND = "session.output_audio.fixture.play", "session.output_audio.delta"
PLAYING, PLAYED = f"{PLAY}ing", f"{PLAY}ed"
TONE = make_tone(5000, 0.25)
FOREIGN = f"{ROOT}/live_u7_{'a' * 32}"


@pytest.fixture
def mock() -> MockOpenAI:
    mock = MockOpenAI()
    mock.reply("Hello, world")
    mock.on(endpoint="audio/transcriptions").reply("How are you?")
    return mock


def start(mock: MockOpenAI, **session: Any) -> LivePlayer:
    player = LivePlayer(mock)
    player.start(**session)
    return player


def attach(mock: MockOpenAI, id: str = "call") -> LivePlayer:
    return LivePlayer(mock, f"{ROOT}/{id}/attach", seed=1)


def read_sound(messages: list[Json]) -> bytes:
    return b"".join(base64.b64decode(m["delta"]) for m in messages if m["type"] == SOUND)


# Fixtures


def test_a_fixture_is_played_in_real_time(mock: MockOpenAI) -> None:
    player = start(mock)
    player.say(PLAY, audio=encode(TONE), event_id="e1")
    messages = player.run(10)
    check_live_types(messages)
    assert list_types(messages) == [PLAYING, SOUND, PLAYED]
    assert read_sound(messages) == TONE
    assert messages[0]["client_event_id"] == messages[-1]["client_event_id"] == "e1"
    times = [round(at, 3) for at, _ in player.sent[1:]]
    assert times == [0, 0, 0.1, 0.2, 0.25]


def test_a_fixture_is_played_in_the_format_of_the_session(mock: MockOpenAI) -> None:
    format = {"type": "audio/pcmu", "rate": 8000}
    player = start(mock, audio={"format": format})
    player.say(PLAY, audio=encode(TONE))
    assert read_sound(player.run(1)) == encode_pcm(TONE, format)


def test_a_fixture_interrupts_the_model(mock: MockOpenAI) -> None:
    mock.reply("one two three", pace=Pace(itl=1.0))
    player = start(mock)
    player.speak((9000, 0.5), (0, 0.6))
    player.run(0.1)
    player.say(PLAY, audio=encode(TONE))
    assert list_types(player.run(10)) == [PLAYING, SOUND, PLAYED]


def test_nobody_is_heard_while_a_fixture_is_played(mock: MockOpenAI) -> None:
    player = start(mock)
    player.say(PLAY, audio=encode(TONE))
    player.speak((9000, 0.5), (0, 0.6))
    assert list_types(player.run(10)) == [PLAYING, SOUND, PLAYED]
    assert join(player.ask(), "session.output_transcript.delta") == "Hello, world"


@pytest.mark.parametrize("kind", ["instructions", "thinking", "commentary"])
def test_nothing_is_appended_while_a_fixture_is_played(mock: MockOpenAI, kind: str) -> None:
    player = start(mock)
    player.say(PLAY, audio=encode(TONE))
    player.say(f"session.{kind}.append", content="Hi", delegation_id=None)
    player.say(PLAY, audio=encode(TONE))
    errors = [m["error"]["code"] for m in player.run(1) if m["type"] == "error"]
    assert errors == ["output_audio_fixture_active"] * 2


def test_what_is_being_said_goes_on_after_a_fixture(mock: MockOpenAI) -> None:
    mock.on(endpoint="audio/transcriptions").reply("How are you?", pace=Pace(ttft=0.1))
    player = start(mock)
    player.speak((9000, 0.5), (0, 0.6))
    player.say(PLAY, audio=encode(TONE))
    types = list_types(player.run(10))
    assert types.index(PLAYED) < types.index("session.output_transcript.delta")


@pytest.mark.parametrize(
    ("audio", "code"),
    [
        (1, "invalid_type"),
        ("%", "invalid_value"),
        ("", "invalid_value"),
        (encode(b"abc"), "invalid_value"),
        (encode(bytes(48_000 * 30 + 2)), "invalid_value"),
    ],
    ids=["number", "no base64", "empty", "half a sample", "too long"],
)
def test_a_fixture_that_is_invalid_interrupts_nothing(
    mock: MockOpenAI, audio: object, code: str
) -> None:
    player = start(mock)
    player.say(PLAY, audio=audio)
    (error,) = player.run(1)
    assert (error["error"]["code"], error["error"]["param"]) == (code, "audio")


# Sidebands


def test_a_sideband_starts_at_once(mock: MockOpenAI) -> None:
    player = attach(mock)
    (started,) = player.run(0)
    check_live_types([started], is_sideband=True)
    assert (started["session"]["id"], started["session"]["model"]) == ("call", "gpt-live-1")


def test_a_sideband_shows_the_times_of_audio(mock: MockOpenAI) -> None:
    player = attach(mock)
    player.say("session.commentary.append", content="Hi!", delegation_id=None)
    player.say(PLAY, audio=encode(TONE))
    messages = player.run(5)
    check_live_types(messages, is_sideband=True)
    spans = [(m["start_ms"], m["end_ms"]) for m in messages if m["type"] == SOUND]
    assert spans == sorted(spans)
    assert all(end - start in (25, 50, 100) for start, end in spans)


@pytest.mark.parametrize("type", ["session.start", "session.input_audio.append"])
def test_a_sideband_has_no_audio_of_its_own(mock: MockOpenAI, type: str) -> None:
    player = attach(mock)
    player.run(0)
    player.say(type)
    (error,) = player.run(0)
    assert error["error"]["code"] == "unsupported_event"


def test_a_sideband_sends_keys(mock: MockOpenAI) -> None:
    player = attach(mock)
    player.run(0)
    player.say("transport.dtmf.send", event="#", event_id="e1")
    player.say("transport.dtmf.send", event="##")
    sent, error = player.run(0)
    check_live_types([sent, error], is_sideband=True)
    assert (sent["type"], sent["event"]) == ("transport.dtmf.sent", "#")
    assert error["error"]["param"] == "event"


@pytest.mark.parametrize("action", ["attach", "fork"])
def test_a_session_that_nobody_knows_opens_nothing(mock: MockOpenAI, action: str) -> None:
    with pytest.raises(AssertionError):
        LivePlayer(mock, f"{FOREIGN}/{action}")


# Forks


def test_a_fork_inherits_the_session(mock: MockOpenAI) -> None:
    format = {"type": "audio/pcmu", "rate": 8000}
    responses = {"type": "responses", "responses": {"model": "gpt-5.5"}}
    session = {"store": True, "instructions": "Be brief.", "delegation": responses}
    id = LivePlayer(mock).start(audio={"format": format, "output": {"voice": "ash"}}, **session)[
        "id"
    ]
    player = LivePlayer(mock, f"{ROOT}/{id}/fork", seed=1)
    changes = {"delegation": {"type": "responses", "responses": {"model": "gpt-6"}}}
    player.say("session.start", session=changes)
    (started,) = player.run(0)
    check_live_types([started])
    shown = started["session"]
    assert (shown["instructions"], shown["store"]) == ("Be brief.", True)
    assert shown["audio"]["output"] == {"voice": "ash"}
    assert shown["audio"]["format"]["type"] == "audio/pcm"  # the other one's was its connection's
    assert shown["delegation"]["responses"]["model"] == "gpt-6"


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"model": "gpt-live-2"}, "session.model"),
        ({"client": {"data_channel": {}}}, "session.client"),
        ({"delegation": {"type": "responses"}}, "session.delegation.type"),
        ({"audio": {"output": {}}}, "session.audio.output"),
        ({"audio": 1}, "session.audio"),
        (1, "session"),
    ],
    ids=str,
)
def test_a_fork_changes_only_some_settings(mock: MockOpenAI, session: object, param: str) -> None:
    id = LivePlayer(mock).start(store=True)["id"]
    player = LivePlayer(mock, f"{ROOT}/{id}/fork", seed=1)
    player.say("session.start", session=session)
    (error,) = player.run(0)
    assert error["error"]["param"] == param
