"""Sessions of agents: their turns answer by rules, and the SDK streams them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.beta import AgentSessionEvent
from pydantic import TypeAdapter

from openai_mockserver import ApiError, MockOpenAI, Pace, Reply, Request, ToolCall, Usage

pytestmark = pytest.mark.openai3("has no agents")

FUNCTION: Any = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather",
    "parameters": {"type": "object"},
}
NONE: Any = {"type": "none"}


@pytest.fixture(params=["in process", "server"])
def door(request: pytest.FixtureRequest) -> Iterator[tuple[MockOpenAI, openai.OpenAI]]:
    with MockOpenAI(seed=0) as mock:
        if request.param == "in process":
            yield mock, mock.client(max_retries=0)
        else:
            http_client = openai.DefaultHttpxClient(trust_env=False)
            with http_client:
                yield (
                    mock,
                    openai.OpenAI(
                        base_url=mock.base_url,
                        api_key="key",
                        max_retries=0,
                        http_client=http_client,
                    ),
                )


def create(client: openai.OpenAI, **parameters: Any) -> Any:
    agent: Any = {"model": "gpt-4o", "instructions": "Be kind", "tools": [FUNCTION]}
    return client.beta.agents.sessions.create(environment=NONE, agent=agent, **parameters)


def name_types(events: list[Any]) -> list[str]:
    """Return the types of events without their common part, after checking each strictly."""
    for event in events:
        TypeAdapter(AgentSessionEvent).validate_json(event.to_json(), strict=True)
    return [event.type.removeprefix("agent.session.") for event in events]


TEXT = [
    *("turn.created", "in_progress", "turn.in_progress", "turn.item.added", "turn.item.added"),
    *("turn.content_part.added", "turn.output_text.delta", "turn.output_text.done"),
    *("turn.content_part.done", "turn.item.done", "turn.completed", "idle"),
]


def test_a_turn_is_streamed_to_a_client_that_subscribed_before(
    door: tuple[MockOpenAI, openai.OpenAI],
) -> None:
    mock, client = door
    mock.on(user="Hi", system="Be kind", model="gpt-4o").reply(Reply(["Hello"], usage=Usage(3, 2)))
    session = create(client)
    assert (session.status, session.agent.model) == ("idle", "gpt-4o")
    with client.beta.agents.sessions.stream(session.id, input="Hi") as stream:
        events: list[Any] = list(stream)
    assert name_types(events) == ["created", *TEXT]
    turn = events[-2].turn
    assert (turn.status, turn.usage.total_tokens) == ("completed", 5)
    items = list(client.beta.agents.sessions.items.list(session.id, order="asc"))
    assert [item.content[0].text for item in items] == ["Hi", "Hello"]  # type: ignore[union-attr]
    (listed,) = client.beta.agents.sessions.turns.list(session.id)
    assert listed == turn
    assert client.beta.agents.sessions.retrieve(session.id).status == "idle"


def test_functions_are_called_while_the_stream_is_read(
    door: tuple[MockOpenAI, openai.OpenAI],
) -> None:
    mock, client = door
    seen: list[Any] = []

    def answer(request: Request) -> Reply:
        seen[:] = request.messages
        is_second = seen[-1]["role"] == "tool"
        return Reply("Sunny") if is_second else Reply(tool_calls=ToolCall("weather", {"n": 1}))

    mock.on(tools="weather").reply(answer)
    session = create(client)
    with client.beta.agents.sessions.stream(
        session.id, input="Weather?", tool_handlers={"weather": lambda arguments: f"{arguments}"}
    ) as stream:
        result = stream.get_final_result()
    assert result.output_text == "Sunny"
    assert seen[-1]["content"] == "{'n': 1}"
    items = client.beta.agents.sessions.items.list(session.id, order="asc")
    assert [item.type for item in items] == [
        *("message", "function_call", "function_call_output", "message"),
    ]


def test_a_session_waits_for_the_results_of_functions(
    door: tuple[MockOpenAI, openai.OpenAI],
) -> None:
    mock, client = door
    mock.reply(Reply(tool_calls=ToolCall("weather", {})), "Sunny")
    session = create(client, input="Hi")
    sessions = client.beta.agents.sessions
    assert session.status == "requires_action"
    (action,) = session.required_actions
    wrong: Any = {"type": "agent.session.input.tool_result", "turn_id": action.turn_id}
    with pytest.raises(openai.BadRequestError, match="call_none"):
        sessions.events.create(
            session.id, events=[wrong | {"call_id": "call_none", "success": True}]
        )
    right = wrong | {"call_id": action.call_id, "success": False, "error": "No network"}
    sessions.events.create(session.id, events=[right])
    session = sessions.retrieve(session.id)
    assert (session.status, session.required_actions) == ("idle", [])
    (_, output) = [i for i in sessions.items.list(session.id, order="asc") if i.type != "message"]
    assert output.to_dict()["error"] == "No network"


def test_a_session_can_be_created_with_a_stream(door: tuple[MockOpenAI, openai.OpenAI]) -> None:
    mock, client = door
    mock.reply(["Hello"])
    assert name_types(list(create(client, input="Hi", stream=True))) == ["created", *TEXT]


def test_an_error_fails_the_turn(door: tuple[MockOpenAI, openai.OpenAI]) -> None:
    mock, client = door
    mock.reply(ApiError(429, "Too fast"))
    events = list(create(client, input="Hi", stream=True))
    assert name_types(events)[-2:] == ["turn.failed", "idle"]
    error = events[-2].turn.error
    assert (error.code, error.message) == ("rate_limit_exceeded", "Too fast")


def test_a_turn_that_waits_can_be_cancelled(door: tuple[MockOpenAI, openai.OpenAI]) -> None:
    mock, client = door
    mock.reply(Reply(tool_calls=ToolCall("weather", {})))
    session = create(client, input="Hi")
    cancel: Any = {"type": "agent.session.input.cancel"}
    client.beta.agents.sessions.events.create(session.id, events=[cancel])
    (turn,) = client.beta.agents.sessions.turns.list(session.id)
    assert turn.status == "cancelled"
    events = list(client.beta.agents.sessions.events.stream(session.id))
    assert name_types(events)[-2:] == ["turn.cancelled", "idle"]


def test_a_saved_agent_is_used(door: tuple[MockOpenAI, openai.OpenAI]) -> None:
    mock, client = door
    mock.on(system="Be brief", model="gpt-5").reply("Hi")
    agent = client.beta.agents.create(model="gpt-5", instructions="Be brief")
    session = client.beta.agents.sessions.create(environment=NONE, agent_id=agent.id, input="Hello")
    assert (session.agent.id, session.agent.model, session.status) == (agent.id, "gpt-5", "idle")


def test_a_turn_has_the_pace_of_the_model() -> None:
    mock = MockOpenAI(seed=0)
    mock.reply(["a", "b"], pace=Pace(ttft=1.0, itl=0.5))
    events = create(mock.client(), input="Hi", stream=True)
    assert name_types(list(events)).count("turn.output_text.delta") == 2
    call = mock.calls[-1]
    assert max(part.due for part in call.times) >= 1.0
    assert call.ended == "finished"
    sent = [event.event for event in call.script.events]
    assert sent[0] == "agent.session.created"
    assert sent[-1] == "agent.session.idle"


def test_a_stream_ends_if_nothing_happens() -> None:
    mock = MockOpenAI(seed=0)
    sessions = mock.client().beta.agents.sessions
    assert name_types(list(sessions.events.stream("session_1"))) == ["created"]
    assert list(sessions.events.stream("session_1")) == []
