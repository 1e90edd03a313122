"""Sessions of the Realtime API, played without a socket and on a clock of their own."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from openai_mockserver import ApiError, Audio, MockOpenAI, Pace, Reasoning, Reply, ToolCall, items
from openai_mockserver.api.audio.tones import speak
from openai_mockserver.faults import hold, reset, truncate
from openai_mockserver.sessions.session import Close, Drop, Expired, Received
from realtime_player import Json, RealtimePlayer, check_types, list_types

TEXT = {"type": "realtime", "output_modalities": ["text"]}
TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}


@pytest.fixture
def mock() -> MockOpenAI:
    mock = MockOpenAI()
    mock.reply(lambda request: " ".join(str(one) for one in [request.user]))
    return mock


@pytest.fixture
def player(mock: MockOpenAI) -> RealtimePlayer:
    player = RealtimePlayer(mock, model="gpt-realtime")
    player.run(0)
    return player


def get_error(messages: list[Json]) -> Json:
    (message,) = messages
    assert message["type"] == "error"
    check_types(messages)
    error: Json = message["error"]
    return error


# The session


def test_a_session_begins_with_its_configuration(mock: MockOpenAI) -> None:
    (created,) = RealtimePlayer(mock, model="gpt-realtime-2").run(0)
    session = created["session"]
    assert (created["type"], session["model"]) == ("session.created", "gpt-realtime-2")
    assert session["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    assert session["audio"]["output"]["voice"] == "marin"


def test_an_update_changes_what_it_names(player: RealtimePlayer) -> None:
    output = {"voice": "cedar"}
    player.say("session.update", session=TEXT | {"tools": [TOOL], "audio": {"output": output}})
    player.say(
        "session.update",
        session={"type": "realtime", "audio": {"input": {"turn_detection": None}}},
    )
    first, second = (message["session"] for message in player.run(0))
    assert first["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24000},
        "voice": "cedar",
        "speed": 1.0,
    }
    assert (first["output_modalities"], first["tools"]) == (["text"], [TOOL])
    assert second["audio"]["input"]["turn_detection"] is None
    assert second["audio"]["output"] == first["audio"]["output"]
    assert second["id"] == first["id"]


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({}, "missing_required_parameter", "session.type"),
        ({"type": "transcription"}, "invalid_parameter", "session.type"),
        (TEXT | {"modalities": ["text"]}, "unknown_parameter", "session.modalities"),
        (TEXT | {"output_modalities": ["text", "audio"]}, "invalid_value", None),
        (TEXT | {"tools": "all"}, "invalid_type", "session.tools"),
        (TEXT | {"model": "gpt-4o"}, "cannot_update_model", "session.model"),
        (TEXT | {"audio": {"input": {"format": {"type": "mp3"}}}}, "invalid_value", None),
        (TEXT | {"audio": {"input": {"turn_detection": {"type": "x"}}}}, "invalid_value", None),
        (TEXT | {"audio": 7}, "invalid_type", "session.audio"),
        (None, "missing_required_parameter", "session"),
    ],
    ids=str,
)
def test_an_invalid_update_changes_nothing(
    player: RealtimePlayer, session: Any, code: str, param: str | None
) -> None:
    player.say("session.update", session=session, event_id="mine")
    error = get_error(player.run(0))
    assert (error["code"], error["event_id"]) == (code, "mine")
    assert param in (error["param"], None)
    player.say("session.update", session={"type": "realtime"})
    (updated,) = player.run(0)
    assert updated["session"]["output_modalities"] == ["audio"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", None),
        ("[]", None),
        (b'{"type":"response.create"}', None),
        ("{}", "missing_required_parameter"),
        ('{"type":"session.delete"}', "invalid_value"),
        ('{"type":"response.create","response":7}', "invalid_type"),
        ('{"type":"conversation.item.create"}', "missing_required_parameter"),
        ('{"type":"conversation.item.create","item":{"type":"poem"}}', "invalid_value"),
        ('{"type":"input_audio_buffer.append","audio":"?"}', "invalid_value"),
    ],
)
def test_an_event_is_refused(player: RealtimePlayer, message: str | bytes, code: object) -> None:
    player.feed(Received(message))
    error = get_error(player.run(0))
    assert (error["type"], error["code"]) == ("invalid_request_error", code)
    player.say("response.create")
    assert player.run()[-1]["type"] == "response.done"


def test_a_session_ends_after_an_hour(player: RealtimePlayer) -> None:
    player.feed(Expired())
    error = get_error(player.run(0))
    assert error["code"] == "session_expired"
    assert player.ends == [Close(1001)]


# Items


def test_items_are_chained(player: RealtimePlayer) -> None:
    player.write("One", id="a")
    player.write("Three", id="c")
    item = {"type": "message", "role": "system", "content": []}
    player.say("conversation.item.create", previous_item_id="a", item=item | {"id": "b"})
    player.say("conversation.item.create", previous_item_id="root", item=item | {"id": "0"})
    messages = player.run(0)
    assert [m["type"] for m in messages[::2]] == ["conversation.item.added"] * 4
    assert [m["type"] for m in messages[1::2]] == ["conversation.item.done"] * 4
    assert [m["previous_item_id"] for m in messages[::2]] == [None, "a", "a", None]
    player.say("conversation.item.delete", item_id="b")
    player.say("conversation.item.retrieve", item_id="a")
    deleted, retrieved = player.run(0)
    assert (deleted["type"], deleted["item_id"]) == ("conversation.item.deleted", "b")
    assert retrieved["item"] == {
        "id": "a",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_text", "text": "One"}],
    }
    check_types([*messages, deleted, retrieved])


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "conversation.item.delete", "item_id": "x"}, "item_delete_invalid_item_id"),
        ({"type": "conversation.item.retrieve", "item_id": "x"}, "item_retrieve_invalid_item_id"),
        ({"type": "conversation.item.truncate", "item_id": "x"}, "item_truncate_invalid_item_id"),
        ({"type": "conversation.item.truncate", "item_id": "a"}, "item_truncate_invalid_item_id"),
    ],
    ids=str,
)
def test_an_item_must_exist(player: RealtimePlayer, event: Json, code: str) -> None:
    player.write("Hi", id="a")
    player.run(0)
    player.feed(Received(json.dumps(event)))
    assert get_error(player.run(0))["code"] == code


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"previous_item_id": "x"}, "item_create_invalid_item_id"),
        ({"item": {"type": "message", "role": "user", "content": [], "id": "a"}}, "item_create"),
        ({"item": {"type": "message", "role": "nobody", "content": []}}, "invalid_value"),
        ({"item": {"type": "message", "role": "user"}}, "missing_required_parameter"),
        ({"item": {"type": "message", "role": "user", "content": "Hi"}}, "invalid_type"),
        (
            {"item": {"type": "message", "role": "user", "content": [{"type": "output_text"}]}},
            "invalid_value",
        ),
        (
            {"item": {"type": "function_call_output", "call_id": "x", "output": ""}},
            "invalid_tool_call_id",
        ),
    ],
    ids=str,
)
def test_an_item_must_fit(player: RealtimePlayer, members: Json, code: str) -> None:
    player.write("Hi", id="a")
    player.run(0)
    item = {"type": "message", "role": "user", "content": []}
    player.say("conversation.item.create", **{"item": item, **members})
    assert get_error(player.run(0))["code"].startswith(code)


# Responses


def test_a_response_in_text(mock: MockOpenAI, player: RealtimePlayer) -> None:
    player.say("session.update", session=TEXT)
    player.write("Hello, world")
    player.run(0)
    player.say("response.create", event_id="mine")
    messages = player.run()
    assert list_types(messages) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert "".join(m.get("delta", "") for m in messages) == "Hello, world"
    response = messages[-1]["response"]
    assert response["status"] == "completed"
    assert response["output"][0]["content"] == [{"type": "output_text", "text": "Hello, world"}]
    assert response["usage"]["total_tokens"] > response["usage"]["output_tokens"] == 3
    check_types(messages)
    assert mock.calls[-1].model == "gpt-realtime"
    assert [json.loads(event.data) for event in mock.calls[-1].script.events] == messages


def test_a_response_in_audio_says_its_text(mock: MockOpenAI, player: RealtimePlayer) -> None:
    player.write("Hello, world")
    player.say("response.create")
    messages = player.run()
    names = ("response.output_audio.delta", "response.output_audio_transcript.delta")
    audio, words = ([m["delta"] for m in messages if m["type"] == name] for name in names)
    assert b"".join(map(base64.b64decode, audio)) == speak("Hello, world", "pcm", "alloy")
    assert "".join(words) == "Hello, world"
    assert list_types(messages)[-6:] == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    details = messages[-1]["response"]["usage"]["output_token_details"]
    assert details == {"text_tokens": 3, "audio_tokens": 18}  # 20 tokens a second
    check_types(messages)


@pytest.mark.parametrize("type", ["audio/pcmu", "audio/pcma"])
def test_audio_for_telephones(player: RealtimePlayer, type: str) -> None:
    player.write("Hello")
    output = {"format": {"type": type}}
    player.say("response.create", response={"audio": {"output": output}})
    audio = [m["delta"] for m in player.run() if m["type"] == "response.output_audio.delta"]
    assert sum(len(base64.b64decode(one)) for one in audio) == round(0.075 * 5 * 8000)


def test_own_audio_is_sent_as_it_is(mock: MockOpenAI, player: RealtimePlayer) -> None:
    mock.reply(Reply(audio=Audio("Hi", b"1234")))
    player.say("response.create")
    messages = player.run()
    (delta,) = [m["delta"] for m in messages if m["type"] == "response.output_audio.delta"]
    assert base64.b64decode(delta) == b"1234"
    assert messages[-1]["response"]["output"][0]["content"][0]["transcript"] == "Hi"


def test_a_tool_round(mock: MockOpenAI, player: RealtimePlayer) -> None:
    mock.on(tools="get_weather").reply(
        Reply("One moment.", tool_calls=[ToolCall("get_weather", {"city": "Paris"})])
    )
    mock.on(tool_content="sunny").reply("Sunny.")
    player.say("session.update", session=TEXT | {"tools": [TOOL]})
    player.write("How is the weather?")
    player.say("response.create")
    output = player.run()[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call"]
    call_id = output[1]["call_id"]
    result = {"type": "function_call_output", "call_id": call_id, "output": "sunny"}
    player.say("conversation.item.create", item=result)
    player.say("response.create")
    messages = player.run()
    check_types(messages)
    assert messages[-1]["response"]["output"][0]["content"][0]["text"] == "Sunny."
    assert [m["role"] for m in mock.calls[-1].messages] == [
        "system",
        "user",
        "assistant",
        "assistant",
        "tool",
    ]
    assert mock.calls[-1].tool_results == [call_id]


def test_each_call_has_its_own_id(mock: MockOpenAI, player: RealtimePlayer) -> None:
    mock.reply(ToolCall("get_weather"))
    ids = []
    for _ in range(2):
        player.say("response.create")
        ids.append(player.run()[-1]["response"]["output"][0]["call_id"])
    assert ids[0] != ids[1]


def test_a_conversation_has_one_active_response(mock: MockOpenAI, player: RealtimePlayer) -> None:
    mock.reply("Hello", pace=Pace(ttft=1.0))
    player.say("response.create")
    player.say("response.create")
    (error,) = player.run(0.5)
    assert error["error"]["code"] == "conversation_already_has_active_response"
    player.say("response.create", response={"conversation": "none"})
    done = [m for m in player.run() if m["type"] == "response.done"]
    assert [m["response"]["status"] for m in done] == ["completed", "completed"]
    assert error["error"]["message"].find(done[0]["response"]["id"]) > 0


def test_a_response_out_of_band(mock: MockOpenAI, player: RealtimePlayer) -> None:
    player.write("Hello", id="a")
    player.run(0)
    own = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Own"}]}
    options: Json = {
        "conversation": "none",
        "metadata": {"topic": "x"},
        "output_modalities": ["text"],
    }
    options |= {"input": [own, {"type": "item_reference", "id": "a"}], "instructions": "Be brief."}
    player.say("response.create", response=options)
    messages = player.run()
    assert not any(m["type"].startswith("conversation.") for m in messages)
    response = messages[-1]["response"]
    assert (response["conversation_id"], response["metadata"]) == (None, {"topic": "x"})
    assert [m["content"][0]["text"] for m in mock.calls[-1].messages[1:]] == ["Own", "Hello"]
    assert mock.calls[-1].system == "Be brief."
    player.say("response.create")
    player.run()
    assert len(mock.calls[-1].messages) == 2  # as if it had not happened
    check_types(messages)


def test_a_response_may_be_limited(player: RealtimePlayer) -> None:
    player.write("one two three four")
    player.say("response.create", response={"max_output_tokens": 2, "output_modalities": ["text"]})
    response = player.run()[-1]["response"]
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"][0]["text"] == "one two"


@pytest.mark.parametrize("reply", [ApiError(429), Reply("Hel", error=ApiError(429))], ids=repr)
def test_an_error_makes_a_response_fail(
    mock: MockOpenAI, player: RealtimePlayer, reply: Any
) -> None:
    mock.reply(reply)
    player.say("response.create")
    messages = player.run()
    response = messages[-1]["response"]
    assert (messages[0]["type"], response["status"]) == ("response.created", "failed")
    assert response["status_details"]["error"]["code"] == "rate_limit_exceeded"
    check_types(messages)
    player.say("response.create")
    assert player.run()[-1]["type"] == "response.done"


def test_what_no_rule_matches_is_an_error(player: RealtimePlayer) -> None:
    mock = MockOpenAI()
    player = RealtimePlayer(mock)
    mock.on(user="Hello").reply("Hi")
    player.run(0)
    player.say("response.create")
    assert get_error(player.run())["code"] == "unmatched_request"
    assert mock.calls[-1].problem is not None


def test_what_realtime_cannot_say_is_an_error(mock: MockOpenAI, player: RealtimePlayer) -> None:
    mock.reply(Reply(output=[items.web_search("news")]))
    player.say("response.create")
    assert "web_search" in get_error(player.run())["message"]


def test_reasoning_only_counts(mock: MockOpenAI) -> None:
    player = RealtimePlayer(mock, model="gpt-realtime-2")
    mock.reply(Reply(output=[Reasoning("Let me think"), "Hello"]))
    player.say("response.create", response={"output_modalities": ["text"]})
    response = player.run()[-1]["response"]
    assert [item["phase"] for item in response["output"]] == ["final_answer"]
    assert response["usage"]["output_token_details"]["reasoning_tokens"] == 3


def test_the_beta_has_its_own_types(mock: MockOpenAI) -> None:
    mock.on(user="call").reply(Reply("Wait.", tool_calls=[ToolCall("f", {"a": 1})]))
    player = RealtimePlayer(mock, is_beta=True, model="gpt-4o-realtime-preview")
    changes: Json = {"voice": "ash", "turn_detection": None, "temperature": 0.7}
    changes |= {"input_audio_format": "g711_ulaw", "input_audio_transcription": {"model": "w"}}
    player.say("session.update", session=changes)
    created, updated = player.run(0)
    assert created["session"]["modalities"] == ["text", "audio"]
    assert {k: v for k, v in updated["session"].items() if k in changes} == {
        **changes,
        "input_audio_transcription": {"model": "w", "language": None, "prompt": None},
    }
    for text, modalities in (("Hi", ["text"]), ("call", ["audio", "text"])):
        player.write(text)
        player.say("response.create", response={"modalities": modalities})
        assert player.run()[-1]["response"]["modalities"] == sorted(modalities, reverse=True)
    messages = [message for _, message in player.sent]
    check_types(messages, is_beta=True)
    assert list_types(messages)[2:13] == [
        "conversation.item.created",
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.created",
        "response.content_part.added",
        "response.text.delta",
        "response.text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]


# Cancelling


@pytest.mark.parametrize("seconds", [0.0, 1.0, 1.5, 3.0])
@pytest.mark.parametrize("reply", ["one two three", ToolCall("get_weather", {"city": "Paris"})])
def test_a_response_is_cancelled_at_each_moment(
    mock: MockOpenAI, player: RealtimePlayer, reply: Any, seconds: float
) -> None:
    mock.reply(reply, pace=Pace(ttft=1.0, itl=0.5))
    player.say("response.create")
    before = player.run(seconds)
    player.say("response.cancel")
    after = player.run()
    done = after[-1]["response"]
    assert (done["status"], done["status_details"]) == (
        "cancelled",
        {"type": "cancelled", "reason": "client_cancelled"},
    )
    messages = before + after
    deltas = [m["delta"] for m in messages if "obfuscation" in m]
    for item in done["output"]:
        assert item["status"] == "incomplete"
        parts = item.get("content") or [{"transcript": ""}]
        assert item.get("arguments", parts[0].get("transcript")) == "".join(deltas)
    assert bool(done["output"]) == any("item" in m for m in before)
    check_types(messages)
    player.say("response.cancel")
    assert get_error(player.run())["code"] == "response_cancel_not_active"
    player.say("response.create")
    assert player.run()[-1]["response"]["status"] == "completed"


def test_one_of_several_is_cancelled(mock: MockOpenAI, player: RealtimePlayer) -> None:
    mock.reply("Hello", pace=Pace(ttft=1.0, itl=0.5))
    player.say("response.create")
    player.say("response.create", response={"conversation": "none"})
    messages = player.run(1.2)
    responses = [m["response"] for m in messages if m["type"] == "response.created"]
    (apart,) = [one for one in responses if one["conversation_id"] is None]
    player.say("response.cancel", response_id=apart["id"])
    done = [m["response"] for m in player.run() if m["type"] == "response.done"]
    assert [one["status"] for one in done] == ["cancelled", "completed"]
    assert done[0]["id"] == apart["id"]


def test_a_response_that_never_ends_can_be_cancelled(
    mock: MockOpenAI, player: RealtimePlayer
) -> None:
    mock.reply(Reply("Hel", finish_reason=None), faults=[hold()])
    player.say("response.create")
    assert player.run()[-1]["type"].endswith(".delta")
    player.say("response.cancel")
    assert player.run()[-1]["response"]["status"] == "cancelled"
    assert player.open_turns == set()


def test_audio_that_was_not_heard_is_truncated(mock: MockOpenAI, player: RealtimePlayer) -> None:
    mock.reply("one two three")
    player.say("response.create")
    item = player.run()[-1]["response"]["output"][0]
    player.say("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=400)
    (truncated,) = player.run(0)
    assert (truncated["type"], truncated["audio_end_ms"]) == ("conversation.item.truncated", 400)
    player.say("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=4000)
    assert get_error(player.run(0))["message"] == (
        "Audio content of 975ms is already shorter than 4000ms"
    )
    player.say("response.create")
    player.run()
    assert mock.calls[-1].messages[-1]["content"][0]["text"] == ""


# Faults


@pytest.mark.parametrize("fault", [reset, truncate])
def test_a_fault_ends_the_connection_after_three_events(
    mock: MockOpenAI, player: RealtimePlayer, fault: Any
) -> None:
    mock.reply("Hello", faults=[fault(after=3)])
    player.say("response.create")
    assert len(player.run()) == 3
    (drop,) = player.ends
    assert isinstance(drop, Drop)
    assert drop.how == ("reset" if fault is reset else "truncate")
