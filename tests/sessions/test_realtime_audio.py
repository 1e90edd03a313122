"""What a user says in a Realtime session: the buffer, detection of speech, and transcripts."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import ApiError, MockOpenAI, Pace
from openai_mockserver.api.realtime.sound import PCM, decode_samples
from openai_mockserver.sessions.realtime import session as sessions
from openai_mockserver.sessions.realtime import speech
from openai_mockserver.sessions.realtime.speech import AudioBuffer
from realtime_player import Json, RealtimePlayer, check_types, encode, list_types, make_tone

SPEECH = (9000, 1.0)
PAUSE = (0, 0.5)


@pytest.fixture
def mock() -> MockOpenAI:
    mock = MockOpenAI()
    mock.reply("Hello")
    return mock


@pytest.fixture
def player(mock: MockOpenAI) -> RealtimePlayer:
    player = RealtimePlayer(mock)
    player.run(0)
    return player


def configure(player: RealtimePlayer, **hearing: Any) -> None:
    player.say("session.update", session={"type": "realtime", "audio": {"input": hearing}})
    (updated,) = player.run(0)
    assert updated["type"] == "session.updated"


def find(messages: list[Json], type: str) -> Json:
    (message,) = [m for m in messages if m["type"] == type]
    return message


# Detection


def test_speech_is_answered(player: RealtimePlayer) -> None:
    player.speak((0, 1.0), SPEECH, PAUSE)
    messages = player.run()
    check_types(messages)
    assert list_types(messages)[:7] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "response.output_item.added",
    ]
    started, stopped, committed, added = messages[:4]
    assert (started["audio_start_ms"], stopped["audio_end_ms"]) == (700, 2200)
    ids = {m["item_id"] for m in (started, stopped, committed)} | {added["item"]["id"]}
    assert len(ids) == 1
    usage = messages[-1]["response"]["usage"]
    assert usage["input_token_details"]["audio_tokens"] == 15  # 10 tokens a second
    player.say("conversation.item.retrieve", item_id=ids.pop())
    (retrieved,) = player.run(0)
    audio = base64.b64decode(retrieved["item"]["content"][0]["audio"])
    assert audio == make_tone(0, 0.3) + make_tone(*SPEECH) + make_tone(0, 0.2)


def test_each_turn_is_an_item_of_its_own(player: RealtimePlayer) -> None:
    player.speak(*(SPEECH, PAUSE) * 2)
    messages = player.run()
    starts = [m for m in messages if m["type"].endswith("speech_started")]
    assert [m["audio_start_ms"] for m in starts] == [0, 1200]  # no audio is in two turns
    assert starts[0]["item_id"] != starts[1]["item_id"]


@pytest.mark.parametrize(
    ("threshold", "amplitude", "is_speech"),
    [(0.5, 500, False), (0.5, 800, True), (0.9, 800, False), (0.9, 9000, True), (0.1, 200, True)],
)
def test_the_threshold_decides_what_speech_is(
    player: RealtimePlayer, threshold: float, amplitude: int, is_speech: bool
) -> None:
    configure(player, turn_detection={"type": "server_vad", "threshold": threshold})
    player.speak((amplitude, 1.0))
    assert bool(player.run(0)) is is_speech


def test_a_short_pause_does_not_end_a_turn(player: RealtimePlayer) -> None:
    configure(
        player,
        turn_detection={
            "type": "server_vad",
            "silence_duration_ms": 600,
            "prefix_padding_ms": 100,
        },
    )
    player.speak((0, 0.5), SPEECH, PAUSE, SPEECH, (0, 0.6))
    messages = player.run(0)
    assert find(messages, "input_audio_buffer.speech_started")["audio_start_ms"] == 400
    assert find(messages, "input_audio_buffer.speech_stopped")["audio_end_ms"] == 3600


def test_semantic_detection_waits_longer(player: RealtimePlayer) -> None:
    configure(player, turn_detection={"type": "semantic_vad", "eagerness": "high"})
    player.speak(SPEECH, (0, 0.4))
    assert list_types(player.run(0)) == ["input_audio_buffer.speech_started"]
    player.speak((0, 0.1))
    assert player.run(0)[0]["type"] == "input_audio_buffer.speech_stopped"


def test_detection_may_leave_the_answer_to_the_client(player: RealtimePlayer) -> None:
    configure(player, turn_detection={"type": "server_vad", "create_response": False})
    player.speak(SPEECH, PAUSE)
    assert player.run()[-1]["type"] == "conversation.item.done"


@given(st.lists(st.integers(1, 5000), max_size=20))
def test_the_size_of_the_pieces_does_not_matter(sizes: list[int]) -> None:
    data = make_tone(0, 0.31) + make_tone(9000, 0.2) + make_tone(0, 0.25) + make_tone(9000, 0.1)
    detection = {"type": "server_vad", "prefix_padding_ms": 100, "silence_duration_ms": 200}
    whole = AudioBuffer().append(data, PCM, detection)
    buffer, edges = AudioBuffer(), []
    for size in [*sizes, len(data)]:
        edges += buffer.append(data[:size], PCM, detection)
        data = data[size:]
    assert edges == whole
    assert [edge.kind for edge in edges] == ["started", "stopped", "started"]


# Interruption


@pytest.mark.parametrize("interrupts", [True, False])
def test_the_user_interrupts(mock: MockOpenAI, player: RealtimePlayer, interrupts: bool) -> None:
    mock.reply("one two three", pace=Pace(itl=0.5))
    configure(player, turn_detection={"type": "server_vad", "interrupt_response": interrupts})
    player.say("response.create")
    player.run(2)
    player.speak(SPEECH)
    messages = player.run()
    assert messages[0]["type"] == "input_audio_buffer.speech_started"
    response = find(messages, "response.done")["response"]
    if interrupts:
        assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    else:
        assert response["status"] == "completed"


def test_who_does_not_interrupt_gets_no_second_answer(
    mock: MockOpenAI, player: RealtimePlayer
) -> None:
    mock.reply("one two three", pace=Pace(itl=0.5))
    configure(player, turn_detection={"type": "server_vad", "interrupt_response": False})
    player.say("response.create")
    player.speak(SPEECH, PAUSE)
    messages = player.run()
    code = "conversation_already_has_active_response"
    assert find(messages, "error")["error"]["code"] == code
    assert find(messages, "response.done")["response"]["status"] == "completed"


# Committing


def test_the_client_commits(player: RealtimePlayer) -> None:
    configure(player, turn_detection=None)
    player.speak(SPEECH, PAUSE)
    assert player.run() == []
    player.say("input_audio_buffer.commit")
    messages = player.run()
    assert list_types(messages) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    check_types(messages)
    player.say("input_audio_buffer.commit")
    (error,) = player.run()
    assert error["error"]["code"] == "input_audio_buffer_commit_empty"
    assert "only has 0.00ms" in error["error"]["message"]


def test_the_client_clears(player: RealtimePlayer) -> None:
    player.speak(SPEECH)
    player.run(0)
    player.say("input_audio_buffer.clear")
    (cleared,) = player.run(0)
    assert cleared["type"] == "input_audio_buffer.cleared"
    check_types([cleared])
    player.speak(PAUSE, SPEECH)
    assert [m["audio_start_ms"] for m in player.run(0)] == [1200]  # time goes on


def test_the_buffer_has_a_limit(player: RealtimePlayer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "MOST_BUFFERED", 1000)
    player.say("input_audio_buffer.append", audio=encode(bytes(1001)))
    (error,) = player.run(0)
    assert error["error"]["message"] == "Invalid 'audio'. The buffer is full."


def test_only_so_much_audio_is_kept(
    player: RealtimePlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(player, turn_detection=None)
    monkeypatch.setattr(sessions, "MOST_BUFFERED", 60_000)
    ids = []
    for _ in range(2):
        player.speak(SPEECH)
        player.say("input_audio_buffer.commit")
        ids.append(player.run(0)[0]["item_id"])
    for id in ids:
        player.say("conversation.item.retrieve", item_id=id)
    first, second = (message["item"]["content"][0] for message in player.run(0))
    assert "audio" not in first
    assert base64.b64decode(second["audio"]) == make_tone(*SPEECH)
    player.say("response.create")
    usage = player.run()[-1]["response"]["usage"]
    assert usage["input_token_details"]["audio_tokens"] == 20  # it still counts


@pytest.mark.parametrize("type", ["audio/pcmu", "audio/pcma"])
def test_a_telephone_is_heard(player: RealtimePlayer, type: str) -> None:
    configure(player, format={"type": type})
    loud, quiet = {"audio/pcmu": (0x80, 0xFF), "audio/pcma": (0xAA, 0xD5)}[type]
    for octet, count in ((quiet, 8000), (loud, 8000), (quiet, 4000)):
        player.say("input_audio_buffer.append", audio=encode(bytes([octet]) * count))
    started, stopped = player.run(0)[:2]
    assert (started["audio_start_ms"], stopped["audio_end_ms"]) == (700, 2200)


@pytest.mark.parametrize(
    ("type", "levels"),
    [
        # ITU-T G.191: the extremes, and the smallest steps
        ("audio/pcmu", {0x00: -32124, 0x80: 32124, 0x7F: 0, 0xFF: 0, 0xFE: 8, 0x7E: -8}),
        ("audio/pcma", {0x2A: -32256, 0xAA: 32256, 0xD5: 8, 0x55: -8, 0xD4: 24}),
    ],
)
def test_the_codings_of_telephones(type: str, levels: dict[int, int]) -> None:
    assert list(decode_samples(bytes(levels), {"type": type})) == list(levels.values())


# Transcripts


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("gpt-realtime-whisper", {"type": "duration", "seconds": 2}),
        (
            "gpt-4o-transcribe",
            {
                "type": "tokens",
                "total_tokens": 20,
                "input_tokens": 12,
                "input_token_details": {"text_tokens": 0, "audio_tokens": 12},
                "output_tokens": 8,
            },
        ),
    ],
)
def test_a_rule_says_what_the_user_says(
    mock: MockOpenAI, player: RealtimePlayer, model: str, usage: Json
) -> None:
    mock.on(endpoint="audio/transcriptions").reply("What's the weather?")
    mock.on(user="What's the weather?").reply("Sunny.")
    configure(player, transcription={"model": model})
    player.speak(SPEECH, PAUSE)
    messages = player.run()
    check_types(messages)
    name = "conversation.item.input_audio_transcription"
    completed = find(messages, f"{name}.completed")
    assert (completed["transcript"], completed["usage"]) == ("What's the weather?", usage)
    deltas = [m["delta"] for m in messages if m["type"] == f"{name}.delta"]
    assert "".join(deltas) == "What's the weather?"
    types = [m["type"] for m in messages]
    assert types.index("response.created") < types.index(f"{name}.delta")
    assert messages[-1]["response"]["output"][0]["content"][0]["transcript"] == "Sunny."
    assert [call.path for call in mock.calls] == ["/v1/audio/transcriptions", "/v1/realtime"]


def test_without_a_rule_a_transcript_follows_from_the_audio(
    mock: MockOpenAI, player: RealtimePlayer
) -> None:
    configure(player, transcription={"model": "whisper-1"})
    player.speak(SPEECH, PAUSE)
    messages = player.run()
    name = "conversation.item.input_audio_transcription.completed"
    transcript = find(messages, name)["transcript"]
    assert len(transcript.split()) == 3
    assert mock.calls[-1].user == transcript
    assert mock.calls[0].rule is None  # a rule for no endpoint says nothing for the user


def test_a_transcript_may_fail(mock: MockOpenAI, player: RealtimePlayer) -> None:
    mock.on(endpoint="audio/transcriptions").reply(ApiError(500, code="unintelligible"))
    configure(player, transcription={"model": "whisper-1"})
    player.speak(SPEECH, PAUSE)
    messages = player.run()
    check_types(messages)
    failed = find(messages, "conversation.item.input_audio_transcription.failed")
    assert failed["error"]["code"] == "unintelligible"
    assert messages[-1]["response"]["status"] == "completed"


def test_a_session_may_only_transcribe(mock: MockOpenAI) -> None:
    player = RealtimePlayer(mock, intent="transcription")
    mock.on(endpoint="audio/transcriptions").reply("Hi")
    session = {
        "type": "transcription",
        "audio": {"input": {"transcription": {"model": "whisper-1"}}},
    }
    player.say("session.update", session=session)
    created, updated = player.run(0)
    assert created["session"]["type"] == updated["session"]["type"] == "transcription"
    player.speak(SPEECH, PAUSE)
    messages = player.run()
    assert messages[-1]["transcript"] == "Hi"
    assert not any(m["type"].startswith("response.") for m in messages)
    player.say("response.create")
    (error,) = player.run()
    assert error["type"] == "error"
    check_types([created, updated, *messages, error])


def test_who_interrupts_a_transcript_still_gets_it(
    mock: MockOpenAI, player: RealtimePlayer
) -> None:
    """It waits for the response, which is cancelled before it starts."""
    mock.on(endpoint="audio/transcriptions").reply("Hi")
    mock.reply("Hello", pace=Pace(ttft=5.0))
    configure(player, transcription={"model": "whisper-1"})
    player.speak(SPEECH, PAUSE)
    player.run(1)
    player.say("response.cancel")
    messages = player.run()
    assert find(messages, "response.done")["response"]["status"] == "cancelled"
    name = "conversation.item.input_audio_transcription.completed"
    assert find(messages, name)["transcript"] == "Hi"
