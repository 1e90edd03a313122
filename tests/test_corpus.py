"""A corpus of streams: of all kinds, reproducible, each with its right answer."""

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
    """Return the right answers as the files have them."""
    heads = [json.loads(dumps(e.script, e.about).split(b"\n")[0]) for e in exchanges]
    return [decode_reply(head["expect"]["reply"]) for head in heads]


def get_payload(exchange: Exchange) -> dict[str, Any]:
    payload: dict[str, Any] = exchange.about["request"]["json"]
    return payload


# The content


def test_twenty_streams_have_every_kind_of_content() -> None:
    right_answers = replies(TWENTY)
    assert {e.about["name"].partition("-")[2] for e in TWENTY} == set(KINDS)
    assert any(len(reply.choices) > 1 for reply in right_answers)
    assert any(reply.tool_calls for reply in right_answers)
    assert any(reply.logprobs for reply in right_answers)
    assert any(reply.usage for reply in right_answers)
    assert {reply.finish_reason for reply in right_answers} >= {"stop", "length", "tool_calls"}
    assert any("response_format" in get_payload(exchange) for exchange in TWENTY)
    assert all(exchange.script.is_stream and get_payload(exchange)["stream"] for exchange in TWENTY)


@each_endpoint
@pytest.mark.parametrize("stream", [True, False])
def test_the_content_of_a_stream_is_its_right_answer(endpoint: str, stream: bool) -> None:
    exchanges = list(corpus(20, "any", endpoint=endpoint, stream=stream))
    assert [api.read(exchange.script) for exchange in exchanges] == replies(exchanges)
    assert all(exchange.script.is_stream == stream for exchange in exchanges)
    assert not any("error" in exchange.about["expect"] for exchange in exchanges)


def test_a_reply_is_the_generated_one() -> None:
    exchange = TWENTY[0]
    assert replies([exchange]) == [generate(get_payload(exchange), 7)]


@each_endpoint
def test_a_mock_with_the_seed_answers_with_the_same_bytes(endpoint: str) -> None:
    path, _ = ENDPOINTS[endpoint]
    mock = MockOpenAI(seed=3, default=lambda call: generate(call.json, 3))
    for exchange in corpus(10, 3, endpoint=endpoint):
        body = json.dumps(get_payload(exchange), ensure_ascii=False, separators=(",", ":")).encode()
        assert mock.respond(Request("POST", path, body=body)).script == exchange.script


def test_a_corpus_depends_on_its_arguments_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def content(seed: int) -> bytes:
        exchanges = corpus(12, seed, pace="gpt-4o")
        return b"".join(dumps(exchange.script, exchange.about) for exchange in exchanges)

    first = content(1)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert content(1) == first != content(2)


def test_a_longer_corpus_begins_with_the_shorter_one() -> None:
    assert list(corpus(5, 7)) == TWENTY[:5]


# Arguments


def test_a_request_of_the_user_is_repeated_with_other_answers() -> None:
    exchanges = list(corpus(3, request=HELLO, model="o3"))
    assert [get_payload(e) for e in exchanges] == [{"model": "o3", "stream": True, **HELLO}] * 3
    answers = replies(exchanges)
    assert len({str(reply.text) for reply in answers}) == 3
    assert answers[0] == generate(get_payload(exchanges[0]), 0)


@pytest.mark.parametrize(
    ("fields", "stream", "is_stream"),
    [({}, None, True), ({}, False, False), ({"stream": False}, None, False)],
)
def test_a_request_may_ask_for_a_stream_itself(
    fields: dict[str, Any], stream: bool | None, is_stream: bool
) -> None:
    (exchange,) = corpus(1, request=HELLO | fields, stream=stream)
    assert (get_payload(exchange)["stream"], exchange.script.is_stream) == (is_stream, is_stream)


def test_answers_have_the_dialect() -> None:
    (exchange,) = corpus(1, dialect="azure")
    assert b"prompt_filter_results" in sse.body(exchange.script.steps)


def test_events_have_the_times_of_the_pace() -> None:
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
    right_answer = exchange.about["expect"]
    assert right_answer.get("error") == error
    complete = generate(get_payload(exchange), 0)
    (reply,) = replies([exchange])
    assert str(reply.text or "") in str(complete.text)
    assert (reply.finish_reason is None) == (
        error in ("connection", "incomplete", "timeout", "api")
    )


@pytest.mark.parametrize("fault", ["encoded; coding=gzip", "bad_chunk_size"])
def test_an_exchange_may_have_no_right_answer(fault: str) -> None:
    (exchange,) = corpus(1, request=HELLO, faults=parse(fault))
    assert "expect" not in exchange.about


# As files


def test_files_are_read_back_equal(tmp_path: Path) -> None:
    dump(tmp_path / "all.jsonl", TWENTY)
    read = load(tmp_path / "all.jsonl")
    assert [exchange.script for exchange in read] == [exchange.script for exchange in TWENTY]
    assert [exchange.about["request"] for exchange in read] == [e.about["request"] for e in TWENTY]


def test_streams_are_drawn() -> None:
    for exchange in TWENTY:
        drawing = draw(exchange).plain
        assert exchange.about["name"] in drawing
        assert "ends cleanly" in drawing


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"endpoint": "chats"}, "no endpoint is called 'chats'; choose from chat, responses, "),
        ({"request": HELLO | {"temprature": 1}}, "refused: Unrecognized request argument supplied"),
        ({"request": {"messages": {1, 2}}}, "the request is not JSON"),
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
def test_errors_are_one_sentence(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(MockServerError, match=message):
        list(corpus(1, **arguments))


def test_a_complete_audio_stream_does_not_count_as_incomplete() -> None:
    audio = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
    (exchange,) = corpus(1, request=HELLO | audio | {"model": "gpt-4o-audio-preview"})
    right_answer = exchange.about["expect"]
    assert right_answer.keys() == {"reply"}
    (reply,) = replies([exchange])
    assert reply.audio is not None
    assert reply == api.read(exchange.script)
    (incomplete,) = corpus(1, request=HELLO | audio, faults=parse("stop; after=3"))
    assert incomplete.about["expect"]["error"] == "incomplete"


def test_output_in_any_order_has_a_right_answer() -> None:
    payload = {"input": "Hi", "tools": [{"type": "web_search"}], "tool_choice": "required"}
    exchanges = [
        exchange
        for seed in range(5)
        for exchange in corpus(1, seed, request=payload, endpoint="responses")
    ]
    assert any(reply.choices[0].explicit_output for reply in replies(exchanges))
    for exchange, reply in zip(exchanges, replies(exchanges), strict=True):
        assert reply == api.read(exchange.script)
