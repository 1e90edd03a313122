"""Mid-turn steering of the Responses API: what is accepted, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from openai_mockserver import ApiError, MockOpenAI, Pace, Reply, ToolCall
from openai_mockserver.faults import malformed
from openai_mockserver.sessions.session import Received
from openai_mockserver.sessions.steering import MOST_PENDING
from responses_player import Player

MODEL = "gpt-6"
SEVERAL = Reply(output=["First part. ", "Second part. ", "Third part."])


@pytest.fixture
def mock() -> MockOpenAI:
    mock = MockOpenAI(seed=1)
    mock.reply(SEVERAL, pace=Pace(ttft=0.5, itl=0.1))
    mock.on(user="Shorter").reply("Short")
    return mock


@pytest.fixture
def player(mock: MockOpenAI) -> Player:
    return Player(mock)


def begin(player: Player, **members: Any) -> str:
    """Create a response, and return its id once it has begun."""
    player.create(model=MODEL, **members)
    return str(player.run(0.7)[0]["response"]["id"])


def steer(player: Player, id: str, input: Any = "Shorter", **members: Any) -> None:
    event = {"type": "response.steer", "previous_response_id": id, "input": input, **members}
    player.feed(Received(json.dumps(event)))


def types(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


def test_a_response_ends_after_its_item_and_its_successor_begins(
    mock: MockOpenAI, player: Player
) -> None:
    id = begin(player)
    steer(player, id)
    messages = player.run()
    accepted = messages[0]
    assert accepted["type"] == "response.steer.accepted"
    assert accepted["steer"]["previous_response_id"] == id
    assert accepted["steer"]["id"].startswith("steer_")
    assert len(accepted["steer"]["id"]) == 38
    end = types(messages).index("response.incomplete")
    assert types(messages)[end - 1 : end + 2] == [
        "response.output_item.done",
        "response.incomplete",
        "response.created",
    ]
    incomplete = messages[end]["response"]
    assert incomplete["incomplete_details"] == {"reason": "steered"}
    assert [item["content"][0]["text"] for item in incomplete["output"]] == ["First part. "]
    usage = incomplete["usage"]
    assert 0 < usage["output_tokens"] < 12
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    successor = messages[-1]["response"]
    assert successor["status"] == "completed"
    assert successor["previous_response_id"] == id
    assert successor["model"] == incomplete["model"]
    assert successor["output"][0]["content"][0]["text"] == "Short"
    assert [call.user for call in mock.calls] == ["Hi", "Shorter"]
    assert [message["role"] for message in mock.calls[1].messages] == ["user", "assistant", "user"]


def test_numbers_have_no_gap(player: Player) -> None:
    id = begin(player)
    steer(player, id)
    steer(player, id, "And friendlier")
    player.run()
    first = [message for _, message in player.sent if message["type"] != "error"]
    end = types(first).index("response.incomplete") + 1
    assert [one["sequence_number"] for one in first[:end]] == list(range(end))
    assert [one["sequence_number"] for one in first[end:]] == list(range(len(first) - end))


def test_a_damaged_event_does_no_harm(mock: MockOpenAI, player: Player) -> None:
    mock.on(user="damaged").reply(SEVERAL, pace=Pace(ttft=0.5, itl=0.1), faults=[malformed(at=-3)])
    player.create("damaged", model=MODEL)
    id = str(player.run(0.7)[0]["response"]["id"])
    steer(player, id)
    assert "response.incomplete" in types(player.run())


def test_the_stored_response_is_the_one_that_was_sent(mock: MockOpenAI, player: Player) -> None:
    id = begin(player)
    steer(player, id)
    player.run()
    stored = mock.client().responses.retrieve(id)
    assert stored.status == "incomplete"
    assert stored.output_text == "First part. "


def test_input_keeps_its_order_and_the_lane_its_name(mock: MockOpenAI, player: Player) -> None:
    mock.on(user="Last").reply("Done")
    id = begin(player, stream_id="main", store=False)
    player.create("waiting", model=MODEL, stream_id="main")
    steer(player, id, "Shorter")
    steer(player, id, [{"role": "user", "content": [{"type": "input_text", "text": "Last"}]}])
    messages = player.run()
    assert {message["stream_id"] for message in messages} == {"main"}
    assert [call.user for call in mock.calls] == ["Hi", "Last", "waiting"]
    assert [m["role"] for m in mock.calls[1].messages] == ["user", "assistant", "user", "user"]


def test_a_response_in_its_last_item_completes(player: Player) -> None:
    player.create("Shorter", model=MODEL)
    id = player.run(0.0)[0]["response"]["id"]
    player.run()
    mock = player.mock
    mock.on(user="slow").reply("One item only", pace=Pace(ttft=0.5, itl=0.1))
    player.create("slow", model=MODEL)
    id = player.run(0.7)[0]["response"]["id"]
    steer(player, id)
    messages = types(player.run())
    assert messages.count("response.completed") == 2
    assert "response.incomplete" not in messages


def test_input_waits_for_the_output_of_the_clients_functions(
    mock: MockOpenAI, player: Player
) -> None:
    call = ToolCall("look", {"at": "it"}, id="call_1")
    mock.on(user="use tools").reply(Reply(output=[call]), pace=Pace(ttft=0.5, itl=0.1))
    player.create("use tools", model=MODEL)
    id = player.run(0.6)[0]["response"]["id"]
    steer(player, id)
    *_, completed, pending = player.run()
    assert completed["type"] == "response.completed"
    assert pending["type"] == "response.steer.pending"
    assert pending["sequence_number"] == completed["sequence_number"] + 1
    assert pending["reason"] == "waiting_for_required_input"
    assert pending["required_input"] == [
        {"type": "function_call_output", "call_id": "call_1", "name": "look"}
    ]
    output = {"type": "function_call_output", "call_id": "call_1", "output": "42"}
    player.create([output], model=MODEL, previous_response_id=id)  # type: ignore[arg-type]
    assert player.run()[-1]["response"]["status"] == "completed"
    sent = json.loads(mock.calls[-1].body)["input"]
    assert [item["type"] for item in sent] == ["message", "function_call_output"]


def test_input_is_given_back_if_no_successor_can_be_created(
    mock: MockOpenAI, player: Player
) -> None:
    mock.on(user="Fail").reply(ApiError(500, "Overloaded"))
    id = begin(player)
    steer(player, id, "Fail")
    last = player.run()[-1]
    accepted = next(m for _, m in player.sent if m["type"] == "response.steer.accepted")
    assert last["type"] == "response.steer.failed"
    assert last["error"]["code"] == "successor_creation_failed"
    assert last["error"]["message"] == "Overloaded"
    assert last["steer"] == {
        "id": accepted["steer"]["id"],
        "input": "Fail",
        "previous_response_id": id,
    }


def refuse(player: Player, id: str, input: Any = "Shorter", **members: Any) -> dict[str, Any]:
    """Return the answer to input that is refused."""
    steer(player, id, input, **members)
    failed = player.run(0.0)[-1]
    assert failed["type"] == "response.steer.failed"
    assert failed["steer"] == {"input": input, "previous_response_id": id}
    error: dict[str, Any] = failed["error"]
    assert error["type"] == "invalid_request_error"
    return error


@pytest.mark.parametrize(
    ("input", "problem"),
    [
        (None, "'input' must be"),
        ([], "'input' must be"),
        (["text"], "may contain only"),
        ([{"role": "system", "content": "a"}], "'user' role"),
        ([{"type": "function_call_output", "role": "user"}], "'user' role"),
        ([{"role": "user", "content": "a", "id": "1"}], "may contain only"),
        ([{"role": "user", "content": [{"type": "output_text"}]}], "parts of input_text"),
    ],
)
def test_invalid_input_is_given_back(player: Player, input: Any, problem: str) -> None:
    error = refuse(player, begin(player), input)
    assert error["code"] == "invalid_input"
    assert problem in error["message"]


def test_a_lane_may_not_be_named(player: Player) -> None:
    error = refuse(player, begin(player), stream_id="main")
    assert error == {
        "code": "invalid_input",
        "message": "Unknown parameter: 'stream_id'.",
        "type": "invalid_request_error",
    }


def test_only_a_running_response_can_be_steered(player: Player) -> None:
    assert refuse(player, "resp_1")["code"] == "response_not_found"
    id = begin(player)
    player.run()
    assert refuse(player, id)["code"] == "response_already_completed"


@pytest.mark.parametrize(
    "members",
    [
        {"model": "gpt-5.6"},
        {"model": "o4-mini"},
        {"context_management": [{"type": "compaction", "compact_threshold": 1000}]},
    ],
)
def test_some_responses_cannot_be_steered(player: Player, members: dict[str, Any]) -> None:
    player.create(**{"model": MODEL, **members})
    id = str(player.run(0.7)[0]["response"]["id"])
    assert refuse(player, id)["code"] == "steering_not_supported"


def test_only_so_much_input_may_be_pending(player: Player) -> None:
    id = begin(player)
    for number in range(MOST_PENDING):
        steer(player, id, str(number))
    assert refuse(player, id)["code"] == "too_many_pending_steers"


@pytest.mark.openai3("has no types for steering")
def test_every_event_has_the_sdks_type(mock: MockOpenAI, player: Player) -> None:
    from openai.types.responses import ResponsesServerEvent

    id = begin(player)
    steer(player, id)
    refuse(player, id, [])
    player.run()
    adapter: TypeAdapter[Any] = TypeAdapter(ResponsesServerEvent)
    for _, message in player.sent:
        adapter.validate_python(message)
