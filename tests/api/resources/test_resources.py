"""Objects are created, retrieved, updated, listed and deleted through the SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import openai
import pytest

from openai_mockserver import ApiError, MockOpenAI, Request, Script, ToolCall, sse
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.messages import read_messages
from openai_mockserver.api.resources import conversations
from openai_mockserver.api.resources.operations import Resource
from openai_mockserver.api.store import Store
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.faults import reset


@pytest.fixture
def mock() -> Iterator[MockOpenAI]:
    with MockOpenAI(seed=0) as mock:
        yield mock
        mock.check()


@pytest.fixture
def client(mock: MockOpenAI) -> openai.OpenAI:
    return mock.client(max_retries=0)


def read_error(error: openai.APIStatusError) -> tuple[int, str]:
    """Return the status and the message of an error."""
    body: Any = error.body
    return error.status_code, body["message"]


def test_an_uploaded_file_can_be_read_and_deleted(client: openai.OpenAI) -> None:
    data = bytes(range(256)) * 99 + b"\r\n--boundary"
    file = client.files.create(file=("notes.bin", data), purpose="user_data")
    assert file.id.startswith("file-")
    assert (file.bytes, file.filename, file.purpose) == (len(data), "notes.bin", "user_data")
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).content == data
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError) as error_info:
        client.files.retrieve(file.id)
    assert read_error(error_info.value) == (404, f"No such File object: {file.id}")
    with pytest.raises(openai.NotFoundError):
        client.files.content(file.id)


def test_the_same_request_creates_another_object(client: openai.OpenAI) -> None:
    ids = {client.vector_stores.create(name="a").id for _ in range(3)}
    assert len(ids) == 3
    assert {store.id for store in client.vector_stores.list()} == ids


def test_an_unknown_id_always_gets_the_same_object(client: openai.OpenAI) -> None:
    batch = client.batches.retrieve("batch_x")
    assert (batch.id, batch.status) == ("batch_x", "completed")
    assert client.batches.retrieve("batch_x").input_file_id == batch.input_file_id
    assert list(client.batches.list()) == [], "generated objects are not listed"


def test_pagination(client: openai.OpenAI) -> None:
    files = [client.files.create(file=b"x", purpose="batch") for _ in range(5)]
    client.files.create(file=b"x", purpose="vision")
    newest_first = [file.id for file in reversed(files)]
    page = client.files.list(purpose="batch", limit=2)
    assert [file.id for file in page.data] == newest_first[:2]
    assert page.has_more
    assert [file.id for file in page] == newest_first, "the SDK turns the pages"
    oldest = client.files.list(purpose="batch", order="asc", after=files[2].id)
    assert [file.id for file in oldest] == [files[3].id, files[4].id]
    assert client.files.list(limit=0).data == []


def test_objects_keep_the_values_of_the_request(client: openai.OpenAI) -> None:
    conversation = client.conversations.create(metadata={"topic": "demo"})
    assert conversation.metadata == {"topic": "demo"}
    client.conversations.update(conversation.id, metadata={"topic": "other"})
    assert client.conversations.retrieve(conversation.id).metadata == {"topic": "other"}
    batch = client.batches.create(
        input_file_id="file-1", endpoint="/v1/embeddings", completion_window="24h"
    )
    assert (batch.input_file_id, batch.endpoint) == ("file-1", "/v1/embeddings")
    assert client.batches.retrieve(batch.id) == batch


def test_the_contents_of_a_deleted_object_are_gone(client: openai.OpenAI) -> None:
    store = client.vector_stores.create()
    client.vector_stores.delete(store.id)
    with pytest.raises(openai.NotFoundError) as error_info:
        client.vector_stores.files.list(store.id)
    assert read_error(error_info.value) == (404, f"Vector store with id '{store.id}' not found.")


def test_expiry(client: openai.OpenAI) -> None:
    after: Any = {"anchor": "created_at", "seconds": 3600}
    file = client.files.create(file=b"x", purpose="batch", expires_after=after)
    assert file.expires_at is not None
    assert 3595 <= file.expires_at - file.created_at <= 3605


# Ends


def test_a_generated_object_can_be_cancelled(client: openai.OpenAI) -> None:
    batch = client.batches.cancel("batch_x")
    assert (batch.status, batch.completed_at) == ("cancelled", None)
    assert batch.cancelled_at is not None
    assert client.batches.retrieve("batch_x") == batch
    job = client.fine_tuning.jobs.cancel("ftjob-x")
    assert (job.status, job.finished_at) == ("cancelled", job.created_at)
    assert client.evals.runs.cancel("run_x", eval_id="eval_x").status == "canceled"
    with pytest.raises(openai.BadRequestError) as error_info:
        client.fine_tuning.jobs.cancel("ftjob-x")
    assert read_error(error_info.value) == (400, "Cannot cancel job with status 'cancelled'.")


def test_a_post_to_the_run_of_an_eval_cancels_it(client: openai.OpenAI) -> None:
    run: Any = client.post("/evals/eval_1/runs/run_1", cast_to=object)
    assert (run["id"], run["status"]) == ("run_1", "canceled")
    assert client.evals.runs.retrieve("run_1", eval_id="eval_1").status == "canceled"
    with pytest.raises(openai.BadRequestError) as error_info:
        client.post("/evals/eval_1/runs/run_1", cast_to=object)
    assert read_error(error_info.value) == (400, "Cannot cancel run with status 'canceled'.")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # assistants
def test_an_object_that_has_ended_cannot_be_cancelled(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.reply("Hello")
    batch = client.batches.create(
        input_file_id="file-1", endpoint="/v1/embeddings", completion_window="24h"
    )
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file="file-1")
    run = client.beta.threads.runs.create("thread_1", assistant_id="asst_1")
    data_source: Any = {"type": "completions", "source": {"type": "file_id", "id": "file-1"}}
    eval_run = client.evals.runs.create("eval_1", data_source=data_source)
    store = client.vector_stores.create()
    files = client.vector_stores.file_batches.create(store.id, file_ids=["file-1"])
    suffix = "with status 'completed'."
    for cancel, status, message in (
        (lambda: client.batches.cancel(batch.id), 409, f"Cannot cancel a batch {suffix}"),
        (
            lambda: client.fine_tuning.jobs.pause(job.id),
            400,
            "Cannot pause job with status 'succeeded'.",
        ),
        (
            lambda: client.beta.threads.runs.cancel(run.id, thread_id="thread_1"),
            400,
            f"Cannot cancel run {suffix}",
        ),
        (
            lambda: client.beta.threads.runs.submit_tool_outputs(
                run.id, thread_id="thread_1", tool_outputs=[]
            ),
            400,
            'Runs in status "completed" do not accept tool outputs.',
        ),
        (
            lambda: client.evals.runs.cancel(eval_run.id, eval_id="eval_1"),
            400,
            f"Cannot cancel run {suffix}",
        ),
        (
            lambda: client.vector_stores.file_batches.cancel(files.id, vector_store_id=store.id),
            400,
            f"Cannot cancel file batch {suffix}",
        ),
    ):
        with pytest.raises(openai.APIStatusError) as error_info:
            cancel()
        assert read_error(error_info.value) == (status, message)
    assert client.batches.retrieve(batch.id) == batch


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_object_that_has_ended_has_end_times(client: openai.OpenAI) -> None:
    for video in (
        client.videos.create(prompt="A cat"),
        client.videos.remix("video_1", prompt="A dog"),
        client.videos.retrieve("video_2"),
    ):
        assert (video.status, video.progress) == ("completed", 100)
        assert video.completed_at is not None
    batch = client.batches.retrieve("batch_x")
    assert None not in (batch.in_progress_at, batch.finalizing_at, batch.completed_at)
    assert (batch.failed_at, batch.cancelled_at) == (None, None)
    assert client.fine_tuning.jobs.retrieve("ftjob-x").finished_at is not None
    run = client.beta.threads.runs.retrieve("run_x", thread_id="thread_x")
    assert None not in (run.started_at, run.completed_at)
    upload = client.uploads.create(bytes=1, filename="a", mime_type="text/a", purpose="batch")
    assert upload.status == "pending"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Sora
def test_a_remix_is_a_video_too(client: openai.OpenAI) -> None:
    video = client.videos.create(prompt="A cat", seconds="8")
    remix = client.videos.remix(video.id, prompt="A dog")
    assert remix.remixed_from_video_id == video.id
    assert client.videos.retrieve(remix.id) == remix
    assert [item.id for item in client.videos.list()] == [remix.id, video.id]
    assert remix.id.startswith("video_")


def test_an_upload_that_has_ended_refuses_changes(client: openai.OpenAI) -> None:
    def begin() -> str:
        return client.uploads.create(bytes=1, filename="a", mime_type="text/a", purpose="batch").id

    completed_id, cancelled_id = begin(), begin()
    part = client.uploads.parts.create(completed_id, data=b"a")
    client.uploads.complete(completed_id, part_ids=[part.id])
    assert client.uploads.cancel(cancelled_id).status == "cancelled"
    for act, message in (
        (lambda: client.uploads.cancel(completed_id), "cancel upload with status 'completed'"),
        (
            lambda: client.uploads.complete(cancelled_id, part_ids=[]),
            "complete upload with status 'cancelled'",
        ),
        (
            lambda: client.uploads.parts.create(cancelled_id, data=b"b"),
            "add parts to upload with status 'cancelled'",
        ),
    ):
        with pytest.raises(openai.BadRequestError) as error_info:
            act()
        assert read_error(error_info.value) == (400, f"Cannot {message}.")


# Uploads and vector stores


def test_an_upload_in_parts(client: openai.OpenAI) -> None:
    upload = client.uploads.create(
        bytes=6, filename="a.jsonl", mime_type="text/jsonl", purpose="batch"
    )
    assert upload.status == "pending"
    parts = [client.uploads.parts.create(upload.id, data=data).id for data in (b"abc", b"def")]
    result = client.uploads.complete(upload.id, part_ids=parts[::-1])
    assert result.status == "completed"
    assert result.file is not None
    assert (result.file.bytes, result.file.filename) == (6, "a.jsonl")
    assert client.files.content(result.file.id).content == b"defabc"


def test_a_vector_store_can_be_searched(client: openai.OpenAI) -> None:
    texts = {"cats.txt": b"Cats purr and sleep.", "dogs.txt": b"Dogs bark at night."}
    files = {
        name: client.files.create(file=(name, text), purpose="assistants").id
        for name, text in texts.items()
    }
    store = client.vector_stores.create(name="pets")
    for name, id in files.items():
        file = client.vector_stores.files.create_and_poll(
            id, vector_store_id=store.id, attributes={"name": name}
        )
        assert (file.id, file.status, file.usage_bytes) == (id, "completed", len(texts[name]))
    counts = client.vector_stores.retrieve(store.id).file_counts
    assert (counts.completed, counts.total) == (2, 2)
    (result,) = client.vector_stores.search(store.id, query="Which dogs bark?")
    assert (result.filename, result.file_id) == ("dogs.txt", files["dogs.txt"])
    condition: Any = {"type": "eq", "key": "name", "value": "cats.txt"}
    assert not list(client.vector_stores.search(store.id, query="dogs", filters=condition))
    (content,) = client.vector_stores.files.content(files["cats.txt"], vector_store_id=store.id)
    assert content.text == "Cats purr and sleep."
    batch = client.vector_stores.file_batches.create_and_poll(
        store.id, file_ids=list(files.values())
    )
    assert batch.file_counts.completed == 2
    batch_files = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
    assert {file.id for file in batch_files} == set(files.values())


def test_a_conversation_has_items(client: openai.OpenAI) -> None:
    conversation = client.conversations.create(items=[{"role": "user", "content": "Hi"}])
    page = client.conversations.items.create(
        conversation.id,
        items=[
            {"role": "assistant", "content": "Hello"},
            {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
        ],
    )
    kinds = [item.type for item in client.conversations.items.list(conversation.id, order="asc")]
    assert kinds == ["message", "message", "function_call_output"]
    first = page.data[0]
    assert first.type == "message"
    assert first.content[0].type == "output_text"
    assert client.conversations.items.retrieve(first.id, conversation_id=conversation.id) == first
    result = client.conversations.items.delete(first.id, conversation_id=conversation.id)
    assert result.id == conversation.id
    assert len(list(client.conversations.items.list(conversation.id))) == 2


def test_equal_items_get_different_ids(client: openai.OpenAI) -> None:
    message: Any = {"role": "user", "content": "Hi"}
    conversation = client.conversations.create(items=[message, message])
    for _ in range(2):
        client.conversations.items.create(conversation.id, items=[message])
    assert len({item.id for item in client.conversations.items.list(conversation.id)}) == 4


def test_the_output_of_a_response_becomes_items_of_a_conversation(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    mock.reply(["Let me see.", ToolCall("look", {"at": "it"})])
    id = client.conversations.create(items=[{"role": "user", "content": "What is it?"}]).id
    for _ in range(2):  # with a seed, the very same output twice
        output = client.responses.create(model="gpt-4o", input="Say").to_dict()["output"]
        assert isinstance(output, list)
        conversations.add_items(mock.store, id, output, Random(0))
    items = conversations.list_items(mock.store, id)
    assert [item.id for item in client.conversations.items.list(id, order="asc")] == [
        item["id"] for item in items
    ]
    question, *answers = read_messages({"input": items})
    assert question == {
        "role": "user",
        "content": [{"type": "input_text", "text": "What is it?"}],
    }
    assert [message["role"] for message in answers] == ["assistant"] * 4
    assert answers[0]["content"][0]["text"] == "Let me see."
    assert answers[3]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"at":"it"}'}


@pytest.mark.parametrize("stream", [False, True])
def test_a_stored_completion(mock: MockOpenAI, client: openai.OpenAI, stream: bool) -> None:
    mock.reply("Hello, world")
    question: Any = {"role": "user", "content": "Hi"}
    parameters: Any = {
        "model": "gpt-4o",
        "messages": [question],
        "store": True,
        "metadata": {"a": "b"},
    }
    answer: Any = client.chat.completions.create(**parameters, stream=stream)
    id = next(iter(answer)).id if stream else answer.id
    completion = client.chat.completions.retrieve(id)
    assert completion.choices[0].message.content == "Hello, world"
    assert [c.id for c in client.chat.completions.list(metadata={"a": "b"})] == [id]
    assert [c.id for c in client.chat.completions.list(metadata={"a": "c"})] == []
    (message,) = client.chat.completions.messages.list(id)
    assert message.content == "Hi"
    client.chat.completions.update(id, metadata={"a": "c"})
    assert [c.id for c in client.chat.completions.list(metadata={"a": "c"})] == [id]
    assert client.chat.completions.delete(id).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(id)


def create_batch(client: openai.OpenAI, *lines: Any) -> Any:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    file = client.files.create(file=("in.jsonl", text.encode()), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )


def test_a_batch_is_answered_by_the_rules(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.reply("Hello")
    mock.on(user="bad").reply(ApiError(429))
    lines = [
        {"custom_id": text, "method": "POST", "url": "/v1/chat/completions"}
        | {"body": {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}}
        for text in ("good", "bad")
    ]
    batch = create_batch(client, *lines)
    assert batch.status == "completed"
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (2, 1, 1)
    output = json.loads(client.files.content(batch.output_file_id).text)
    assert output["custom_id"] == "good"
    assert output["response"]["body"]["choices"][0]["message"]["content"] == "Hello"
    error = json.loads(client.files.content(batch.error_file_id).text)
    assert (error["custom_id"], error["response"]["status_code"]) == ("bad", 429)


def test_one_failed_line_does_not_affect_the_others(
    mock: MockOpenAI, client: openai.OpenAI
) -> None:
    def fails(script: Script) -> Script:
        raise ZeroDivisionError("of this fault")

    mock.on(user="good").reply("Hello")
    mock.on(user="cut").reply("Hello", faults=[reset(byte=9)])
    mock.on(user="raises").reply("Hello", faults=[fails])
    bodies: dict[str, Any] = {
        name: {"model": "gpt-4o", "messages": [{"role": "user", "content": name}]}
        for name in ("good", "cut", "raises", "unmatched")
    }
    bodies["streamed"] = bodies["good"] | {"stream": True}
    lines = [
        {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
        for name, body in bodies.items()
    ]
    batch = create_batch(client, *lines)
    assert batch.status == "completed"
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (5, 1, 4)
    assert client.batches.retrieve(batch.id) == batch
    error_lines = client.files.content(batch.error_file_id).text.splitlines()
    messages = {
        line["custom_id"]: line["error"]["message"] for line in map(json.loads, error_lines)
    }
    prefix = "The response to POST /v1/chat/completions"
    assert messages.pop("unmatched").startswith("no rule matches POST /v1/chat/completions")
    message = messages.pop("raises")
    assert "raised ZeroDivisionError('of this fault') (" in message
    assert f"{__file__}, line " in message
    assert messages == {
        "cut": f"{prefix} ended early.",
        "streamed": f"{prefix} is text/event-stream; charset=utf-8, not JSON.",
    }


def test_a_batch_with_invalid_lines_fails(client: openai.OpenAI) -> None:
    batch = create_batch(client, "{", {"custom_id": "a"})
    assert batch.status == "failed"
    assert [(error.line, error.code) for error in batch.errors.data] == [
        (1, "invalid_json_line"),
        (2, "invalid_json_line"),
    ]


def test_models(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"gpt-4o", "text-embedding-3-small"} <= set(names)
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    assert client.models.retrieve("ft:mine").owned_by == "user-mockserver"
    assert client.models.delete("ft:mine").deleted


@pytest.mark.parametrize("name", ["meta-llama/Llama-3", "a b/c%2Fd", "modèle"])
def test_an_id_may_contain_a_slash(mock: MockOpenAI, client: openai.OpenAI, name: str) -> None:
    on_a_socket = openai.OpenAI(base_url=mock.base_url, api_key="x")
    for door in (client, on_a_socket):
        assert door.models.retrieve(name).id == name
        assert door.vector_stores.retrieve(name).id == name
    on_a_socket.close()
    assert len({call.path for call in mock.calls}) == 2


def test_an_endpoint_that_is_not_implemented_is_a_501() -> None:
    resource = Resource("POST", "/v1/completions")  # whose answer could be a stream only
    script = resource.answer(EndpointRequest("POST", "/v1/completions"), Store(), Random(0))
    assert script.head.status == 501
    assert b"does not implement POST /v1/completions" in sse.body(script.steps)


@pytest.mark.parametrize("path", ["/live/sessions", "/live/sessions/made_up/attach"])
def test_a_websocket_without_an_upgrade_is_a_426(client: openai.OpenAI, path: str) -> None:
    with pytest.raises(openai.APIStatusError) as error_info:
        client.get(path, cast_to=object)
    assert read_error(error_info.value) == (
        426,
        f"openai-mockserver: GET /v1{path} is answered with a WebSocket only.",
    )


def test_rules_take_precedence(mock: MockOpenAI, client: openai.OpenAI) -> None:
    mock.on(endpoint="embeddings").reply(ApiError(429))
    with pytest.raises(openai.RateLimitError):
        client.embeddings.create(model="text-embedding-3-small", input="Hi")
    mock.on(endpoint="files").reply({"object": "list", "data": [], "has_more": False})
    assert client.files.list().data == []
    assert mock.calls[-1].rule is not None


def test_a_reply_that_is_not_json_is_refused(mock: MockOpenAI) -> None:
    with pytest.raises(ReplyError, match="must be a valid JSON body"):
        mock.on(endpoint="files").reply({"a": object()})


def test_reset_removes_created_objects(mock: MockOpenAI, client: openai.OpenAI) -> None:
    client.files.create(file=b"x", purpose="batch")
    mock.reset()
    assert not client.files.list().data


def test_a_malformed_form_is_refused() -> None:
    headers = [("content-type", "multipart/form-data; boundary=b")]
    call = MockOpenAI().respond(Request("POST", "/v1/files", headers, b"--b\r\nnonsense"))
    assert call.status == 400
