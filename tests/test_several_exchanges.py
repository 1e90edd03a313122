"""Streams of several exchanges, and streams from one's own files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec.json
import openai
import pytest

import openai_mockserver.script
from openai_mockserver import (
    ApiError,
    Head,
    MockOpenAI,
    Raw,
    Reply,
    Request,
    Script,
    Stream,
    StreamFileError,
    Text,
    api,
    catalogue,
    faulty,
    stream,
)
from openai_mockserver.api.chat import PATH
from openai_mockserver.cassettes import dumps
from openai_mockserver.catalogue import Requests, Requirement
from openai_mockserver.faults import drop_done, reset

BUSY = Script(
    Head(429, (("Retry-After-Ms", "1"), ("Content-Type", "text/plain"), ("Content-Length", "4"))),
    (Raw(b"busy"),),
)
SEVERAL = Stream(
    stream("text").script,
    stream("text").reply,
    earlier=(BUSY, Script(BUSY.head, (), "truncate")),
    requests=Requests(1, 3, (0.5,), ({}, {"Last-Event-ID": "1"})),
)
REQUEST: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def collect_text(chunks: Iterable[Any]) -> str:
    """Return the text in the SDK's chunks."""
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def test_exchanges_are_played_in_order_and_then_the_last_again(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(SEVERAL)
    request = Request("POST", PATH, body=msgspec.json.encode({**REQUEST, "stream": True}))
    calls = [mock_openai.respond(request) for _ in range(4)]
    assert [call.script for call in calls] == [*SEVERAL.scripts, SEVERAL.script]


def test_the_next_reply_follows_the_last_exchange(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(SEVERAL, BUSY)
    request = Request("POST", PATH, body=msgspec.json.encode({**REQUEST, "stream": True}))
    calls = [mock_openai.respond(request) for _ in range(4)]
    assert [call.script for call in calls] == [*SEVERAL.scripts, BUSY]


def test_faults_change_the_last_exchange_only(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(faulty(SEVERAL, drop_done()), faults=[reset(after=2)])
    request = Request("POST", PATH, body=msgspec.json.encode({**REQUEST, "stream": True}))
    calls = [mock_openai.respond(request) for _ in range(3)]
    assert [call.script.end for call in calls] == ["finish", "truncate", "reset"]
    assert [call.script for call in calls[:2]] == list(SEVERAL.earlier)


def test_the_sdk_retries_until_the_last_exchange(
    mock_openai: MockOpenAI, openai_client: openai.OpenAI
) -> None:
    mock_openai.reply(SEVERAL)
    client = openai_client.with_options(max_retries=2)
    chunks = client.chat.completions.create(stream=True, **REQUEST)
    assert collect_text(chunks) == SEVERAL.reply.text
    assert [call.status for call in mock_openai.calls] == [429, 429, 200]
    assert [call.attempt for call in mock_openai.calls] == [1, 2, 3]


def test_code_recreates_a_stream_of_several_exchanges() -> None:
    names = {**vars(openai_mockserver.script), **vars(catalogue), "Reply": Reply, "Text": Text}
    assert eval(SEVERAL.code(), names) == SEVERAL
    assert eval(repr(SEVERAL), names) == SEVERAL


def write_stream(path: Path, one: Stream, **about: Any) -> Path:
    """Write the exchanges of a stream into a file; `about` is in the first head line."""
    first, *others = one.scripts
    path.write_bytes(dumps(first, about) + b"".join(map(dumps, others)))
    return path


def test_a_stream_is_read_from_ones_own_file(tmp_path: Path) -> None:
    file = write_stream(
        tmp_path / "own.jsonl",
        SEVERAL,
        name="mine",
        description="My own.",
        citations=["https://example.com"],
        request={"url": "https://api.openai.com/v1/chat/completions", "json": REQUEST},
        requirement={"level": "MAY", "text": "Retry.", "source": "seen at us"},
        expect={
            "reply": {"text": "The answer is 42."},
            "requests": {"most": 3, "gaps": [0.5], "headers": [{}, {"Last-Event-ID": "1"}]},
        },
    )
    one = catalogue.read_stream(file)
    assert one == Stream(
        SEVERAL.script,
        Reply("The answer is 42."),
        None,
        "mine",
        "",
        "My own.",
        ("https://example.com",),
        REQUEST,
        PATH,
        Requirement("MAY", "Retry.", "seen at us"),
        SEVERAL.earlier,
        SEVERAL.requests,
    )
    assert str(one) == "mine"
    assert "name='mine'" in repr(one)  # it is not in the catalogue


ENDS_OF_TEXT: list[tuple[Script, str | None]] = [
    (stream("text").script, None),
    (replace(stream("text").script, end="reset"), None),  # after [DONE]
    (stream("missing-done").script, None),
    (stream("reset").script, "connection"),
    (stream("truncation").script, "incomplete"),
    (stream("silence").script, "timeout"),
    (stream("error-mid-stream").script, "api"),
    (stream("stream-ends-without-any-finish-reason").script, "incomplete"),
    (stream("responses-refusal-delta").script, None),
]


@pytest.mark.parametrize(("script", "error"), ENDS_OF_TEXT)
def test_without_expect_the_right_answer_is_what_is_read(
    script: Script, error: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "own.jsonl"
    file.write_bytes(dumps(script))
    one = catalogue.read_stream(str(file))
    assert (one.name, one.reply, one.error) == ("own", api.read(script), error)


def test_without_expect_an_error_instead_of_a_stream_is_the_right_answer(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    body = b'{"error":{"message":"No.","type":"t","code":"c"}}'
    file.write_bytes(dumps(Script(Head(400), (Raw(body),))))
    one = catalogue.read_stream(file)
    assert (one.reply, one.error) == (Reply(error=ApiError(400, "No.", "t", "c")), "api")


@pytest.mark.parametrize(
    ("script", "expect", "problem"),
    [
        (BUSY, None, "own.jsonl:1: without expect, the response must be readable: "),
        (Script(raw=True), None, "own.jsonl:1: a response of raw bytes needs expect"),
        (BUSY, {"replyy": {}}, "own.jsonl:1: expect.replyy: there is no such key"),
        (BUSY, {"reply": {"txt": ""}}, "own.jsonl:1: expect.reply.txt: there is no such key"),
        (BUSY, {"error": "eror"}, "own.jsonl:1: expect.error: 'eror' must be one of api, "),
        (BUSY, {"requests": {"mots": 1}}, "own.jsonl:1: expect.requests.mots: there is no such"),
        (BUSY, {"requests": {"least": 2, "most": 1}}, "own.jsonl:1: expect.requests: least must"),
        (BUSY, {"requests": {"gaps": [-1]}}, "own.jsonl:1: expect.requests.gaps: a gap must be"),
    ],
)
def test_the_error_for_a_file_that_is_no_stream_says_where(
    script: Script, expect: Any, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "own.jsonl"
    file.write_bytes(dumps(script, {} if expect is None else {"expect": expect}))
    with pytest.raises(StreamFileError) as error:
        catalogue.read_stream(file)
    assert str(error.value).startswith(f"{tmp_path}/{problem}")


def test_an_empty_file_is_no_stream(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_bytes(b"")
    with pytest.raises(StreamFileError, match=r"own\.jsonl: the file is empty"):
        catalogue.read_stream(tmp_path / "own.jsonl")


def test_a_file_that_does_not_exist_is_no_stream(tmp_path: Path) -> None:
    with pytest.raises(StreamFileError, match=r"cannot read .*none\.jsonl: No such file"):
        catalogue.read_stream(tmp_path / "none.jsonl")
