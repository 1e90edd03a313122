"""Chunks, bytes and files as replies."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from openai_mockserver import Event, MockOpenAI, Pause, Reply, ReplyError, Script, stream
from openai_mockserver.api import chat, completions, responses
from openai_mockserver.bounded_input import MOST_FILE
from openai_mockserver.cassettes import Exchange, dump
from openai_mockserver.dispatch.answers import as_answer
from openai_mockserver.faults import drop
from openai_mockserver.script import STREAM_HEAD

MESSAGE: Any = {"role": "user", "content": "Hi"}
CHUNKS: list[dict[str, Any]] = [
    {"choices": [{"index": 0, "delta": {"content": "Hel"}}]},
    {"choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]},
]
BODY = b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in CHUNKS)


def list_payloads(script: Script) -> list[Any]:
    return [json.loads(event.data) for event in script.events if event.data != "[DONE]"]


def read_text(client: openai.OpenAI) -> str:
    chunks = client.chat.completions.create(model="gpt-4o", messages=[MESSAGE], stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def script_of(value: object) -> Script:
    script = as_answer(value).value
    assert isinstance(script, Script)
    return script


# Chunks


def test_the_sdk_reads_a_list_of_chunks(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(CHUNKS, faults=drop(0))
    assert read_text(mock_openai.client()) == "lo"


def test_a_request_without_stream_gets_what_the_chunks_say(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(CHUNKS)
    completion = mock_openai.client().chat.completions.create(model="gpt-4o", messages=[MESSAGE])
    assert completion.choices[0].message.content == "Hello"


def test_chunks_are_played_as_they_are_if_they_cannot_be_read(mock_openai: MockOpenAI) -> None:
    mock_openai.reply([{"choices": 5}])
    with httpx.Client(base_url=mock_openai.base_url) as client:
        response = client.post("/chat/completions", json={"model": "gpt-4o", "messages": [MESSAGE]})
    assert response.text == 'data: {"choices":5}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    ("chunks", "names", "has_done"),
    [
        (CHUNKS, {None}, True),
        (list_payloads(chat.render(Reply("Hi"))), {None}, True),
        (list_payloads(completions.render(Reply("Hi"))), {None}, True),
        ([{}], {None}, True),
        ([{"error": {"message": "no"}}], {None}, True),
        ([{"type": "response.created"}, {"type": "error"}], {"response.created", "error"}, False),
        ([{"type": "transcript.text.done", "text": "Hi"}], {None}, True),
        ([{"type": "message_start"}, {"type": "message_stop"}], {None}, False),
    ],
)
def test_the_endpoint_decides_about_names_and_done(
    chunks: list[Any], names: set[str | None], has_done: bool
) -> None:
    script = script_of(chunks)
    events = script.events[:-1] if has_done else script.events
    assert script.head == STREAM_HEAD
    assert {event.event for event in events} == names
    assert list_payloads(script) == chunks
    assert (script.events[-1].data == "[DONE]") is has_done


def test_chunks_of_a_response_are_the_stream_they_come_from() -> None:
    whole = responses.render(Reply("Hi"))
    assert script_of(list_payloads(whole)).events == whole.events


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "must not be an empty list"),
        ([*CHUNKS, "data"], "item 2 of the list is 'data': in a list with a dict, every item must"),
        (["data", *CHUNKS], "item 0 of the list is 'data': in a list with a dict"),
        ([*CHUNKS, {"a": object()}], "item 2 of the list must be valid JSON"),
        (["text", 5], "item 1 of the list is 5: a list must consist of strings and ToolCalls, or"),
        (5, "a list of chunks, bytes or a Path, not 5"),
        (b"", "there are no bytes in the body"),
    ],
)
def test_a_value_that_is_no_reply_is_refused_at_once(value: object, message: str) -> None:
    with MockOpenAI() as mock, pytest.raises(ReplyError, match=message):
        mock.reply(value)


# Bytes


def test_the_sdk_reads_bytes(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(BODY)
    assert read_text(mock_openai.client()) == "Hello"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (BODY, "text/event-stream; charset=utf-8"),
        (b": a comment\r\rdata: [DONE]\n\ndata: cut", "text/event-stream; charset=utf-8"),
        (b'{"choices": []}', "application/json"),
        (b'{"choices": [', "application/json"),
        (b"<html>502</html>", "text/html; charset=utf-8"),
        (b"upstream: failed", "text/plain; charset=utf-8"),
        (b"\xff\xfe", "application/octet-stream"),
    ],
)
def test_bytes_are_sent_as_they_are(mock_openai: MockOpenAI, body: bytes, kind: str) -> None:
    mock_openai.reply(body)
    parameters = {"model": "gpt-4o", "messages": [MESSAGE], "stream": True}
    response = httpx.post(f"{mock_openai.base_url}/chat/completions", json=parameters)
    assert (response.content, response.headers["content-type"]) == (body, kind)


# Files


@pytest.mark.parametrize("name", ["dump.sse", "dump.txt", "dump", "dump.sse.gz"])
def test_a_file_of_an_event_stream_is_its_body(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(gzip.compress(BODY) if name.endswith(".gz") else BODY)
    assert as_answer(file) == as_answer(BODY)


def test_a_file_of_json_is_a_body(mock_openai: MockOpenAI, tmp_path: Path) -> None:
    file = tmp_path / "completion.json"
    file.write_text('{"choices": [{"message": {"content": "Hello"}}]}')
    mock_openai.reply(file)
    completion = mock_openai.client().chat.completions.create(model="gpt-4o", messages=[MESSAGE])
    assert completion.choices[0].message.content == "Hello"
    file.write_text('{"error": {"message"')
    assert as_answer(file) == as_answer(b'{"error": {"message"')


@pytest.mark.parametrize("name", ["chunks.json", "chunks.jsonl"])
def test_a_file_of_chunks_is_a_stream(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    lines = "\n".join(json.dumps(chunk, separators=(",", ":")) for chunk in CHUNKS)
    file.write_text(json.dumps(CHUNKS, separators=(",", ":")) if name == "chunks.json" else lines)
    assert as_answer(file) == as_answer(CHUNKS)


def test_a_stream_file_is_its_exchange(tmp_path: Path) -> None:
    script = Script(steps=[Event('{"choices":[]}'), Pause(1)], end="reset")
    dump(tmp_path / "a.jsonl", [Exchange(script, {})])
    assert script_of(tmp_path / "a.jsonl") == script


def test_a_file_with_an_event_streams_suffix_is_sent_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.sse").write_bytes(b"nonsense")
    assert script_of(tmp_path / "a.sse").is_stream


def test_a_file_that_is_no_reply_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.sse").write_bytes(b"\n")
    (tmp_path / "broken.jsonl").write_bytes(b'{"mockserver": 1}\n{"jsn": 1}\n')
    dump(tmp_path / "two.jsonl", [Exchange(stream("tool-calls-parallel").script, {})] * 2)
    dump(tmp_path / "withheld.jsonl", [Exchange(Script(), {"redacted": ["the body: it is coded"]})])
    with (tmp_path / "long.sse").open("wb") as file:
        file.truncate(MOST_FILE + 1)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    for name, message in (
        ("missing.sse", r"cannot read .*missing.sse: No such file"),
        (".", "it is not a file"),
        ("empty.sse", "empty.sse: it is empty"),
        ("broken.jsonl", "broken.jsonl:2: .*jsn"),
        ("two.jsonl", "two.jsonl: it has 2 responses, and a reply is one"),
        ("withheld.jsonl", "withheld.jsonl: the body .* was not recorded: it is coded"),
        ("long.sse", "long.sse: it is longer than 256 MiB"),
        ("deep.json", "deep.json: it is nested too deeply"),
        ("a\0b", r"cannot read"),
    ):
        with MockOpenAI() as mock, pytest.raises(ReplyError, match=message):
            mock.reply(tmp_path / name)
