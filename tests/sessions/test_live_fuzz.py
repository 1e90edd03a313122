"""Live sessions that get damaged client events: they answer with errors, and live on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damage import damage
from live_player import ROOT, LivePlayer, check_live_types
from openai_mockserver import MockOpenAI, Reply, ToolCall
from realtime_player import Json, encode, make_tone

pytestmark = pytest.mark.openai3("has no types of live sessions")

_QUESTION = {
    "type": "choice",
    "name": "n",
    "instructions": "?",
    "choices": [{"value": "a"}, {"value": True}],
}
_TRIGGER = {
    "type": "decisions",
    "event_type": "session.output_transcript.delta",
    "decisions": {"questions": [_QUESTION]},
}
_DELEGATIONS: list[Json] = [
    {"type": "client", "acknowledgement_delay_ms": 0},
    {
        "type": "responses",
        "responses": {
            "model": "gpt-5.5",
            "instructions": "i",
            "tools": [{"type": "function", "name": "f", "parameters": {}}],
            "tool_choice": "auto",
            "text": {"verbosity": "low"},
        },
    },
    {"type": "decisions", "decisions": {"model": "m", "questions": [_QUESTION]}},
]
_AUDIO = {"format": {"type": "audio/pcm", "rate": 16000}, "output": {"voice": "ash"}}
_MESSAGE = {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
_EVENTS: list[Json] = [
    {"type": "session.update", "session": {"triggers": [_TRIGGER]}},
    *({"type": "session.update", "session": {"delegation": one}} for one in _DELEGATIONS),
    {"type": "session.input_audio.append", "audio": encode(make_tone(9000, 0.3))},
    {"type": "session.input_audio.append", "audio": encode(make_tone(0, 0.9))},
    {"type": "session.input_audio.mute"},
    {"type": "session.input_audio.unmute"},
    {"type": "session.output_audio.fixture.play", "audio": encode(make_tone(9000, 0.1))},
    {"type": "session.instructions.append", "content": "Hi", "delegation_id": None},
    {"type": "session.thinking.append", "content": "Hi", "delegation_id": "item_1"},
    {"type": "session.commentary.append", "content": "Hi", "delegation_id": None},
    {"type": "decision.create", "event_id": "e"},
    {"type": "decision.item.create", "item": {"type": "message", "id": "i", **_MESSAGE}},
    {"type": "decision.item.delete", "item_id": "i"},
    {"type": "response.item.create", "item": _MESSAGE},
    {"type": "response.create"},
    {"type": "transport.dtmf.send", "event": "1"},
]


@st.composite
def _events(draw: st.DrawFn) -> Json:
    return damage(draw, draw(st.sampled_from(_EVENTS)))


@st.composite
def _starts(draw: st.DrawFn) -> Json:
    session: Json = {
        "model": "gpt-live-1",
        "instructions": "i",
        "audio": _AUDIO,
        "input": [_MESSAGE],
        "delegation": draw(st.sampled_from(_DELEGATIONS)),
        "triggers": [_TRIGGER],
        "store": True,
    }
    return damage(draw, {"type": "session.start", "session": session})


_PATHS = {"primary": ROOT, "sideband": f"{ROOT}/call/attach", "fork": f"{ROOT}/call/fork"}


@given(_starts(), st.sampled_from([*_PATHS]), st.lists(_events(), max_size=12))
def test_damaged_events_are_answered(start: Json, kind: str, events: list[Json]) -> None:
    mock = MockOpenAI(lenient=True)
    mock.reply(Reply("Hello", tool_calls=ToolCall("f")))
    mock.on(endpoint="responses").reply("Found it.")
    player = LivePlayer(mock, _PATHS[kind])
    valid_start = {"type": "session.start", "session": {} if kind == "fork" else {"model": "m"}}
    for event in [start, valid_start, *events]:
        player.say(**event)
        player.run(1)
    player.say("session.update", session={})
    assert player.run(1)[-1]["type"] == "session.updated"
    check_live_types([message for _, message in player.sent], kind == "sideband")
    problems = [str(call.problem) for call in mock.calls if call.problem]
    assert not [problem for problem in problems if "Error(" in problem]
    mock.calls.clear()
