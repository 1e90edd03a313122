"""Stored responses: retrieved, continued, resumed, cancelled, deleted."""

from __future__ import annotations

from random import Random
from typing import Any

import openai
import pytest

from openai_mockserver import MockOpenAI, Reply, ToolCall
from openai_mockserver.api.ids import ITEM_PREFIXES
from openai_mockserver.api.resources import conversations
from openai_mockserver.api.responses.items import KINDS
from openai_mockserver.request import join_text


@pytest.fixture
def client(mock_openai: MockOpenAI) -> openai.OpenAI:
    """An in-process client."""
    return mock_openai.client(max_retries=0)


def test_retrieve_returns_the_response_unchanged(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply(Reply("Hi", reasoning="Hm"))
    response = client.responses.create(model="gpt-4o", input="Hello")
    assert client.responses.retrieve(response.id) == response


def test_a_streamed_response_can_be_retrieved(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    *_, last = client.responses.create(model="gpt-4o", input="Hello", stream=True)
    assert last.type == "response.completed"
    assert client.responses.retrieve(last.response.id) == last.response


def test_a_response_with_store_false_is_not_stored(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    response = client.responses.create(model="gpt-4o", input="Hello", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)
    with pytest.raises(openai.BadRequestError, match=f"Previous response with id '{response.id}'"):
        client.responses.create(model="gpt-4o", input="Go on", previous_response_id=response.id)


def test_a_deleted_response_is_gone(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.reply("Hi")
    response = client.responses.create(model="gpt-4o", input="Hello")
    client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError, match=f"Response with id '{response.id}' not found"):
        client.responses.retrieve(response.id)


def test_an_unknown_id_always_gets_the_same_response(client: openai.OpenAI) -> None:
    response = client.responses.retrieve("resp_of_another_process")
    assert response.id == "resp_of_another_process"
    assert response.output_text
    assert client.responses.retrieve("resp_of_another_process").output == response.output


def test_reset_removes_stored_responses(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.reply("Hi")
    response = client.responses.create(model="gpt-4o", input="Hello")
    mock_openai.reset()
    assert client.responses.retrieve(response.id) != response


# Continuing


def test_the_previous_response_is_part_of_the_conversation(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    call = ToolCall("get_weather", {"city": "Paris"})
    mock_openai.on(turn=0).reply(call)
    mock_openai.on(turn=1, tool_result=call.id).reply("Sunny.")
    first = client.responses.create(model="gpt-4o", input="Weather?", instructions="Be brief.")
    result: Any = {"type": "function_call_output", "call_id": call.id, "output": "sun"}
    second = client.responses.create(model="gpt-4o", input=[result], previous_response_id=first.id)
    assert second.output_text == "Sunny."
    assert second.previous_response_id == first.id
    # Instructions are not carried over.
    assert [m["role"] for m in mock_openai.calls[1].messages] == ["user", "assistant", "tool"]


def test_rules_match_the_input_of_a_response(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.on(user="Hi", system="Be brief.", endpoint="responses").reply("brief")
    parts: Any = [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]
    response = client.responses.create(model="gpt-4o", input=parts, instructions="Be brief.")
    assert response.output_text == "brief"


def test_an_agent_loop_with_tools(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    """The agent keeps the conversation: output items become part of the next input."""
    mock_openai.reply([ToolCall("a", {"n": 1}), ToolCall("b", {"n": 2})], "Both done.")
    conversation: list[Any] = [{"role": "user", "content": "Go"}]
    while True:
        response = client.responses.create(model="gpt-4o", input=conversation)
        conversation += response.output
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            break
        conversation += [
            {"type": "function_call_output", "call_id": call.call_id, "output": call.arguments}
            for call in calls
        ]
    assert response.output_text == "Both done."
    assert mock_openai.calls[1].turn == 1
    assert len(mock_openai.calls[1].tool_results) == 2


# In the background


def test_a_background_response_is_queued_then_completed(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    response = client.responses.create(model="gpt-4o", input="Hello", background=True)
    assert (response.status, response.output_text) == ("queued", "")
    result = client.responses.retrieve(response.id)
    assert (result.status, result.output_text) == ("completed", "Hi")


def test_a_background_stream_can_be_resumed(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.reply("one two three four")
    request: dict[str, Any] = {"model": "gpt-4o", "input": "Go", "background": True, "stream": True}
    first_events: list[Any] = []
    with client.responses.create(**request) as stream:
        for event in stream:
            first_events.append(event)
            if event.type == "response.output_text.delta":
                break
    assert [event.type for event in first_events[:3]] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    last_number = first_events[-1].sequence_number
    rest = list(
        client.responses.retrieve(
            first_events[0].response.id, stream=True, starting_after=last_number
        )
    )
    numbers = [event.sequence_number for event in [*first_events, *rest]]
    assert numbers == list(range(len(numbers)))
    text = "".join(
        e.delta for e in [*first_events, *rest] if e.type == "response.output_text.delta"
    )
    assert text == "one two three four"


def test_a_stream_whose_events_are_raw_bytes_can_be_resumed(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi", dialect="bedrock-mantle")
    events = list(client.responses.create(model="gpt-4o", input="Hello", stream=True))
    (first, *_) = events
    assert first.type == "response.created"
    rest = client.responses.retrieve(first.response.id, stream=True, starting_after=2)
    assert list(rest) == events[3:]


def test_a_background_response_can_be_cancelled(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    response = client.responses.create(model="gpt-4o", input="Hello", background=True)
    assert client.responses.cancel(response.id).status == "cancelled"
    assert client.responses.retrieve(response.id).status == "cancelled"


def test_a_response_that_the_client_has_seen_end_cannot_be_cancelled(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    response = client.responses.create(model="gpt-4o", input="Hello", background=True)
    assert client.responses.retrieve(response.id).status == "completed"
    with pytest.raises(openai.BadRequestError, match=r"Cannot cancel a completed response\."):
        client.responses.cancel(response.id)
    assert client.responses.retrieve(response.id).status == "completed"


def test_cancelling_twice_changes_nothing(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.reply("Hi")
    response = client.responses.create(model="gpt-4o", input="Hello", background=True)
    for id in (response.id, "resp_never_seen"):
        result = client.responses.cancel(id)
        assert client.responses.retrieve(id) == result
        assert client.responses.cancel(id) == result
        assert result.status == "cancelled"


def test_a_background_response_must_be_stored(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    with pytest.raises(openai.BadRequestError) as error_info:
        client.responses.create(model="gpt-4o", input="Hello", background=True, store=False)
    assert (error_info.value.param, error_info.value.type) == ("store", "invalid_request_error")


def test_a_synchronous_response_cannot_be_cancelled(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    response = client.responses.create(model="gpt-4o", input="Hello")
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        client.responses.cancel(response.id)


# Input items


def test_input_items_are_paginated_newest_first(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    messages: Any = [{"role": "user", "content": word} for word in ("one", "two", "three")]
    response = client.responses.create(model="gpt-4o", input=messages)

    def texts(**options: Any) -> list[str]:
        items = client.responses.input_items.list(response.id, **options)
        return [item.content[0].text for item in items]  # type: ignore[index, union-attr]

    assert texts() == ["three", "two", "one"]
    assert texts(order="asc") == ["one", "two", "three"]
    assert texts(limit=2) == ["three", "two", "one"]  # the SDK turns the pages
    page = client.responses.input_items.list(response.id, limit=2)
    assert (len(page.data), page.has_more) == (2, True)


def test_count_input_tokens_and_compact(client: openai.OpenAI) -> None:
    assert client.responses.input_tokens.count(model="gpt-4o", input="Hello, world!").input_tokens
    compaction = client.responses.compact(model="gpt-4o", input="Hello")
    assert [item.type for item in compaction.output] == ["compaction"]


def test_a_response_continues_a_conversation(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hello, Bob")
    mock_openai.on(turn=1).reply("You are Bob.")
    conversation = client.conversations.create(
        items=[{"type": "message", "role": "user", "content": "I am Bob"}]
    )
    client.responses.create(model="gpt-4o", conversation=conversation.id, input="Hello")
    second = client.responses.create(
        model="gpt-4o", conversation=conversation.id, input="Who am I?"
    )
    assert second.output_text == "You are Bob."
    texts = [join_text(message["content"]) for message in mock_openai.calls[-1].messages]
    assert texts == ["I am Bob", "Hello", "Hello, Bob", "Who am I?"]
    items = client.conversations.items.list(conversation.id, order="asc")
    assert [item.type for item in items] == ["message"] * 5


def test_conversations_and_responses_use_the_same_id_prefixes() -> None:
    """`ITEM_PREFIXES` is the one table of id prefixes."""
    rng = Random(0)
    for type_, prefix in ITEM_PREFIXES.items():
        message = {"type": type_, "role": "user", "content": "Hi"}
        item = conversations.build_item(message if type_ == "message" else {"type": type_}, rng)
        if item is not None:
            assert str(item["id"]).startswith(f"{prefix}_"), type_
    assert ITEM_PREFIXES["mcp_list_tools"] == "mcpl"
    assert set(KINDS) <= set(ITEM_PREFIXES)
