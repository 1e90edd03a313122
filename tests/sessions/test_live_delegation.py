"""What a Live session delegates: to the client, to the Responses backend and to Decisions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from live_player import LivePlayer, check_live_types, join
from openai_mockserver import ApiError, Event, MockOpenAI, Pace, Reply, Script, ToolCall
from realtime_player import Json, list_types

pytestmark = pytest.mark.openai3("has no types of live sessions")

SPOKEN, CREATED = "session.output_transcript.delta", "session.delegation.created"
APPENDED = ("instructions", "thinking", "commentary")
QUESTIONS: list[Json] = [
    {
        "type": "choice",
        "name": "heat",
        "instructions": "?",
        "choices": [{"value": "up"}, {"value": "down"}],
    },
    {"type": "predicate", "instructions": "Is it cold?"},
]
RESPONSES: Json = {
    "type": "responses",
    "responses": {"model": "gpt-5.5", "instructions": "Use tools."},
}
DECISIONS = {"type": "decisions", "decisions": {"model": "gpt-6-luna", "questions": QUESTIONS}}


@pytest.fixture
def mock() -> MockOpenAI:
    mock = MockOpenAI()
    mock.reply("Hello, world")
    mock.on(endpoint="audio/transcriptions").reply("Is it cold?")
    mock.on(endpoint="live").reply(Reply("Let me see.", tool_calls=ToolCall("look")))
    return mock


def start(mock: MockOpenAI, **session: Any) -> LivePlayer:
    player = LivePlayer(mock)
    player.start(**session)
    return player


def list_events(messages: list[Json]) -> list[Json]:
    """Return the events of responses."""
    return [message["event"] for message in messages if message["type"] == "response.event"]


def find(messages: list[Json], type: str) -> Json:
    (message,) = (message for message in messages if message["type"] == type)
    return message


# The client


def test_the_client_works_on_what_the_model_delegates(mock: MockOpenAI) -> None:
    player = start(mock)
    messages = player.ask()
    check_live_types(messages)
    assert join(messages, SPOKEN) == "Let me see."
    created = find(messages, CREATED)
    assert list(created) == ["type", "offset_ms", "delegation", "event_id"]
    assert created["delegation"].keys() == {"id", "type", "target"}
    assert created["delegation"]["target"] == "client"
    id = created["delegation"]["id"]
    player.say("session.thinking.append", content="Looking.", delegation_id=id)
    player.say("session.commentary.append", content="It is cold.", delegation_id=id)
    messages = player.run(1)
    check_live_types(messages)
    assert list_types(messages)[:2] == ["session.thinking.appended", "session.commentary.appended"]
    assert join(messages, SPOKEN) == "It is cold."


@pytest.mark.parametrize("kind", APPENDED)
def test_what_is_appended_is_acknowledged(mock: MockOpenAI, kind: str) -> None:
    player = start(mock)
    player.ask()
    player.say(f"session.{kind}.append", content="Hi", delegation_id=None, event_id="e1")
    appended = player.run(0)[0]
    check_live_types([appended])
    assert list(appended) == ["type", "start_ms", "end_ms", "event_id", "client_event_id"]
    assert appended["end_ms"] - appended["start_ms"] == 200


@pytest.mark.parametrize(
    ("members", "code", "param"),
    [
        ({"content": "Hi"}, "missing_required_parameter", "delegation_id"),
        ({"content": 1, "delegation_id": None}, "invalid_type", "content"),
        ({"content": " ", "delegation_id": None}, "invalid_value", "content"),
        ({"content": "word " * 501, "delegation_id": None}, "string_above_max_length", "content"),
        ({"content": "Hi", "delegation_id": "item_1"}, "delegation_not_found", "delegation_id"),
        ({"content": "Hi", "delegation_id": 1}, "delegation_not_found", "delegation_id"),
    ],
)
@pytest.mark.parametrize("kind", APPENDED)
def test_what_cannot_be_appended_is_refused(
    mock: MockOpenAI, kind: str, members: Json, code: str, param: str
) -> None:
    player = start(mock)
    player.say(f"session.{kind}.append", **members)
    (error,) = player.run(1)
    assert (error["error"]["code"], error["error"]["param"]) == (code, param)


def test_rules_see_instructions_and_thoughts(mock: MockOpenAI) -> None:
    player = start(mock)
    player.say("session.instructions.append", content="Be kind.", delegation_id=None)
    player.say("session.thinking.append", content="It rains.", delegation_id=None)
    player.ask()
    texts = [m["content"][0]["text"] for m in mock.calls[-1].messages]
    assert texts == ["Be kind.", "It rains.", "Is it cold?"]


def test_a_rule_words_commentary(mock: MockOpenAI) -> None:
    mock.on(endpoint="live/commentary").reply("Brr, it is cold!")
    player = start(mock)
    player.say("session.commentary.append", content="It is cold.", delegation_id=None)
    assert join(player.run(1), SPOKEN) == "Brr, it is cold!"
    assert mock.calls[-1].messages[-1]["content"][0]["text"] == "It is cold."


def test_commentary_waits_until_the_model_is_silent(mock: MockOpenAI) -> None:
    mock.on(endpoint="live").reply("one two three", pace=Pace(itl=0.5))
    player = start(mock)
    player.speak((9000, 0.5), (0, 0.6))
    player.run(0.1)
    player.say("session.commentary.append", content="four", delegation_id=None)
    assert join(player.run(30), SPOKEN) == " two threefour"


# Responses


def test_the_backend_answers_what_the_model_delegates(mock: MockOpenAI) -> None:
    mock.on(endpoint="responses").reply("Four degrees.")
    player = start(mock, delegation=RESPONSES)
    messages = player.ask()
    check_live_types(messages)
    assert join(messages, SPOKEN) == "Let me see.Four degrees."
    created, events = find(messages, CREATED), list_events(messages)
    assert [created["delegation"]["target"], events[0]["type"]] == ["responses", "response.created"]
    assert created["delegation"]["response_id"] == events[0]["response"]["id"]
    assert messages.index(created) < messages.index(find_first(messages, "response.event"))
    ids = {m["delegation_id"] for m in messages if m["type"] == "response.event"}
    assert ids == {created["delegation"]["id"]}
    call = next(call for call in mock.calls if call.path == "/v1/responses")
    assert (call.user, call.system, call.model) == ("Is it cold?", "Use tools.", "gpt-5.5")


def find_first(messages: list[Json], type: str) -> Json:
    return next(message for message in messages if message["type"] == type)


def test_the_snapshots_of_a_response_are_small(mock: MockOpenAI) -> None:
    mock.on(endpoint="responses").reply("Four degrees.")
    tools = [{"type": "function", "name": "look", "parameters": {}}]
    responses = {**RESPONSES["responses"], "tools": tools}
    player = start(mock, delegation={"type": "responses", "responses": responses})
    snapshots = [e["response"] for e in list_events(player.ask()) if "response" in e]
    assert [s["status"] for s in snapshots] == ["in_progress", "in_progress", "completed"]
    for snapshot in snapshots:
        assert "input" not in snapshot
        assert (snapshot["instructions"], snapshot["tools"], snapshot["output"]) == (None, [], [])


def test_the_backend_calls_a_function(mock: MockOpenAI) -> None:
    mock.on(endpoint="responses").reply(ToolCall("look", {"room": 1}), "Four degrees.")
    player = start(mock, delegation=RESPONSES)
    messages = player.ask()
    assert join(messages, SPOKEN) == "Let me see."
    items = [e["item"] for e in list_events(messages) if e["type"] == "response.output_item.done"]
    (call,) = (item for item in items if item["type"] == "function_call")
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "4"}
    player.say("response.item.create", item=output)
    player.say("response.create")
    continued = player.run(1)
    check_live_types(continued)
    assert CREATED not in list_types(continued)
    ids = {m["delegation_id"] for m in continued if m["type"] == "response.event"}
    assert ids == {find(messages, CREATED)["delegation"]["id"]}
    assert join(continued, SPOKEN) == "Four degrees."
    last_call = [call for call in mock.calls if call.path == "/v1/responses"][-1]
    assert last_call.tool_results == [call["call_id"]]


def test_a_client_asks_the_backend(mock: MockOpenAI) -> None:
    mock.on(endpoint="responses", user="Any news?").reply("None.")
    player = start(mock, delegation=RESPONSES)
    content = [{"type": "input_text", "text": "Any news?"}]
    player.say("response.item.create", item={"role": "user", "content": content})
    player.say("response.create")
    messages = player.run(1)
    check_live_types(messages)
    assert CREATED not in list_types(messages)
    assert all("delegation_id" not in m for m in messages)
    assert join(messages, SPOKEN) == "None."


def test_the_backend_writes_one_response_at_a_time(mock: MockOpenAI) -> None:
    mock.on(endpoint="responses").reply("None.", pace=Pace(ttft=1.0))
    player = start(mock, delegation=RESPONSES)
    player.say("response.create")
    player.run(0.5)
    player.say("response.create")
    assert player.run(0)[-1]["error"]["code"] == "conversation_already_has_active_response"


def test_a_backend_that_fails_is_an_error(mock: MockOpenAI) -> None:
    mock.on(endpoint="responses").reply(ApiError(429, code="rate_limit_exceeded"))
    player = start(mock, delegation=RESPONSES)
    messages = player.ask()
    check_live_types(messages)
    assert find(messages, CREATED)["delegation"].keys() == {"id", "type", "target"}
    assert find(messages, "error")["error"]["code"] == "rate_limit_exceeded"
    player.say("response.create")
    assert "conversation_already" not in json.dumps(player.run(1))


@pytest.mark.parametrize("type", ["response.create", "response.item.create"])
def test_only_responses_delegation_has_a_backend(mock: MockOpenAI, type: str) -> None:
    player = start(mock)
    player.say(type, **({"item": {}} if "item" in type else {}))
    (error,) = player.run(1)
    assert error["error"]["message"] == f"{type} requires Responses delegation."


def test_an_item_of_an_unknown_type_is_refused(mock: MockOpenAI) -> None:
    player = start(mock, delegation=RESPONSES)
    player.say("response.item.create", item={"type": "thought"})
    (error,) = player.run(1)
    assert error["error"]["param"] == "item.type"


def test_the_settings_of_the_backend_change(mock: MockOpenAI) -> None:
    mock.on(endpoint="responses").reply("None.")
    player = start(mock, delegation=RESPONSES)
    update = {"type": "responses", "responses": {"model": "gpt-5.5-mini"}}
    player.say("session.update", session={"delegation": update})
    (updated,) = player.run(0)
    assert updated["session"]["delegation"]["responses"] == {
        "model": "gpt-5.5-mini",
        "instructions": "Use tools.",
    }
    player.say("response.create")
    player.run(1)
    call = next(call for call in mock.calls if call.path == "/v1/responses")
    assert (call.model, call.system) == ("gpt-5.5-mini", "Use tools.")


@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({"delegation": {"type": "client"}}, "immutable_field_update"),
        ({"model": "gpt-live-2"}, "immutable_field_update"),
        ({"voice": "ash"}, "unknown_parameter"),
        ({"delegation": {"type": "responses", "responses": {"model": 1}}}, "invalid_type"),
        ({"delegation": 1}, "invalid_type"),
        (1, "invalid_type"),
    ],
    ids=str,
)
def test_other_settings_do_not_change(mock: MockOpenAI, session: object, code: str) -> None:
    player = start(mock, delegation=RESPONSES)
    player.say("session.update", session=session)
    (error,) = player.run(0)
    assert error["error"]["code"] == code
    player.say("session.update", session={})
    assert player.run(0)[0]["session"]["delegation"] == RESPONSES


def test_a_damaged_delegation_is_passed_on(mock: MockOpenAI) -> None:
    def damage(script: Script) -> Script:
        event = {"type": CREATED, "delegation": None}
        return replace(script, steps=(Event(json.dumps(event)),))

    mock.on(endpoint="live").reply(ToolCall("look"), faults=[damage])
    messages = start(mock, delegation=RESPONSES).ask()
    assert find(messages, CREATED)["delegation"] is None
    assert list_events(messages) == []


# Decisions


def test_decisions_answer_what_the_model_delegates(mock: MockOpenAI) -> None:
    messages = start(mock, delegation=DECISIONS).ask()
    check_live_types(messages)
    created, event = find(messages, CREATED), find(messages, "decision.event")
    assert created["delegation"]["target"] == "decisions"
    assert event["delegation_id"] == created["delegation"]["id"]
    decision = event["event"]["decision"]
    assert [answer["type"] for answer in decision["answers"]] == ["choice", "predicate"]
    call = next(call for call in mock.calls if call.path == "/v1/decisions")
    assert call.json["input"][-1] == {"type": "message", "role": "user", "content": "Is it cold?"}


def test_a_rule_says_what_is_decided(mock: MockOpenAI) -> None:
    answers = [{"type": "predicate", "name": None, "probability": 1.0}]
    usage = {
        "input_tokens": 1,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 2,
    }
    mock.on(endpoint="decisions").reply({"answers": answers, "model": "m", "usage": usage})
    event = find(start(mock, delegation=DECISIONS).ask(), "decision.event")
    check_live_types([event])
    assert event["event"]["decision"]["answers"] == answers


@pytest.mark.parametrize("reply", [{"answers": 1}, ApiError(500, "Broken.")], ids=str)
def test_an_answer_that_is_no_decision_is_an_error(mock: MockOpenAI, reply: Any) -> None:
    mock.on(endpoint="decisions").reply(reply)
    messages = start(mock, delegation=DECISIONS).ask()
    check_live_types(messages)
    assert find(messages, "error")["error"]["type"] == "server_error"
    assert "decision.event" not in list_types(messages)


def test_a_client_asks_for_decisions(mock: MockOpenAI) -> None:
    player = start(mock, delegation=DECISIONS)
    item = {"type": "message", "role": "user", "content": "The window is open."}
    player.say("decision.item.create", item=item, event_id="e1")
    player.say("decision.create", event_id="e2")
    created, delegated, event = player.run(1)
    check_live_types([created, delegated, event])
    assert created["item"].items() >= item.items()
    assert (created["client_event_id"], delegated["client_event_id"]) == ("e1", "e2")
    assert event["delegation_id"] == delegated["delegation"]["id"]
    assert mock.calls[-1].json["input"] == [item]
    player.say("decision.create", event_id="e2")
    assert player.run(1)[0]["error"]["code"] == "duplicate_id"


def test_a_deleted_item_is_not_considered(mock: MockOpenAI) -> None:
    player = start(mock, delegation=DECISIONS)
    player.say("decision.item.create", item={"role": "user", "content": "Hi", "id": "i1"})
    player.say("decision.item.create", item={"role": "user", "content": "Ho", "id": "i1"})
    player.say("decision.item.delete", item_id="i1")
    player.say("decision.item.delete", item_id="i1")
    _, used, deleted, unknown = player.run(0)
    check_live_types([used, deleted, unknown])
    assert used["error"]["param"] == "item.id"
    assert deleted["item_id"] == "i1"
    assert unknown["error"]["code"] == "item_not_found"


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"role": "x"}, "item.role"),
        (1, "item"),
        ({"role": "user", "content": "", "id": 1}, "item.id"),
    ],
)
def test_an_item_that_is_invalid_is_refused(mock: MockOpenAI, item: object, param: str) -> None:
    player = start(mock)
    player.say("decision.item.create", item=item)
    (error,) = player.run(0)
    assert error["error"]["param"] == param


def test_only_decisions_delegation_has_decisions(mock: MockOpenAI) -> None:
    player = start(mock)
    player.say("decision.create", event_id="e1")
    (error,) = player.run(0)
    assert error["error"]["message"] == "decision.create requires Decisions delegation."
    player.say("decision.create")
    assert player.run(0)[0]["error"]["param"] == "event_id"


def test_triggers_decide_while_somebody_speaks(mock: MockOpenAI) -> None:
    mock.on(endpoint="live").reply(Reply(["Not", " really."]))
    types = ["session.input_transcript.delta", SPOKEN]
    triggers = [
        {"type": "decisions", "event_type": type, "decisions": {"questions": QUESTIONS[1:]}}
        for type in types
    ]
    player = start(mock, triggers=triggers)
    messages = player.ask()
    check_live_types(messages)
    deltas = {m["event_id"]: m["type"] for m in messages if m["type"] in types}
    decisions = [m for m in messages if m["type"] == "decision.event"]
    assert {d["source_event_id"]: d["source_event_type"] for d in decisions} == deltas
    assert len({d["trigger_id"] for d in decisions}) == len(deltas)
    assert {d["delegation_id"] for d in decisions} == {None}
    player.say("session.update", session={"triggers": []})
    player.run(0)
    assert "decision.event" not in list_types(player.ask())
