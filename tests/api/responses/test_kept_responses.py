"""Responses that are kept: asked for again, gone on with, resumed, cancelled, deleted."""

from __future__ import annotations

from random import Random
from typing import Any

import openai
import pytest

from openai_mockserver import MockOpenAI, Reply, ToolCall
from openai_mockserver.api.ids import ITEM_PREFIXES
from openai_mockserver.api.resources import conversations
from openai_mockserver.api.responses.items import KINDS
from openai_mockserver.request import text_of


@pytest.fixture
def client(mock_openai: MockOpenAI) -> openai.OpenAI:
    """A client in process."""
    return mock_openai.client(max_retries=0)


def test_a_response_is_given_again_as_it_was(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply(Reply("Hi", reasoning="Hm"))
    made = client.responses.create(model="gpt-4o", input="Hello")
    assert client.responses.retrieve(made.id) == made


def test_it_is_found_also_when_it_was_streamed(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    *_, last = client.responses.create(model="gpt-4o", input="Hello", stream=True)
    assert last.type == "response.completed"
    assert client.responses.retrieve(last.response.id) == last.response


def test_what_was_not_to_be_stored_is_not(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.reply("Hi")
    made = client.responses.create(model="gpt-4o", input="Hello", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError, match=f"Previous response with id '{made.id}'"):
        client.responses.create(model="gpt-4o", input="Go on", previous_response_id=made.id)


def test_a_deleted_one_is_gone(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.reply("Hi")
    made = client.responses.create(model="gpt-4o", input="Hello")
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError, match=f"Response with id '{made.id}' not found"):
        client.responses.retrieve(made.id)


def test_one_that_was_never_made_is_made_up_the_same_each_time(client: openai.OpenAI) -> None:
    made = client.responses.retrieve("resp_of_another_process")
    assert made.id == "resp_of_another_process"
    assert made.output_text
    assert client.responses.retrieve("resp_of_another_process").output == made.output


def test_reset_forgets_them(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.reply("Hi")
    made = client.responses.create(model="gpt-4o", input="Hello")
    mock_openai.reset()
    assert client.responses.retrieve(made.id) != made


# Going on


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


def test_rules_look_at_a_responses_input(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.on(user="Hi", system="Be brief.", endpoint="responses").reply("brief")
    parts: Any = [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]
    made = client.responses.create(model="gpt-4o", input=parts, instructions="Be brief.")
    assert made.output_text == "brief"


def test_a_loop_with_tools(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    """As an agent keeps it: the output goes back into the input."""
    mock_openai.reply([ToolCall("a", {"n": 1}), ToolCall("b", {"n": 2})], "Both done.")
    conversation: list[Any] = [{"role": "user", "content": "Go"}]
    while True:
        made = client.responses.create(model="gpt-4o", input=conversation)
        conversation += made.output
        calls = [item for item in made.output if item.type == "function_call"]
        if not calls:
            break
        conversation += [
            {"type": "function_call_output", "call_id": call.call_id, "output": call.arguments}
            for call in calls
        ]
    assert made.output_text == "Both done."
    assert mock_openai.calls[1].turn == 1
    assert len(mock_openai.calls[1].tool_results) == 2


# In the background


def test_a_response_in_the_background_is_queued_then_done(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    made = client.responses.create(model="gpt-4o", input="Hello", background=True)
    assert (made.status, made.output_text) == ("queued", "")
    done = client.responses.retrieve(made.id)
    assert (done.status, done.output_text) == ("completed", "Hi")


def test_its_stream_is_resumed_where_it_was_left(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("one two three four")
    asked: dict[str, Any] = {"model": "gpt-4o", "input": "Go", "background": True, "stream": True}
    seen: list[Any] = []
    with client.responses.create(**asked) as stream:
        for event in stream:
            seen.append(event)
            if event.type == "response.output_text.delta":
                break
    assert [event.type for event in seen[:3]] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    left = seen[-1].sequence_number
    rest = list(client.responses.retrieve(seen[0].response.id, stream=True, starting_after=left))
    numbers = [event.sequence_number for event in [*seen, *rest]]
    assert numbers == list(range(len(numbers)))
    text = "".join(e.delta for e in [*seen, *rest] if e.type == "response.output_text.delta")
    assert text == "one two three four"


def test_it_can_be_cancelled(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.reply("Hi")
    made = client.responses.create(model="gpt-4o", input="Hello", background=True)
    assert client.responses.cancel(made.id).status == "cancelled"
    assert client.responses.retrieve(made.id).status == "cancelled"


def test_one_that_is_known_to_have_ended_cannot_be_cancelled(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    made = client.responses.create(model="gpt-4o", input="Hello", background=True)
    assert client.responses.retrieve(made.id).status == "completed"
    with pytest.raises(openai.BadRequestError, match=r"Cannot cancel a completed response\."):
        client.responses.cancel(made.id)
    assert client.responses.retrieve(made.id).status == "completed"


def test_cancelling_again_gives_the_same(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.reply("Hi")
    made = client.responses.create(model="gpt-4o", input="Hello", background=True)
    for id in (made.id, "resp_never_seen"):
        cancelled = client.responses.cancel(id)
        assert client.responses.retrieve(id) == cancelled
        assert client.responses.cancel(id) == cancelled
        assert cancelled.status == "cancelled"


def test_one_in_the_background_has_to_be_kept(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="gpt-4o", input="Hello", background=True, store=False)
    assert (refused.value.param, refused.value.type) == ("store", "invalid_request_error")


def test_one_that_was_made_at_once_cannot(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.reply("Hi")
    made = client.responses.create(model="gpt-4o", input="Hello")
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        client.responses.cancel(made.id)


# What it was asked


def test_input_items_the_newest_first_in_pages(
    mock_openai: MockOpenAI, client: openai.OpenAI
) -> None:
    mock_openai.reply("Hi")
    asked: Any = [{"role": "user", "content": word} for word in ("one", "two", "three")]
    made = client.responses.create(model="gpt-4o", input=asked)

    def texts(**options: Any) -> list[str]:
        items = client.responses.input_items.list(made.id, **options)
        return [item.content[0].text for item in items]  # type: ignore[index, union-attr]

    assert texts() == ["three", "two", "one"]
    assert texts(order="asc") == ["one", "two", "three"]
    assert texts(limit=2) == ["three", "two", "one"]  # the SDK turns the pages
    page = client.responses.input_items.list(made.id, limit=2)
    assert (len(page.data), page.has_more) == (2, True)


def test_tokens_are_counted_and_a_conversation_is_made_smaller(client: openai.OpenAI) -> None:
    assert client.responses.input_tokens.count(model="gpt-4o", input="Hello, world!").input_tokens
    compacted = client.responses.compact(model="gpt-4o", input="Hello")
    assert [item.type for item in compacted.output] == ["compaction"]


def test_a_conversation_is_gone_on_with(mock_openai: MockOpenAI, client: openai.OpenAI) -> None:
    mock_openai.reply("Hello, Bob")
    mock_openai.on(turn=1).reply("You are Bob.")
    begun = client.conversations.create(
        items=[{"type": "message", "role": "user", "content": "I am Bob"}]
    )
    client.responses.create(model="gpt-4o", conversation=begun.id, input="Hello")
    second = client.responses.create(model="gpt-4o", conversation=begun.id, input="Who am I?")
    assert second.output_text == "You are Bob."
    said = [text_of(message["content"]) for message in mock_openai.calls[-1].messages]
    assert said == ["I am Bob", "Hello", "Hello, Bob", "Who am I?"]
    items = client.conversations.items.list(begun.id, order="asc")
    assert [item.type for item in items] == ["message"] * 5


def test_items_have_the_same_ids_wherever_they_are_kept() -> None:
    """One table says what the id of an item begins with."""
    rng = Random(0)
    for type_, prefix in ITEM_PREFIXES.items():
        given = {"type": type_, "role": "user", "content": "Hi"}
        kept = conversations.item(given if type_ == "message" else {"type": type_}, rng)
        if kept is not None:
            assert str(kept["id"]).startswith(f"{prefix}_"), type_
    assert ITEM_PREFIXES["mcp_list_tools"] == "mcpl"
    assert set(KINDS) <= set(ITEM_PREFIXES)
