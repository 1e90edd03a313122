"""What a response continues: earlier responses, conversations, items and compactions."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from openai_mockserver import ApiError, Message, MockOpenAI, Reply, Request, ToolCall
from openai_mockserver.api.responses.history import Writer
from openai_mockserver.exceptions import BusyStateError
from openai_mockserver.faults import stall
from openai_mockserver.items import code_interpreter, file_search, web_search

UNKNOWN = f"resp_{'0' * 50}"
WRITERS = "writer of a conversation"


@pytest.fixture
def mock() -> MockOpenAI:
    return MockOpenAI(seed=0)


@pytest.fixture
def client(mock: MockOpenAI) -> openai.OpenAI:
    return mock.client(max_retries=0)


def listen(mock: MockOpenAI) -> list[list[Any]]:
    """Let the mock answer, and return the list to which it adds the messages of each request."""
    seen: list[list[Any]] = []

    def answer(request: Request) -> str:
        seen.append([message["content"] for message in request.messages])
        return "Yes"

    mock.reply(answer)
    return seen


def read_error(error: openai.APIStatusError) -> tuple[int, str | None, str | None, str]:
    """Return status, code, parameter and message of an error."""
    body: Any = error.body
    return error.status_code, body["code"], body["param"], body["message"]


# Earlier responses


def test_an_unknown_previous_response(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply("Hi")
    deleted = client.responses.create(model="gpt-4o", input="Hi").id
    client.responses.delete(deleted)
    unstored = client.responses.create(model="gpt-4o", input="Hi", store=False).id
    for id in (UNKNOWN, deleted, unstored):
        with pytest.raises(openai.BadRequestError) as error_info:
            client.responses.create(model="gpt-4o", input="Go on", previous_response_id=id)
        assert read_error(error_info.value) == (
            400,
            "previous_response_not_found",
            "previous_response_id",
            f"Previous response with id '{id}' not found.",
        )


def test_an_id_that_openai_would_not_make_continues_nothing(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    seen = listen(mock)
    client.responses.create(model="gpt-4o", input="Hi", previous_response_id="resp_1")
    client.responses.create(model="gpt-4o", input="Hi", conversation="conv_1")
    assert seen == [["Hi"], ["Hi"]]


# Conversations


def test_an_unknown_conversation(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply("Hi")
    deleted = client.conversations.create().id
    client.conversations.delete(deleted)
    for id in (f"conv_{'0' * 48}", deleted):
        with pytest.raises(openai.NotFoundError) as error_info:
            client.responses.create(model="gpt-4o", input="Hi", conversation=id)
        message = f"Conversation with id '{id}' not found."
        assert read_error(error_info.value) == (404, None, None, message)


@pytest.mark.parametrize("end", ["finish", "cancel"])
def test_a_conversation_has_one_writer(end: str) -> None:
    mock = MockOpenAI(job_seconds=60)
    mock.reply("Hi")
    client = mock.client(max_retries=0)
    conversation = client.conversations.create().id

    def create(**parameters: Any) -> Any:
        return client.responses.create(
            model="gpt-4o", input="Hi", conversation=conversation, **parameters
        )

    first = create(background=True)
    with pytest.raises(openai.BadRequestError) as error_info:
        create()
    assert read_error(error_info.value) == (
        400,
        "conversation_locked",
        "conversation",
        "Another process is currently operating on this conversation. Please retry in a few "
        "seconds.",
    )
    if end == "finish":
        mock.jobs.finish(first.id)
    else:
        client.responses.cancel(first.id)
    assert create().status == "completed"


def test_a_conversation_has_one_writer_while_a_response_is_streamed() -> None:
    with (
        MockOpenAI() as mock,
        openai.OpenAI(base_url=mock.base_url, api_key="key", max_retries=0) as client,
    ):
        mock.on(user="first").reply("Hello", faults=[stall(after=3)])
        mock.on(user="second").reply("Hi")
        conversation = client.conversations.create().id

        def create(text: str, **parameters: Any) -> Any:
            return client.responses.create(
                model="gpt-4o", input=text, conversation=conversation, **parameters
            )

        with create("first", stream=True) as stream:
            assert next(iter(stream)).type == "response.created"
            with pytest.raises(openai.BadRequestError) as error_info:
                create("second")
            assert error_info.value.code == "conversation_locked"
        assert mock.calls[1].ended == "client disconnected"
        # Whether a response is streamed or not, it is complete once the client has all of it.
        for _ in range(3):
            assert create("second").output_text == "Hi"
            assert [event.type for event in create("second", stream=True)][-1:] == [
                "response.completed"
            ]


def test_one_of_two_servers_answers_in_a_conversation(tmp_path: Path) -> None:
    place = str(tmp_path / "state.sqlite")
    is_refused = threading.Event()

    def answer(request: Request) -> str:
        assert is_refused.wait(30), "both requests were accepted"
        return "Hi"

    with MockOpenAI(state=place) as one, MockOpenAI(state=place) as other:
        clients = [mock.client(max_retries=0) for mock in (one, other)]
        for mock in (one, other):
            mock.reply(answer)
        conversation = clients[0].conversations.create().id

        def create(client: openai.OpenAI) -> str | None:
            try:
                client.responses.create(model="gpt-4o", input="Hi", conversation=conversation)
            except openai.BadRequestError as error:
                is_refused.set()
                return error.code
            return None

        with ThreadPoolExecutor(2) as threads:
            for _ in range(5):
                is_refused.clear()
                codes = list(threads.map(create, clients))
                assert sorted(codes, key=str) == [None, "conversation_locked"]


def test_a_lock_that_could_not_be_removed_does_not_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mock = MockOpenAI(state=str(tmp_path / "state.sqlite"))
    mock.reply("Hi")
    client = mock.client(max_retries=0)
    conversation = client.conversations.create().id
    body: dict[str, Any] = {"model": "gpt-4o", "input": "Hi", "conversation": conversation}
    update = mock.store.update

    def fail_to_unlock(kind: str, id: str, change: Any) -> Any:
        if kind == WRITERS and change(mock.store.get(kind, id)) is None:
            raise BusyStateError("away")
        return update(kind, id, change)

    with monkeypatch.context() as patch:
        patch.setattr(mock.store, "update", fail_to_unlock)
        client.responses.create(**body)
    assert mock.store.all(WRITERS), "the lock is still there"
    assert client.responses.create(**body).output_text == "Hi"


def test_a_lock_may_be_removed_while_the_next_request_looks_at_it(
    monkeypatch: pytest.MonkeyPatch, mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.reply("Hi")
    conversation = client.conversations.create().id
    get = mock.store.get

    def get_removed(kind: str, id: str) -> Any:
        found = get(kind, id)
        return Writer("resp_1", "another process", 1, 0.0) if kind == WRITERS else found

    def update_removed(kind: str, id: str, change: Any) -> Any:
        return change(None) if kind == WRITERS else update(kind, id, change)

    update = mock.store.update
    monkeypatch.setattr(mock.store, "get", get_removed)
    monkeypatch.setattr(mock.store, "update", update_removed)
    client.responses.create(model="gpt-4o", input="Hi", conversation=conversation)


def test_a_lock_outlives_no_forgotten_job() -> None:
    mock = MockOpenAI(keep_calls=3, job_seconds=2)
    mock.reply("Hi")
    client = mock.client(max_retries=0)
    conversation = client.conversations.create().id
    client.responses.create(model="gpt-4o", input="Hi", conversation=conversation, background=True)
    for _ in range(5):
        client.responses.create(model="gpt-4o", input="Hi", background=True)
    mock.jobs.advance(100)
    client.responses.create(model="gpt-4o", input="Hi", conversation=conversation)


def test_a_refused_request_leaves_no_lock(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply(ApiError(400, "No"), "Hi")
    conversation = client.conversations.create().id
    body: dict[str, Any] = {"model": "gpt-4o", "input": "Hi", "conversation": conversation}
    with pytest.raises(openai.BadRequestError, match="No"):
        client.responses.create(**body)
    with pytest.raises(openai.BadRequestError, match="context window"):
        client.responses.create(**body | {"model": "gpt-4", "input": "word " * 9000})
    assert client.responses.create(**body).output_text == "Hi"


def test_lines_of_a_batch_leave_no_lock(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply("Hi")
    conversation = client.conversations.create().id
    body: dict[str, Any] = {"model": "gpt-4o", "input": "Hi", "conversation": conversation}
    line = {"custom_id": "1", "method": "POST", "url": "/v1/responses", "body": body}
    file = client.files.create(file=("a.jsonl", json.dumps(line).encode()), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/responses", completion_window="24h"
    )
    assert batch.request_counts is not None
    assert batch.request_counts.completed == 1
    assert client.responses.create(**body).status == "completed"


def test_a_response_expires_after_thirty_days(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply("Hi")
    first = client.responses.create(model="gpt-4o", input="Hi")
    mock.jobs.advance(30 * 86_400 - 1)
    second = client.responses.create(model="gpt-4o", input="Go on", previous_response_id=first.id)
    assert client.responses.retrieve(first.id).id == first.id
    mock.jobs.advance(1)
    with pytest.raises(openai.BadRequestError) as error_info:
        client.responses.create(model="gpt-4o", input="Go on", previous_response_id=first.id)
    assert error_info.value.code == "previous_response_not_found"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)
    assert client.responses.retrieve(second.id).id == second.id


# Items


def test_a_reference_stands_for_its_item(mock: MockOpenAI, client: openai.OpenAI) -> None:
    seen = listen(mock)
    first = client.responses.create(model="gpt-4o", input="Hi")
    conversation = client.conversations.create(items=[{"role": "user", "content": "Hello"}])
    (item,) = client.conversations.items.list(conversation.id)
    references: Any = [
        {"type": "item_reference", "id": first.output[0].id},
        {"type": "item_reference", "id": item.id},
        {"role": "user", "content": "Go on"},
    ]
    second = client.responses.create(model="gpt-4o", input=references)
    texts = [part if isinstance(part, str) else part[0]["text"] for part in seen[1]]
    assert texts == ["Yes", "Hello", "Go on"]
    listed = client.responses.input_items.list(second.id, order="asc")
    assert [one.id for one in listed][:2] == [first.output[0].id, item.id]


def test_a_reference_to_an_unknown_item(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply("Hi")
    unstored = client.responses.create(model="gpt-4o", input="Hi", store=False).output[0].id
    reference: Any = {"type": "item_reference", "id": unstored}
    with pytest.raises(openai.NotFoundError) as error_info:
        client.responses.create(model="gpt-4o", input=[reference])
    assert read_error(error_info.value) == (
        404,
        None,
        "input",
        f"Item with id '{unstored}' not found. Items are not persisted when `store` is set to "
        "false. Try again with `store` set to true, or remove this item from your input.",
    )


# Compaction


def test_a_compaction_stands_for_what_it_compacts(mock: MockOpenAI, client: openai.OpenAI) -> None:
    seen = listen(mock)
    messages: Any = [{"role": "user", "content": "One"}, {"role": "user", "content": "Two"}]
    compacted: Any = client.responses.compact(model="gpt-4o", input=messages).output
    items: Any = [*(item.to_dict() for item in compacted), {"role": "user", "content": "Three"}]
    response = client.responses.create(model="gpt-4o", input=items)
    client.responses.create(model="gpt-4o", input="Four", previous_response_id=response.id)
    assert seen[0] == ["One", "Two", "Three"]
    assert seen[1][:3] == ["One", "Two", "Three"]
    assert seen[1][-1] == "Four"


def test_a_long_conversation_is_compacted(mock: MockOpenAI, client: openai.OpenAI) -> None:
    seen = listen(mock)
    management: Any = [{"type": "compaction", "compact_threshold": 1000}]

    def create(input: Any) -> Any:
        return client.responses.create(
            model="gpt-4o", input=input, context_management=management, store=False
        )

    assert [item.type for item in create("Hi").output] == ["message"]
    for long in ("one " * 1500, "two " * 1500):
        response = create(long)
        assert [item.type for item in response.output] == ["compaction", "message"]
        items: Any = [item.to_dict() for item in response.output]
        create([*items, {"role": "user", "content": "Go on"}])
        assert (seen[-1][0], seen[-1][-1]) == (long, "Go on")


# Truncation


def test_a_conversation_that_does_not_fit(mock: MockOpenAI, client: openai.OpenAI) -> None:
    seen = listen(mock)
    long = "word " * 5000

    def create(input: str, **parameters: Any) -> Any:
        return client.responses.create(model="gpt-4", input=input, **parameters)

    first = create(long)
    with pytest.raises(openai.BadRequestError) as error_info:
        create(long, previous_response_id=first.id)
    assert read_error(error_info.value)[1:3] == ("context_length_exceeded", "input")
    assert create(long, previous_response_id=first.id, truncation="auto").status == "completed"
    assert [len(contents) for contents in seen] == [1, 2], "the oldest message is left out"
    for truncation in ("auto", "disabled"):
        with pytest.raises(openai.BadRequestError, match="exceeds the context window"):
            create(long + long, truncation=truncation)


# Include


def test_an_answer_has_what_the_request_includes(mock: MockOpenAI, client: openai.OpenAI) -> None:
    output: list[Any] = [
        web_search("cats", sources=["https://example.com/"]),
        file_search("cats", results=[{"file_id": "file-1", "text": "Cats purr."}]),
        code_interpreter("1+1", logs="2"),
        Message("Yes"),
    ]
    mock.reply(Reply(output=output), Reply(tool_calls=ToolCall("now")), Reply(output=output))

    def create(include: Any) -> tuple[Any, Any, Any]:
        items: Any = client.responses.create(model="gpt-4o", input="Hi", include=include).output
        search, files, code, _ = items
        return search.action.sources, files.results, code.outputs

    assert create([]) == (None, None, None)
    client.responses.create(model="gpt-4o", input="Hi")
    sources, results, outputs = create(
        [
            "web_search_call.action.sources",
            "file_search_call.results",
            "code_interpreter_call.outputs",
        ]
    )
    assert (sources[0].url, results[0].file_id) == ("https://example.com/", "file-1")
    assert outputs[0].logs == "2"
