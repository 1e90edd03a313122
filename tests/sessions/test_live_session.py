"""A Live session without a socket: what a client hears, and what it can do."""

from __future__ import annotations

import base64

import pytest

from live_player import LivePlayer, check_live_types, join
from openai_mockserver import ApiError, Audio, Choice, FunctionCall, MockOpenAI, Pace, Reply
from openai_mockserver.api.audio.tones import speak
from openai_mockserver.api.realtime.sound import encode_speech
from openai_mockserver.items import web_search
from openai_mockserver.sessions.session import Close
from realtime_player import Json, encode, list_types, make_tone

pytestmark = pytest.mark.openai3("has no types of live sessions")

HEARD, SPOKEN = "session.input_transcript.delta", "session.output_transcript.delta"
SOUND = "session.output_audio.delta"


@pytest.fixture
def mock() -> MockOpenAI:
    mock = MockOpenAI()
    mock.reply("Hello, world")
    mock.on(endpoint="audio/transcriptions").reply("How are you?")
    return mock


@pytest.fixture
def player(mock: MockOpenAI) -> LivePlayer:
    return LivePlayer(mock)


def read_sound(messages: list[Json]) -> bytes:
    deltas = [message["delta"] for message in messages if message["type"] == SOUND]
    return b"".join(map(base64.b64decode, deltas))


def read_error(messages: list[Json]) -> tuple[str, str | None]:
    """Return code and param of the only message, which is an error."""
    (message,) = messages
    assert message["type"] == "error"
    check_live_types(messages)
    return message["error"]["code"], message["error"].get("param")


# The session


def test_a_passive_connection_receives_nothing(player: LivePlayer) -> None:
    assert player.run(60) == []


def test_it_starts_as_recorded(player: LivePlayer) -> None:
    player.say("session.start", session={"model": "gpt-live-1", "instructions": "Be brief."})
    (started,) = player.run(0)
    check_live_types([started])
    assert list(started) == ["event_id", "type", "session"]
    session = started["session"]
    assert list(session) == [
        "id",
        "expires_at",
        "model",
        "instructions",
        "audio",
        "delegation",
        "status",
        "input",
    ]
    assert len(session["id"]) == len("live_u7_") + 32
    assert session["audio"] == {
        "output": {"voice": "marin"},
        "format": {"type": "audio/pcm", "rate": 24000},
    }
    assert session["delegation"] == {"type": "client"}


def test_an_event_repeats_the_id_of_the_one_that_it_answers(player: LivePlayer) -> None:
    player.say("session.start", event_id="e1", session={"model": "gpt-live-1"})
    player.say("session.input_audio.mute", event_id="e2")
    player.say("session.input_audio.unmute")
    player.say("nonsense", event_id="e3")
    started, muted, unmuted, error = player.run(0)
    assert (started["client_event_id"], muted["client_event_id"]) == ("e1", "e2")
    assert "client_event_id" not in unmuted
    assert error["client_event_id"] == error["error"]["client_event_id"] == "e3"


