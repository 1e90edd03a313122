"""A corpus of streams: of all kinds, always the same, each with its right answer."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver import MockOpenAI, MockServerError, Pause, Reply, api, sse
from openai_mockserver.cassettes import Exchange, dump, dumps, load
from openai_mockserver.corpus import ENDPOINTS, KINDS, corpus
from openai_mockserver.faults import parse
from openai_mockserver.generate import generate
from openai_mockserver.reply.serialization import decode_reply
from openai_mockserver.request import Request
from openai_mockserver.show import draw

TWENTY = list(corpus(20, 7))
each_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS)
HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def replies(exchanges: list[Exchange]) -> list[Reply]:
    """The right answers, as their files have them."""
    heads = [json.loads(dumps(e.script, e.about).split(b"\n")[0]) for e in exchanges]
    return [decode_reply(head["expect"]["reply"]) for head in heads]


def asked(exchange: Exchange) -> dict[str, Any]:
    given: dict[str, Any] = exchange.about["request"]["json"]
    return given


# What is in it


def test_twenty_streams_show_what_there_is() -> None:
    said = replies(TWENTY)
    assert {e.about["name"].partition("-")[2] for e in TWENTY} == set(KINDS)
    assert any(len(reply.choices) > 1 for reply in said)
    assert any(reply.tool_calls for reply in said)
    assert any(reply.logprobs for reply in said)
    assert any(reply.usage for reply in said)
    assert {reply.finish_reason for reply in said} >= {"stop", "length", "tool_calls"}
    assert any("response_format" in asked(exchange) for exchange in TWENTY)
    assert all(exchange.script.is_stream and asked(exchange)["stream"] for exchange in TWENTY)


@each_endpoint
@pytest.mark.parametrize("stream", [True, False])
def test_what_a_stream_says_is_its_right_answer(endpoint: str, stream: bool) -> None:
    exchanges = list(corpus(20, "any", endpoint=endpoint, stream=stream))
    assert [api.read(exchange.script) for exchange in exchanges] == replies(exchanges)
    assert all(exchange.script.is_stream == stream for exchange in exchanges)
    assert not any("error" in exchange.about["expect"] for exchange in exchanges)


def test_what_is_said_is_what_is_generated() -> None:
    exchange = TWENTY[0]
    assert replies([exchange]) == [generate(asked(exchange), 7)]


@each_endpoint
def test_a_mock_of_the_seed_answers_with_the_same_bytes(endpoint: str) -> None:
    path, _ = ENDPOINTS[endpoint]
    mock = MockOpenAI(seed=3, default=lambda call: generate(call.json, 3))
    for exchange in corpus(10, 3, endpoint=endpoint):
        body = json.dumps(asked(exchange), ensure_ascii=False, separators=(",", ":")).encode()
        assert mock.respond(Request("POST", path, body=body)).script == exchange.script


def test_it_is_a_function_of_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    def content(seed: int) -> bytes:
        made = corpus(12, seed, pace="gpt-4o")
        return b"".join(dumps(exchange.script, exchange.about) for exchange in made)

    first = content(1)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert content(1) == first != content(2)


def test_more_streams_begin_as_fewer_do() -> None:
    assert list(corpus(5, 7)) == TWENTY[:5]


# What is asked for


def test_a_request_of_ones_own_is_asked_again_and_again() -> None:
    exchanges = list(corpus(3, request=HELLO, model="o3"))
    assert [asked(e) for e in exchanges] == [{"model": "o3", "stream": True, **HELLO}] * 3
    said = replies(exchanges)
    assert len({str(reply.text) for reply in said}) == 3
    assert said[0] == generate(asked(exchanges[0]), 0)


@pytest.mark.parametrize(
    ("own", "told", "expected"),
    [({}, None, True), ({}, False, False), ({"stream": False}, None, False)],
)
def test_a_request_says_itself_how_it_travels(
    own: dict[str, Any], told: bool | None, expected: bool
) -> None:
    (exchange,) = corpus(1, request=HELLO | own, stream=told)
    assert (asked(exchange)["stream"], exchange.script.is_stream) == (expected, expected)


def test_answers_are_in_the_manner_of_a_dialect() -> None:
    (exchange,) = corpus(1, dialect="azure")
    assert b"prompt_filter_results" in sse.body(exchange.script.steps)


def test_times_are_of_the_pace() -> None:
    (exchange,) = corpus(1, pace="0.5,0.25")
    assert exchange.script.head.delay == 0.5
    assert {step.seconds for step in exchange.script.steps if isinstance(step, Pause)} == {0.25}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("reset; after=3", "connection"),
        ("truncate; after=3", "incomplete"),
        ("stall", "timeout"),
        ("error_event; after=2", "api"),
        ("status; code=503", "api"),
        ("malformed", "malformed"),
        ("single_newlines", "incomplete"),
        ("drop_done", None),
        ("bom", None),
    ],
)
def test_a_fault_is_in_the_right_answer(fault: str, error: str | None) -> None:
    (exchange,) = corpus(1, request=HELLO, faults=parse(fault))
    expected = exchange.about["expect"]
    assert expected.get("error") == error
    whole = generate(asked(exchange), 0)
    (said,) = replies([exchange])
    assert str(said.text or "") in str(whole.text)
    assert (said.finish_reason is None) == (error in ("connection", "incomplete", "timeout", "api"))


@pytest.mark.parametrize("fault", ["encoded; coding=gzip", "bad_chunk_size"])
def test_where_the_right_answer_cannot_be_told_it_is_not(fault: str) -> None:
    (exchange,) = corpus(1, request=HELLO, faults=parse(fault))
    assert "expect" not in exchange.about


# As files


def test_files_are_read_as_they_were_written(tmp_path: Path) -> None:
    dump(tmp_path / "all.jsonl", TWENTY)
    read = load(tmp_path / "all.jsonl")
    assert [exchange.script for exchange in read] == [exchange.script for exchange in TWENTY]
    assert [exchange.about["request"] for exchange in read] == [e.about["request"] for e in TWENTY]


def test_streams_are_drawn() -> None:
    for exchange in TWENTY:
        drawn = draw(exchange)
        assert exchange.about["name"] in drawn
        assert "ends cleanly" in drawn


# What is refused


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"endpoint": "chats"}, "no endpoint is called 'chats'; there are chat, responses, "),
        ({"request": HELLO | {"temprature": 1}}, "refused: Unrecognized request argument supplied"),
        ({"request": {"messages": {1, 2}}}, "the request is no JSON"),
        ({"request": HELLO, "endpoint": "responses"}, "refused: Unknown parameter: 'messages'"),
        ({"dialect": "azur"}, "azur"),
        ({"pace": "warp"}, "unknown pace 'warp'"),
        (
            {"request": HELLO | {"response_format": {"type": "json_schema", "json_schema": {
                "name": "never", "schema": {"type": "string", "enum": []}}}}},
            "no value was found",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_answered_is_one_sentence(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(MockServerError, match=told):
        list(corpus(1, **arguments))


def test_a_whole_stream_of_audio_is_no_incomplete_one() -> None:
    audio = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
    (exchange,) = corpus(1, request=HELLO | audio | {"model": "gpt-4o-audio-preview"})
    expected = exchange.about["expect"]
    assert expected.keys() == {"reply"}
    (said,) = replies([exchange])
    assert said.audio is not None
    assert said == api.read(exchange.script)
    (cut,) = corpus(1, request=HELLO | audio, faults=parse("stop; after=3"))
    assert cut.about["expect"]["error"] == "incomplete"


def test_output_in_an_order_of_its_own_has_a_right_answer() -> None:
    asked = {"input": "Hi", "tools": [{"type": "web_search"}], "tool_choice": "required"}
    exchanges = [
        exchange
        for seed in range(5)
        for exchange in corpus(1, seed, request=asked, endpoint="responses")
    ]
    assert any(reply.choices[0].explicit_output for reply in replies(exchanges))
    for exchange, said in zip(exchanges, replies(exchanges), strict=True):
        assert said == api.read(exchange.script)
