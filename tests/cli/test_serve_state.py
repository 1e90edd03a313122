"""`openai-mockserver serve --state`: what one server was told, others know, also after its end."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from redis_server import needs_redis, running_redis
from running_server import COMMAND, RunningServer, serving

pytestmark = pytest.mark.slow


@contextmanager
def connect(server: RunningServer) -> Iterator[openai.OpenAI]:
    http = openai.DefaultHttpxClient(trust_env=False)
    url = f"{server.url}/v1"
    with openai.OpenAI(base_url=url, api_key="k", http_client=http, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module", params=["sqlite", pytest.param("redis", marks=needs_redis)])
def clients(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[openai.OpenAI]]:
    """Clients of two servers that share their objects."""
    folder = tmp_path_factory.mktemp("shared")
    with ExitStack() as stack:
        state = str(folder / "state.sqlite")
        if request.param == "redis":
            state = stack.enter_context(running_redis(folder)).url
        servers = [
            stack.enter_context(serving("--state", state, "--pace", "none", "--job-seconds", "60"))
            for _ in range(2)
        ]
        yield [stack.enter_context(connect(server)) for server in servers]


def test_a_response_is_continued_by_another_server(clients: list[openai.OpenAI]) -> None:
    one, other = clients
    first = one.responses.create(model="gpt-4o", input="My name is Ada.")
    second = other.responses.create(
        model="gpt-4o", input="What is my name?", previous_response_id=first.id
    )
    assert second.previous_response_id == first.id
    assert one.responses.retrieve(second.id).output_text == second.output_text
    other.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        one.responses.retrieve(first.id)


def test_a_conversation_grows_on_both_servers(clients: list[openai.OpenAI]) -> None:
    conversation = clients[0].conversations.create()
    for number in range(20):  # each server at once after the other
        clients[number % 2].responses.create(
            model="gpt-4o", input=f"Message {number}", conversation=conversation.id
        )
    lists = [
        list(client.conversations.items.list(conversation.id, order="asc")) for client in clients
    ]
    assert lists[0] == lists[1]
    items = [item.to_dict() for item in lists[0]]
    contents: list[Any] = [item["content"] for item in items if item.get("role") == "user"]
    assert [content[0]["text"] for content in contents] == [
        f"Message {number}" for number in range(20)
    ]


def test_a_conversation_has_one_writer_on_all_servers(clients: list[openai.OpenAI]) -> None:
    conversation = clients[0].conversations.create()
    request: dict[str, Any] = {"model": "gpt-4o", "input": "Hi", "conversation": conversation.id}
    response = clients[0].responses.create(**request, background=True)
    with pytest.raises(openai.BadRequestError, match="currently operating on this conversation"):
        clients[1].responses.create(**request)
    assert clients[1].responses.cancel(response.id).status == "cancelled"
    clients[1].responses.create(**request)
    clients[0].responses.create(**request)


def test_a_file_and_its_batch_are_seen_by_both_servers(clients: list[openai.OpenAI]) -> None:
    one, other = clients
    line = (
        b'{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", '
        b'"body": {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}}\n'
    )
    file = one.files.create(file=("lines.jsonl", line), purpose="batch")
    assert other.files.content(file.id).content == line
    batch = other.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert one.batches.retrieve(batch.id).status == "validating"
    assert one.batches.cancel(batch.id).status == "cancelling"
    assert other.batches.retrieve(batch.id).status == "cancelling"


def test_a_large_file_is_read_by_another_server(clients: list[openai.OpenAI]) -> None:
    one, other = clients
    data = b"0123456789" * 300_000
    file = one.files.create(file=("large.bin", data), purpose="user_data")
    assert other.files.content(file.id).content == data


def test_a_stored_completion_is_updated_by_another_server(clients: list[openai.OpenAI]) -> None:
    one, other = clients
    completion = one.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "Hi"}], store=True
    )
    other.chat.completions.update(completion.id, metadata={"team": "a"})
    assert one.chat.completions.retrieve(completion.id).metadata == {"team": "a"}
    messages = list(other.chat.completions.messages.list(completion.id))
    assert [message.content for message in messages] == ["Hi"]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("redis", marks=needs_redis)])
def test_workers_share_what_they_store(kind: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        state = str(tmp_path / "state.sqlite")
        if kind == "redis":
            state = stack.enter_context(running_redis(tmp_path)).url
        arguments = ("--workers", "2", "--state", state, "--pace", "none")
        server = stack.enter_context(serving(*arguments))
        ids = []
        for _ in range(12):  # each on a connection of its own
            with connect(server) as client:
                ids.append(client.responses.create(model="gpt-4o", input="Hi").id)
        for id in ids * 2:
            with connect(server) as client:
                assert len(list(client.responses.input_items.list(id))) == 1


def test_what_was_stored_survives_a_killed_server(tmp_path: Path) -> None:
    arguments = ("--state", str(tmp_path / "state.sqlite"), "--pace", "none")
    with serving(*arguments) as server, connect(server) as client:
        response = client.responses.create(model="gpt-4o", input="Hi")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with serving(*arguments) as server, connect(server) as client:
        assert client.responses.retrieve(response.id).output_text == response.output_text


def test_a_file_of_something_else_is_one_sentence(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("This is no database.\n" * 100)
    command = [*COMMAND, "serve", "--port", "0", "--state", str(notes)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr.strip().endswith(
        "is no state of openai-mockserver: file is not a database"
    )
    assert "Traceback" not in result.stderr