def test_what_is_said_before_the_start_is_refused(player: LivePlayer) -> None:
    player.say("session.close")
    assert read_error(player.run(0)) == ("session_not_started", "type")
    player.start()
    player.say("session.start", session={"model": "gpt-live-1"})
    assert read_error(player.run(0)) == ("session_already_started", None)


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({}, "missing_required_parameter", "session.model"),
        ({"model": "m", "voice": "x"}, "unknown_parameter", "session.voice"),
        ({"model": "m", "idle_timeout_s": 5}, "unknown_parameter", "session.idle_timeout_s"),
        (
            {"model": "m", "delegation": {"type": "responses"}},
            "missing_required_parameter",
            "session.delegation.responses",
        ),
        (
            {"model": "m", "audio": {"format": {"type": "audio/pcm", "rate": 8000}}},
            "invalid_value",
            "session.audio.format.rate",
        ),
        (
            {"model": "m", "audio": {"format": {"type": "audio/pcmu"}}},
            "missing_required_parameter",
            "session.audio.format.rate",
        ),
        ({"model": "m", "audio": {"format": 1}}, "invalid_type", "session.audio.format"),
        ({"model": "m", "audio": {"pitch": 1}}, "unknown_parameter", "session.audio.pitch"),
        (
            {"model": "m", "input": [{"role": "user", "content": []}]},
            "invalid_value",
            "session.input[0].content",
        ),
        (
            {"model": "m", "instructions": "word " * 20_000},
            "string_above_max_length",
            "session.instructions",
        ),
        ([], "invalid_type", "session"),
    ],
)
def test_a_session_that_is_invalid_does_not_start(
    player: LivePlayer, session: object, code: str, param: str
) -> None:
    player.say("session.start", session=session)
    assert read_error(player.run(0)) == (code, param)
    player.start()


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ({"type": "session.input_audio.commit"}, "invalid_value", "type"),
        ({}, "missing_required_parameter", "type"),
        ({"type": "session.update"}, "missing_required_parameter", "session"),
        ({"type": "session.close", "reason": "x"}, "unknown_parameter", "reason"),
        ({"type": "session.close", "event_id": 1}, "invalid_type", "event_id"),
        ({"type": "session.close", "event_id": "x" * 513}, "invalid_value", "event_id"),
        ({"type": "session.input_audio.append", "audio": "%"}, "invalid_value", "audio"),
        ({"type": "transport.dtmf.send", "event": "1"}, "unsupported_event", "type"),
    ],
    ids=str,
)
def test_an_event_that_is_invalid_changes_nothing(
    player: LivePlayer, event: Json, code: str, param: str
) -> None:
    player.start()
    player.say(**{"type": None, **event})
    assert read_error(player.run(0)) == (code, param)


def test_an_unknown_event_is_told_which_ones_exist(player: LivePlayer) -> None:
    player.start()
    player.say("session.input_audio.commit")
    (error,) = player.run(0)
    assert "'session.input_audio.append'" in error["error"]["message"]
    assert "transport.dtmf.send" not in error["error"]["message"]


def test_the_last_event_says_why_the_session_ended(player: LivePlayer) -> None:
    session = player.start()
    player.ask()
    player.say("session.close", event_id="bye")
    (closed,) = player.run()
    check_live_types([closed])
    assert (closed["reason"], closed["client_event_id"]) == ("close_requested", "bye")
    assert (closed["session"], closed["usage"]) == (session, {"seconds": 1})
    assert player.ends == [Close()]
    player.say("session.input_audio.mute")
    assert player.run() == []


def test_a_session_expires(player: LivePlayer) -> None:
    player.start()
    for _ in range(7):
        player.run(600)
    assert [(at, m["reason"]) for at, m in player.sent[1:]] == [(3600.0, "expired")]


# Speech


def test_the_model_answers_what_the_user_says(mock: MockOpenAI, player: LivePlayer) -> None:
    player.start(instructions="Be brief.")
    messages = player.ask()
    check_live_types(messages)
    assert join(messages, HEARD) == "How are you?"
    assert join(messages, SPOKEN) == "Hello, world"
    assert read_sound(messages) == speak("Hello, world", "pcm", "marin")
    assert list_types(messages)[-1] == "session.usage.updated"
    hearing, answer = mock.calls
    assert (hearing.path, answer.path) == ("/v1/audio/transcriptions", "/v1/live")
    assert (answer.user, answer.system, answer.model) == ("How are you?", "Be brief.", "gpt-live-1")


def test_the_times_of_a_session_follow_each_other(player: LivePlayer) -> None:
    player.start()
    messages = player.ask() + player.ask()
    spans = [(m["start_ms"], m["end_ms"]) for m in messages if "start_ms" in m]
    assert spans == sorted(spans)
    assert all(start < end and start % 200 == 0 for start, end in spans)


def test_audio_arrives_in_pieces_of_100_ms(player: LivePlayer) -> None:
    player.start()
    sizes = [len(base64.b64decode(m["delta"])) for m in player.ask() if m["type"] == SOUND]
    assert set(sizes) == {4800}


@pytest.mark.parametrize(
    "format",
    [
        {"type": "audio/pcm", "rate": 16000},
        {"type": "audio/pcmu", "rate": 8000},
        {"type": "audio/pcma", "rate": 8000},
    ],
    ids=lambda format: format["type"],
)
def test_the_model_speaks_in_the_format_of_the_session(player: LivePlayer, format: Json) -> None:
    session = player.start(audio={"format": format, "output": {"voice": "ash"}})
    assert session["audio"] == {"output": {"voice": "ash"}, "format": format}
    player.say("session.commentary.append", content="Hi there", delegation_id=None)
    assert read_sound(player.run(1)) == encode_speech("Hi there", format, "ash", 1.0)


