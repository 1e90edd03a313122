"""Realtime sessions that get damaged client events: they answer, and live on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from damage import damage
from openai_mockserver import MockOpenAI
from realtime_player import Json, RealtimePlayer, encode, make_tone

_TOOL = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}
_MESSAGE = {
    "id": "item_1",
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "Hi"}, {"type": "input_audio", "audio": ""}],
}
_CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
_OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "1"}
_SESSION = {
    "type": "realtime",
    "instructions": "Be brief.",
    "output_modalities": ["text"],
    "tools": [_TOOL],
    "tool_choice": "auto",
    "max_output_tokens": 9,
    "modalities": ["text", "audio"],
    "voice": "ash",
    "input_audio_format": "pcm16",
    "turn_detection": {"type": "server_vad", "threshold": 0.5},
    "audio": {
        "input": {
            "format": {"type": "audio/pcmu"},
            "transcription": {"model": "whisper-1"},
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.4,
                "prefix_padding_ms": 100,
                "silence_duration_ms": 100,
            },
        },
        "output": {"format": {"type": "audio/pcma"}, "voice": "ash", "speed": 1.5},
    },
}
_EVENTS: list[Json] = [
    {"type": "session.update", "session": _SESSION},
    {"type": "input_audio_buffer.append", "audio": encode(make_tone(9000, 0.2))},
    {"type": "input_audio_buffer.append", "audio": encode(make_tone(0, 0.3))},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "conversation.item.create", "previous_item_id": "root", "item": _MESSAGE},
    {"type": "conversation.item.create", "item": _CALL},
    {"type": "conversation.item.create", "item": _OUTPUT},
    {"type": "conversation.item.truncate", "item_id": "item_1", "audio_end_ms": 0},
    {"type": "conversation.item.delete", "item_id": "item_1"},
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {
        "type": "response.create",
        "response": {
            "conversation": "none",
            "metadata": {"a": "b"},
            "input": [_MESSAGE],
            **_SESSION,
        },
    },
    {"type": "response.cancel", "response_id": "resp_1"},
]


@st.composite
def _events(draw: st.DrawFn) -> Json:
    return damage(draw, draw(st.sampled_from(_EVENTS)))


@given(
    st.sampled_from([None, "azure-voice-live", "xai"]), st.lists(_events(), min_size=1, max_size=12)
)
def test_damaged_events_are_answered(dialect: str | None, events: list[Json]) -> None:
    mock = MockOpenAI(lenient=True)
    mock.reply("Hello")
    player = RealtimePlayer(mock, dialect)
    for event in events:
        player.say(**event)
        player.run(1)
    player.say("response.cancel")
    player.run(1)
    player.say("session.update", session={"type": "realtime"})
    assert player.run(1)[-1]["type"] == "session.updated"
    problems = [str(call.problem) for call in mock.calls if call.problem]
    assert not [problem for problem in problems if "Error(" in problem]
    mock.calls.clear()
