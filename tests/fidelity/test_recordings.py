"""Real recordings: served as files they arrive as they are, and the SDK makes the same of them."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from openai_mockserver import MockOpenAI, sse
from openai_mockserver.api import chat
from openai_mockserver.cassettes import dump, load
from openai_mockserver.cassettes.cassette import replay_exchange
from openai_mockserver.cassettes.importers import import_file
from openai_mockserver.reply import Reply
from openai_mockserver.script import Head, Script
from recordings import SHARED

EXAMPLES = sorted((SHARED / "wire" / "examples").glob("*.sse"))
CHAT = [file for file in EXAMPLES if "chat" in file.name]
STREAM = Head(200, (("content-type", "text/event-stream"),))
ASKED: dict[str, Any] = {
    "model": "m",
    "stream": True,
    "messages": [{"role": "user", "content": "Hi"}],
}


@pytest.fixture(scope="module")
def served(shared: Path) -> Iterator[tuple[str, list[Path]]]:
    """A server started by the command, which answers with each chat body in turn."""
    files = [file for file in CHAT for _ in range(2)]
    command = [
        sys.executable,
        "-m",
        "openai_mockserver",
        "serve",
        "--port",
        "0",
        "--pace",
        "none",
        "-q",
    ]
    with subprocess.Popen(
        [*command, *map(str, files)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = re.search(r"http://\S+", server.stdout.readline())
        assert url
        yield url[0], CHAT
        server.terminate()


def raw_body(url: str) -> bytes:
    """The body of a streamed answer, read with nothing but a socket."""
    parsed = httpx2.URL(url)
    body = json.dumps(ASKED).encode()
    with socket.create_connection((parsed.host, parsed.port or 80), timeout=10) as client:
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        got = b"".join(iter(lambda: client.recv(65536), b""))
    rest, data = got.partition(b"\r\n\r\n")[2], b""
    while not rest.startswith(b"0\r\n"):
        size, _, rest = rest.partition(b"\r\n")
        data, rest = data + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return data


def outcome_of(chunks: Iterator[Any]) -> tuple[list[Any], str | None]:
    """The chunks, and the error that ends them."""
    got: list[Any] = []
    try:
        got.extend(chunk.model_dump(warnings=False) for chunk in chunks)
    except openai.APIError as error:
        return got, str(error)
    return got, None


def expected(body: bytes) -> tuple[list[Any], str | None]:
    """What the SDK's models make of the body's own events."""
    got: list[Any] = []
    for event in sse.decode(body):
        if event.data.startswith("[DONE]"):
            break
        data = json.loads(event.data)
        if data.get("error"):
            return got, data["error"].get("message")
        got.append(ChatCompletionChunk.construct(**data).model_dump(warnings=False))
    return got, None


@pytest.mark.slow
def test_each_arrives_byte_for_byte_and_as_the_same_objects(
    served: tuple[str, list[Path]],
) -> None:
    url, files = served
    http = httpx2.Client(trust_env=False, verify=False)
    with openai.OpenAI(base_url=url, api_key="x", http_client=http, max_retries=0) as client:
        for file in files:
            body = file.read_bytes()
            assert raw_body(url) == body, file.name
            stream = client.chat.completions.create(**ASKED)
            assert outcome_of(iter(stream)) == expected(body), file.name
    print(f"{len(files)} chat recordings")
    assert len(files) >= 45


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_a_body_is_its_steps(file: Path) -> None:
    body = file.read_bytes()
    assert sse.body(sse.parse(body)) == body


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("file", CHAT, ids=lambda file: file.stem)
def test_a_chat_recording_can_be_read(file: Path) -> None:
    reply = chat.read(Script(STREAM, sse.parse(file.read_bytes())))
    assert isinstance(reply, Reply)
    if reply.choices[0].finish_reason is None:
        odd = ("openai-chat-audio", "groq-chat-error", "gpustack-llamabox", "snowflake-chat")
        assert file.stem.startswith(odd)


# Whole recordings, with their requests

HOP = {"transfer-encoding", "content-length", "content-encoding", "connection"}


@pytest.mark.slow
def test_one_server_answers_the_request_of_each_recording_byte_for_byte(shared: Path) -> None:
    folders = [shared / "recordings", shared / "recordings-2"]
    files = [file for folder in folders for file in sorted(folder.glob("*/*/*.json"))]
    command = [sys.executable, "-m", "openai_mockserver", "serve", "--port", "0", "--pace", "none"]
    with subprocess.Popen(
        [*command, "-q", *map(str, files)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found
        url = httpx2.URL(found[0])
        try:
            with httpx2.Client(trust_env=False, verify=False) as client:
                for file in files:
                    recorded = json.loads(file.read_text())
                    response = send_as_recorded(client, url, recorded["request"])
                    body = recorded["response"]["body"]
                    is_base64 = recorded["response"].get("body_encoding") == "base64"
                    expected_body = base64.b64decode(body) if is_base64 else body.encode()
                    assert response.content == expected_body, file.name
                    assert response.status_code == recorded["response"]["status"], file.name
        finally:
            server.terminate()
    print(f"{len(files)} recordings")
    assert len(files) == 224


def send_as_recorded(
    client: httpx2.Client, url: httpx2.URL, request: dict[str, Any]
) -> httpx2.Response:
    """Send a recorded request to another server, whose host replaces its own."""
    target = httpx2.URL(request["url"].replace("<", "").replace(">", ""))
    is_relative = not target.is_absolute_url and not target.path.startswith("/")  # a redacted host
    path = f"/v1/{target.path.partition('/')[2]}" if is_relative else target.path
    return client.request(
        request["method"].upper(),
        url.copy_with(path=path, query=target.query or None),
        headers={k: v for k, v in request.get("headers") or () if k.lower() == "content-type"},
        content=request.get("text"),
        json=request.get("json"),
    )


@pytest.mark.slow
def test_all_recordings_are_imported_written_and_replayed_over_a_socket(
    shared: Path, tmp_path: Path
) -> None:
    files = sorted((shared / "recordings").glob("*/*/*.json"))
    said = 0
    with MockOpenAI() as mock, httpx2.Client(trust_env=False, verify=False) as client:
        for file in files:
            recorded = json.loads(file.read_text())["response"]
            (exchange,) = import_file(file)
            written = tmp_path / f"{file.stem}.jsonl"
            dump(written, [exchange])
            (again,) = load(written)
            assert again == exchange, file.name

            mock.reply(replay_exchange(again, speed=0))
            with client.stream("POST", f"{mock.base_url}/chat/completions", json=ASKED) as answer:
                body = b"".join(answer.iter_raw())
            assert body == recorded["body"].encode(), file.name
            assert answer.status_code == recorded["status"]
            sent = [(k.decode(), v.decode()) for k, v in answer.headers.raw]
            kept = [[k, v] for k, v in sent if k.lower() not in HOP]
            assert kept == [[k, v] for k, v in recorded["headers"] if k.lower() not in HOP]

            if "/chat/" in str(file):
                assert isinstance(again.as_reply(), Reply), file.name
                said += 1
    pairs = {(file.parent.parent.name, file.parent.name) for file in files}
    print(f"{len(files)} recordings of {len(pairs)} pairs, {said} of chat")
    assert len(files) == 139