def test_the_conversation_grows(mock: MockOpenAI, player: LivePlayer) -> None:
    text = {"type": "input_text", "text": "I am Ann."}
    player.start(input=[{"role": "user", "content": [text]}])
    player.ask()
    player.ask()
    assert [(m["role"], m["content"][0]["text"]) for m in mock.calls[-1].messages] == [
        ("user", "I am Ann."),
        ("user", "How are you?"),
        ("assistant", "Hello, world"),
        ("user", "How are you?"),
    ]


def test_a_user_interrupts_the_model(mock: MockOpenAI, player: LivePlayer) -> None:
    mock.reply("one two three four", pace=Pace(itl=0.5))
    player.start()
    player.speak((9000, 0.5), (0, 0.6))
    player.run(0.6)
    player.speak((9000, 0.3))
    messages = player.run(10)
    assert SPOKEN not in list_types(messages)
    said = player.session._state.items[-1]
    assert said["role"] == "assistant"
    assert said["content"][0]["text"] in ("one", "one two")
    assert player.open_turns == set()


def test_a_muted_user_is_not_heard(player: LivePlayer) -> None:
    player.start()
    player.say("session.input_audio.mute")
    player.run(0)
    assert player.ask() == []
    player.say("session.input_audio.unmute")
    player.run(0)
    assert join(player.ask(), HEARD) == "How are you?"


def test_without_a_rule_a_transcript_is_generated() -> None:
    mock = MockOpenAI()
    mock.reply("Hello")
    player = LivePlayer(mock)
    player.start()
    messages = player.ask()
    assert join(messages, HEARD)
    assert join(messages, SPOKEN) == "Hello"


def test_what_no_rule_matches_is_an_error() -> None:
    mock = MockOpenAI()
    player = LivePlayer(mock)
    player.start()
    error = player.ask()[-2]
    check_live_types([error])
    assert error["type"] == "error"
    assert mock.calls[-1].problem is not None
    mock.calls.clear()


@pytest.mark.parametrize(
    ("reply", "text", "code"),
    [
        (ApiError(429, "Slow down.", code="rate_limit_exceeded"), "", "rate_limit_exceeded"),
        (Reply("Hel", error=ApiError(500, "Broken.")), "Hel", "server_error"),
    ],
)
def test_an_error_is_an_event(
    mock: MockOpenAI, player: LivePlayer, reply: object, text: str, code: str
) -> None:
    mock.reply(reply)
    player.start()
    messages = player.ask()
    check_live_types(messages)
    assert join(messages, SPOKEN) == text
    (error,) = (m["error"] for m in messages if m["type"] == "error")
    assert error["code"] == code


def test_the_pace_of_a_rule_is_that_of_the_speech(mock: MockOpenAI, player: LivePlayer) -> None:
    mock.reply("one two", pace=Pace(ttft=1.0))
    player.start()
    player.speak((9000, 0.5), (0, 0.6))
    assert SPOKEN not in list_types(player.run(0.9))
    assert SPOKEN in list_types(player.run(0.2))


def test_a_reply_may_bring_its_own_sound(mock: MockOpenAI, player: LivePlayer) -> None:
    sound = [encode(make_tone(5000, 0.1)), encode(make_tone(9000, 0.2))]
    mock.on(endpoint="live").reply(Reply(audio=Audio("Hi there", sound)))
    player.start()
    messages = player.ask()
    check_live_types(messages)
    assert join(messages, SPOKEN) == "Hi there"
    assert [m["delta"] for m in messages if m["type"] == SOUND] == sound


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (Reply(choices=[Choice("a"), Choice("b")]), "has one choice; this reply has 2"),
        (Reply(function_call=FunctionCall("f", {})), "has no function_call"),
        (Reply(output=[web_search("news"), "Hi"]), "a Live answer has no"),
    ],
)
def test_a_reply_that_cannot_be_said_is_a_problem(
    mock: MockOpenAI, player: LivePlayer, reply: Reply, problem: str
) -> None:
    mock.on(endpoint="live").reply(reply)
    player.start()
    assert problem in next(m["error"]["message"] for m in player.ask() if m["type"] == "error")
    assert problem in str(mock.calls[-1].problem)
    mock.calls.clear()
