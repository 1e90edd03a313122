"""Sessions of the Responses API, played without a socket and on a clock of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from openai_mockserver import ApiError, MockOpenAI, Pace, Reasoning, Reply, ToolCall, items
from openai_mockserver.faults import hold, reset, truncate
from openai_mockserver.sessions.lanes import MOST_ACTIVE, MOST_NAMED
from openai_mockserver.sessions.responses import LIFETIME, MOST_WAITING
from openai_mockserver.sessions.session import Answered, Close, Drop, Happening, Opened, Received
from responses_player import Player


@pytest.fixture
def mock() -> MockOpenAI:
    mock = MockOpenAI()
    mock.reply(lambda request: " ".join(str(m["content"]) for m in request.messages))
    return mock


@pytest.fixture
def player(mock: MockOpenAI) -> Player:
    return Player(mock)


def test_a_response_has_the_events_of_its_stream(mock: MockOpenAI, player: Player) -> None:
    mock.reply("Hello, world")
    player.create(stream_id="main")
    messages = player.run()
    (call,) = mock.calls
    assert [{**json.loads(event.data), "stream_id": "main"} for event in call.script.events] == (
        messages
    )
    assert call.json == {"model": "gpt-4o", "input": "Hi", "stream": True}


def test_the_default_lane_has_no_name(player: Player) -> None:
    player.create()
    assert not any("stream_id" in message for message in player.run())


# Lanes


def _runs(player: Player) -> list[str]:
    """Return the lanes of the messages, each once for all that follow each other."""
    lanes = [message.get("stream_id", "") for _, message in player.sent]
    return [lane for lane, before in zip(lanes, ["?", *lanes], strict=False) if lane != before]


def test_a_lane_is_in_order_and_lanes_interleave(mock: MockOpenAI, player: Player) -> None:
    mock.reply(Reply(["one", "two", "three"]), pace=Pace(ttft=1.0, itl=1.0))
    for text, lane in (("1", "a"), ("2", "a"), ("3", "b")):
        player.create(text, stream_id=lane)
    player.run()
    assert _runs(player)[:4] == ["a", "b", "a", "b"]
    in_a = [m["type"] for _, m in player.sent if m["stream_id"] == "a"]
    assert in_a.index("response.completed") < in_a.index("response.created", 1)
    assert [call.user for call in mock.calls] == ["1", "3", "2"]


def test_only_so_many_run_at_the_same_time(mock: MockOpenAI, player: Player) -> None:
    mock.reply("Hello", pace=Pace(ttft=1.0, itl=1.0))
    for number in range(MOST_ACTIVE + 1):
        player.create(stream_id=f"lane-{number}")
    player.run()
    starts = [time for time, m in player.sent if m["type"] == "response.created"]
    ends = [time for time, m in player.sent if m["type"] == "response.completed"]
    assert len(starts) == len(ends) == MOST_ACTIVE + 1
    assert sorted(starts)[-1] >= min(ends)
    assert sorted(starts)[-2] < min(ends)


def test_only_so_many_lanes_have_names(player: Player) -> None:
    for number in range(MOST_NAMED):
        player.create(stream_id=f"agent_{number}")
    player.create()
    player.create(stream_id="agent_0")
    assert not any(message["type"] == "error" for message in player.run())
    player.create(stream_id="agent_33")
    assert player.run() == [
        {
            "type": "error",
            "status": 400,
            "stream_id": "agent_33",
            "error": {
                "type": "invalid_request_error",
                "code": "websocket_stream_limit_reached",
                "message": "This WebSocket connection has reached its maximum number of distinct "
                "stream IDs (32). Reuse an existing stream_id or open a new WebSocket connection.",
                "param": "stream_id",
            },
        }
    ]


@pytest.mark.parametrize("stream_id", ["", "a b", "ä", "x" * 257, "main\n", 7])
def test_an_invalid_name_is_refused(player: Player, stream_id: object) -> None:
    player.create(stream_id=stream_id)
    assert player.run() == [
        {
            "type": "error",
            "status": 400,
            "error": {
                "type": "invalid_request_error",
                "code": "invalid_stream_id",
                "message": "The 'stream_id' field must be a non-empty string with at most 256 "
                "characters and may only contain letters, numbers, underscores, hyphens, and "
                "periods.",
                "param": "stream_id",
            },
        }
    ]


def test_a_full_session_says_so(mock: MockOpenAI, player: Player) -> None:
    for _ in range(MOST_WAITING):
        player.create()
    assert not player.session.is_full  # one of them runs
    player.create()
    assert player.session.is_full
    player.run()
    assert not player.session.is_full
    assert len(mock.calls) == MOST_WAITING + 1


_EVENTS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 2 * MOST_ACTIVE).map(lambda number: f"lane-{number}")),
        st.sampled_from(["quick", "slow", "fail"]),
        st.sampled_from([0.0, 0.7, 3.0]),
    ),
    max_size=40,
)


@given(_EVENTS)
def test_each_lane_is_a_sequence_of_whole_responses(
    events: list[tuple[str | None, str, float]],
) -> None:
    mock = MockOpenAI()
    mock.on(user="quick").reply("Hello")
    mock.on(user="slow").reply("Hello", pace=Pace(ttft=1.0, itl=0.5))
    mock.on(user="fail").reply(ApiError(500))
    player = Player(mock)
    expected: dict[str | None, list[str]] = {}
    for lane, kind, pause in events:
        members = {} if lane is None else {"stream_id": lane}
        player.create(kind, **members)
        player.run(pause)
        if len(expected.keys() - {None}) < MOST_NAMED or lane is None or lane in expected:
            expected.setdefault(lane, []).append("error" if kind == "fail" else "response")
    player.run()
    running: set[str | None] = set()
    for lane in {message.get("stream_id") for _, message in player.sent}:
        found, number = [], 0
        for _, message in player.sent:
            if message.get("stream_id") != lane:
                continue
            if message["type"] == "error":
                assert number == 0
                if message["error"].get("code") != "websocket_stream_limit_reached":
                    found.append("error")
                continue
            assert message["sequence_number"] == number
            number = 0 if message["type"] == "response.completed" else number + 1
            found += ["response"] * (message["type"] == "response.completed")
        assert number == 0
        assert found == expected.get(lane, [])
    for _, message in player.sent:
        running |= {message.get("stream_id")} if message["type"] == "response.created" else set()
        running -= {message.get("stream_id")} if message["type"] == "response.completed" else set()
        assert len(running) <= MOST_ACTIVE
    assert len(mock.calls) == len(events)


# Continuing


def _not_found(id: str, **members: str) -> dict[str, Any]:
    return {
        "type": "error",
        "status": 400,
        **members,
        "error": {
            "type": "invalid_request_error",
            "code": "previous_response_not_found",
            "message": f"Previous response with id '{id}' not found.",
            "param": "previous_response_id",
        },
    }


def test_an_unstored_response_is_continued_on_its_connection_only(
    mock: MockOpenAI, player: Player
) -> None:
    first = player.finish("One", store=False)
    player.finish("Two", store=False, previous_response_id=first)
    assert [m["role"] for m in mock.calls[-1].messages] == ["user", "assistant", "user"]
    other = Player(mock)
    other.create(previous_response_id=first)
    assert other.run() == [_not_found(first)]


def test_a_lane_remembers_its_latest_unstored_response(player: Player) -> None:
    first = player.finish(stream_id="a", store=False)
    player.finish(stream_id="b", store=False, previous_response_id=first)
    second = player.finish(stream_id="a", store=False, previous_response_id=first)
    player.create(stream_id="c", previous_response_id=first)
    assert player.run() == [_not_found(first, stream_id="c")]
    player.finish(stream_id="c", previous_response_id=second)


def test_a_stored_response_is_continued_everywhere(mock: MockOpenAI, player: Player) -> None:
    first = player.finish("One")
    player.finish("Two")
    Player(mock).finish("Three", previous_response_id=first)
    assert len(mock.calls[-1].messages) == 3


def test_a_response_expires_on_a_connection_as_elsewhere(mock: MockOpenAI, player: Player) -> None:
    client = mock.client(max_retries=0)
    old = client.responses.create(model="gpt-4o", input="Hi").id
    mock.jobs.advance(31 * 86_400)
    player.create(previous_response_id=old)
    assert player.run()[-1]["error"]["code"] == "previous_response_not_found"
    new = player.finish()
    assert client.responses.retrieve(new).id == new


@pytest.mark.parametrize(("lane", "is_forgotten"), [("a", True), ("b", False)])
def test_a_failure_makes_only_its_own_lane_forget(
    mock: MockOpenAI, player: Player, lane: str, is_forgotten: bool
) -> None:
    first = player.finish(stream_id="a", store=False)
    mock.on(user="Fail").reply(ApiError(500))
    player.create("Fail", stream_id=lane, previous_response_id=first)
    (error,) = player.run()
    assert (error["type"], error["status"], error["stream_id"]) == ("error", 500, lane)
    player.create(stream_id="c", previous_response_id=first)
    assert (player.run() == [_not_found(first, stream_id="c")]) is is_forgotten


def test_a_response_can_be_continued_once_it_has_ended(mock: MockOpenAI, player: Player) -> None:
    mock.reply("Hello", pace=Pace(ttft=1.0, itl=1.0))
    player.create(stream_id="a", store=False)
    ids: list[str] = []
    run_to = player.feed

    def feed(happening: Happening) -> None:
        run_to(happening)
        if isinstance(happening, Answered) and not ids:
            ids.append(json.loads(happening.script.events[0].data)["response"]["id"])
            player.create(stream_id="b", previous_response_id=ids[0])

    player.feed = feed  # type: ignore[method-assign]
    assert _not_found(ids[0] if player.run() and ids else "", stream_id="b") in [
        message for _, message in player.sent
    ]
    player.finish(stream_id="c", previous_response_id=ids[0])


def test_a_request_can_be_prepared_without_a_reply(mock: MockOpenAI, player: Player) -> None:
    player.create("Warm", generate=False, store=False)
    created, in_progress, completed = player.run()
    assert [created["type"], in_progress["type"]] == ["response.created", "response.in_progress"]
    assert completed["type"] == "response.completed"
    assert completed["response"]["output"] == []
    assert mock.calls[-1].rule is None
    player.finish("Now", previous_response_id=completed["response"]["id"])
    assert [m["content"] for m in mock.calls[-1].messages] == ["Warm", "Now"]


# Refusals


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("{", None),
        ("[]", None),
        (b'{"type":"response.create"}', None),
        ('{"model":"m"}', "type"),
        ('{"type":"session.update"}', "type"),
        ('{"type":"response.create","model":"m","input":"Hi","background":true}', "background"),
        ('{"type":"response.create","model":"m","input":"Hi","temperature":9}', "temperature"),
    ],
)
def test_an_event_is_refused(
    mock: MockOpenAI, player: Player, message: str | bytes, param: str | None
) -> None:
    player.feed(Received(message))
    (error,) = player.run()
    assert (error["type"], error["status"], error["error"].get("param")) == ("error", 400, param)
    assert error["error"]["type"] == "invalid_request_error"
    assert mock.calls[-1].status == 400
    player.finish()


def test_a_connection_ends_after_an_hour(player: Player) -> None:
    player.feed(Opened())
    (error,) = player.run()
    assert player.now == LIFETIME == 3600
    assert error == {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "code": "websocket_connection_limit_reached",
            "message": "Responses websocket connection limit reached (60 minutes). "
            "Create a new websocket connection to continue.",
        },
        "status": 400,
    }
    assert player.ends == [Close()]


@pytest.mark.openai3("has no types for the errors of a WebSocket")
def test_every_event_has_the_sdks_type(mock: MockOpenAI, player: Player) -> None:
    from openai.types.responses import ResponsesServerEvent

    item = items.web_search("weather")
    mock.reply(Reply(output=[Reasoning("Hm"), item, "Hello", ToolCall("now", {})]))
    player.feed(Opened())
    for members in ({"stream_id": "main"}, {"stream_id": ""}, {"background": True}, {}):
        player.create(**members)
    player.create(previous_response_id="resp_abc", stream_id="other")
    player.feed(Received('{"type":"response.steer","input":"Hi","previous_response_id":"resp_1"}'))
    adapter: TypeAdapter[Any] = TypeAdapter(ResponsesServerEvent)
    messages = player.run()
    for message in messages:
        adapter.validate_python(message)
    assert len({message["type"] for message in messages}) > 15


# Faults


@pytest.mark.parametrize(("fault", "how"), [(reset, "reset"), (truncate, "truncate")])
def test_a_fault_ends_the_connection(
    mock: MockOpenAI, player: Player, fault: Any, how: str
) -> None:
    mock.reply("Hello, world", faults=[fault(after=3)])
    player.create()
    assert len(player.run()) == 3
    (end,) = player.ends
    assert isinstance(end, Drop)
    assert end.how == how


def test_a_lane_that_is_held_stays_silent(mock: MockOpenAI, player: Player) -> None:
    mock.on(user="Held").reply("Hello, world", faults=[hold()])
    player.create("Held", stream_id="a")
    player.create("Next", stream_id="a")
    assert [m["type"] for m in player.run()].count("response.created") == 1
    player.finish("Next", stream_id="b")
    assert [call.user for call in mock.calls] == ["Held", "Next"]


def test_a_response_as_an_object_becomes_a_stream(mock: MockOpenAI, player: Player) -> None:
    player.create()
    response = player.run()[-1]["response"]
    mock.reply(response)
    player.create()
    messages = player.run()
    assert messages[0]["type"] == "response.created"
    assert messages[-1]["response"]["id"] == response["id"]
    assert messages[-1]["response"]["output"][0]["content"] == response["output"][0]["content"]
    mock.reply({"no": "response"})
    player.create()
    (error,) = player.run()
    assert error["error"]["type"] == "server_error"
    assert json.loads(error["error"]["message"]) == {"no": "response"}
