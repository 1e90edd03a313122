"""Recorded Realtime sessions, rendered again by rule.

A session is fed with the recorded client events, and rules have the recorded answers. It must send
the same events in the same order, with the same members in the same order and the same values.
What may differ: ids (but not what they refer to), times, counts of tokens, padding, the default
instructions, and audio, which the recorder has shortened: the user's speech is replaced with a tone
at the recorded time. Deltas of text must be the same; where they stand among the deltas of audio
and the transcripts of the user, which come when they are ready, may differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from openai_mockserver import Message, MockOpenAI, Reply, ToolCall
from realtime_player import Json, RealtimePlayer, check_types

NAMES = [
    "azure_voice_live_ws--test_text_output_modality_returns_text",
    "azure_ws--test_spoken_turn_transcribed_drives_a_tool_and_answers_in_audio",
    "azure_ws--test_text_in_audio_out_turn",
    "openai_ws--test_audio_in_server_vad_turn",
    "openai_ws--test_text_in_audio_out_turn",
    "openai_ws--test_tool_call_round",
    "parity_ws--test_history_seeding_parity-openai-current",
    "xai_ws--test_text_in_audio_out_turn",
    "xai_ws--test_tool_call_round",
]
DIALECTS = {
    "azure_voice_live": "azure-voice-live",
    "azure": "azure",
    "xai": "xai",
}
TRANSCRIPTION = "conversation.item.input_audio_transcription."
IDS = ("id", "item_id", "response_id", "conversation_id", "previous_item_id", "call_id")
DEFAULT_INSTRUCTIONS = ("You are a helpful", "Your knowledge cutoff")
VARYING = {
    "event_id",
    "expires_at",
    "timestamp",
    "ts",
    "rid",
    "latency",
    "audio_duration_ms",
    "start_time",
    "seconds",
    "output_audio_seconds",
    "billable_audio_seconds",
    "audio_start_ms",
    "audio_end_ms",
}


def load(shared: Path, name: str) -> list[tuple[str, Json]]:
    """Return the direction and the event of each message."""
    file = shared / "recordings-ws" / f"test_{name}.yaml"
    interactions = yaml.safe_load(file.read_text())["interactions"]
    return [(one["direction"], one["data"]) for one in interactions]


def find_dialect(name: str) -> str | None:
    return next((dialect for start, dialect in DIALECTS.items() if name.startswith(start)), None)


def read_replies(received: list[Json]) -> Iterator[Reply]:
    """Yield what the model says in each response, in its pieces."""
    for done in received:
        if done["type"] != "response.done":
            continue
        outputs: list[Message | ToolCall] = []
        for item in done["response"]["output"]:
            pieces = [
                event["delta"]
                for event in received
                if event.get("item_id") == item["id"]
                and event["type"].endswith(".delta")
                and not event["type"].endswith("audio.delta")
            ]
            if item["type"] == "message":
                outputs.append(Message(pieces))
            else:
                outputs.append(ToolCall(item["name"], pieces, item["call_id"]))
        yield Reply(output=outputs)


def make_mock(received: list[Json]) -> MockOpenAI:
    """Return a mock that says what the recorded model said, and hears what it heard."""
    mock = MockOpenAI()
    mock.reply(*read_replies(received))
    deltas = [e["delta"] for e in received if e["type"] == f"{TRANSCRIPTION}delta"]
    mock.on(endpoint="audio/transcriptions").reply(deltas or "nothing")
    return mock


def replay(recorded: list[tuple[str, Json]], player: RealtimePlayer) -> list[Json]:
    """Feed a session with the recorded client events, and return what it sends."""
    ms = {k: v for _, event in recorded for k, v in event.items() if k.endswith("_ms")}
    has_spoken = False
    for direction, event in recorded:
        if direction == "received":
            player.run(0)
        elif event["type"] != "input_audio_buffer.append":
            player.say(**event)
        elif not has_spoken:
            has_spoken = True
            start, end = ms["audio_start_ms"] + 300, ms["audio_end_ms"] - 200
            player.speak((0, start / 1000), (9000, (end - start) / 1000), (0, 1.0))
    player.run(0)
    return [message for _, message in player.sent]


class Normal:
    """Replaces what may differ. Ids are numbered in order of appearance."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def event(self, event: Json) -> Any:
        return self._value(event, event["type"])

    def _value(self, value: Any, name: str) -> Any:
        if name in VARYING:
            return type(value).__name__
        if name in IDS and isinstance(value, str):
            return self._ids.setdefault(value, f"id-{len(self._ids) + 1}")
        if name == "obfuscation":
            return len(value)
        if name.endswith("_tokens") and isinstance(value, int):
            return "count"
        if name == "instructions" and value.startswith(DEFAULT_INSTRUCTIONS):
            return "instructions"
        if isinstance(value, dict):
            return [(key, self._value(one, key)) for key, one in value.items()]
        if isinstance(value, list):
            return [self._value(one, "") for one in value]
        return value


def split(messages: list[Json]) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Return the events; apart from them transcripts of the user, and deltas of text and audio."""
    normal = Normal()
    events: list[Any] = []
    hearing: list[Any] = []
    words: list[Any] = []
    sounds: list[Any] = []
    for message in messages:
        kind = message["type"]
        if kind.startswith(TRANSCRIPTION):
            hearing.append(normal.event(message))
        elif kind.endswith("audio.delta"):
            sounds.append(normal.event({**message, "delta": ""}))
        elif kind.endswith(".delta"):
            words.append(normal.event(message))
        else:
            events.append(normal.event(message))
    return events, hearing, words, sounds


@pytest.mark.parametrize("name", NAMES)
def test_a_session_is_rendered_again(shared: Path, name: str) -> None:
    recorded = load(shared, name)
    received = [event for direction, event in recorded if direction == "received"]
    model = received[0]["session"]["model"]
    player = RealtimePlayer(make_mock(received), find_dialect(name), model=model)
    sent = replay(recorded, player)
    if find_dialect(name) in (None, "azure"):
        check_types(sent)
    expected, found = split(received), split(sent)
    assert [event[0] for event in found[0]] == [event[0] for event in expected[0]]
    for one, other in zip(found[0], expected[0], strict=True):
        assert one == other
    assert found[1] == expected[1]
    assert found[2] == expected[2]
    assert {repr(one) for one in found[3]} == {repr(one) for one in expected[3]}
    for one, other in zip(sent, received, strict=False):
        for key in ("audio_start_ms", "audio_end_ms"):
            if key in one:
                assert abs(one[key] - other[key]) <= 20
