"""What Realtime sessions send beyond the SDK's types: members that only the recordings have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter

from openai_mockserver import ApiError, MockOpenAI, Pace, Reply, ToolCall
from realtime_player import Json, RealtimePlayer

_PADDED = (
    "conversation.item.input_audio_transcription.delta",
    "response.function_call_arguments.delta",
    "response.output_audio_transcript.delta",
    "response.output_text.delta",
)
_SESSION = {"object", "id", "expires_at"}
OPENAI = {
    *((type, "obfuscation") for type in _PADDED),
    *(("session.created", f"session.{name}") for name in _SESSION),
    *(("session.updated", f"session.{name}") for name in _SESSION),
    # of models that reason
    ("conversation.item.added", "item.phase"),
    ("conversation.item.done", "item.phase"),
    ("response.done", "response.output.phase"),
    ("response.done", "response.usage.output_token_details.reasoning_tokens"),
    ("response.output_item.added", "item.phase"),
    ("response.output_item.done", "item.phase"),
}
AZURE = {
    ("response.content_part.added", "content"),
    ("response.content_part.done", "content"),
}


def find_extra(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of the members of a parsed event that its type lacks."""
    if isinstance(value, list):
        for one in value:
            yield from find_extra(one, path)
    elif isinstance(value, BaseModel):
        yield from (f"{path}.{name}".lstrip(".") for name in value.model_extra or ())
        for name in type(value).model_fields:
            yield from find_extra(getattr(value, name), f"{path}.{name}")


def play_everything(dialect: str | None) -> list[Json]:
    """Return the events of a session in which everything happens."""
    mock = MockOpenAI()
    mock.on(endpoint="audio/transcriptions").reply("Hi", ApiError(500))
    call = ToolCall("get_weather", {"city": "Paris"})
    slow = Pace(itl=0.5)
    mock.reply("Hello", Reply("Wait.", tool_calls=[call]), ApiError(429))
    mock.on(user="slow").reply("one two three", pace=slow)
    player = RealtimePlayer(mock, dialect, model="gpt-realtime-2")
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
    hearing = {"transcription": {"model": "gpt-4o-transcribe"}}
    session = {"type": "realtime", "tools": [tool], "audio": {"input": hearing}}
    player.say("session.update", session=session)
    for _ in range(2):
        player.speak((9000, 0.5), (0, 1.0))
        player.run(1)
    call_id = next(i["call_id"] for i in player.session._conversation.items if "call_id" in i)
    item = {"type": "function_call_output", "call_id": call_id, "output": "sunny"}
    player.say("conversation.item.create", item=item)
    player.say("response.create", response={"output_modalities": ["text"]})
    player.run(1)
    player.write("slow", id="item_slow")
    for modality in ("text", "audio"):
        player.say("response.create", response={"output_modalities": [modality]})
        player.run(3)
        player.say("response.cancel")
    player.say("response.cancel")
    for action in ("retrieve", "delete"):
        player.say(f"conversation.item.{action}", item_id="item_slow")
    said = next(i for i in player.session._conversation.items if i.get("role") == "assistant")
    end: Json = {"content_index": 0, "audio_end_ms": 10}
    player.say("conversation.item.truncate", item_id=said["id"], **end)
    player.say("input_audio_buffer.clear")
    player.run(1)
    return [message for _, message in player.sent]


@pytest.mark.openai3("has no type for the message of a failed response's error")
@pytest.mark.parametrize(("dialect", "extra"), [(None, OPENAI), ("azure", OPENAI | AZURE)])
def test_only_these_members_are_unknown_to_the_sdk(
    dialect: str | None, extra: set[tuple[str, str]]
) -> None:
    messages = play_everything(dialect)
    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    found = set()
    for message in messages:
        event = adapter.validate_json(json.dumps(message), strict=True)
        found |= {(message["type"], path) for path in find_extra(event)}
    assert found == extra
    assert len({message["type"] for message in messages}) == 29
