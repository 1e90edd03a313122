"""Import of what a model says, without bytes: fixtures of aimock 1.43 and parts of the AI SDK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imported import body_of, error_of, import_text
from openai_mockserver import ApiError, Event, Pause, Reply, ToolCall

WEATHER = ToolCall("get_weather", '{"city":"SF"}', "call_1")


def fixtures(*responses: Any, **members: Any) -> dict[str, Any]:
    entries = [{"match": {"userMessage": "hello"}, "response": one, **members} for one in responses]
    return {"$comment": "x", "fixtures": entries}


def said(exchange: Any) -> Any:
    """Return the text, the reasoning and the calls of an imported reply."""
    reply = exchange.as_reply()
    if isinstance(reply, ApiError):
        return reply
    calls = [(call.name, str(call.arguments)) for call in reply.tool_calls]
    return str(reply.text or ""), str(reply.reasoning or ""), calls, reply.finish_reason


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"content": "Hello é"}, ("Hello é", "", [], "stop")),
        ({"content": {"a": 1}}, ('{"a":1}', "", [], "stop")),
        ({"content": "", "finishReason": "length"}, ("", "", [], "length")),
        ({"content": "Hi", "reasoning": "why"}, ("Hi", "why", [], "stop")),
        (
            {"toolCalls": [{"name": "f", "arguments": {"b": 2}}, {"name": "g", "arguments": "{}"}]},
            ("", "", [("f", '{"b":2}'), ("g", "{}")], "tool_calls"),
        ),
        (
            {"blocks": [{"type": "toolCall", "name": "f", "arguments": {}},
                        {"type": "text", "text": "then"}]},
            ("then", "", [("f", "{}")], "tool_calls"),
        ),
    ],
)  # fmt: skip
def test_a_fixture_of_aimock_becomes_a_stream(tmp_path: Path, response: Any, expected: Any) -> None:
    (exchange,) = import_text(tmp_path, fixtures(response))
    assert said(exchange) == expected
    assert exchange.script.is_stream
    assert exchange.about["description"].endswith(": rendered as a stream of a chat completion")
    assert exchange.about["request"]["json"] == {
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
    }


def test_members_of_the_envelope_and_the_usage(tmp_path: Path) -> None:
    usage = {"input_tokens": 3, "output_tokens": 4}
    response = {"content": "Hi", "id": "c-1", "created": 7, "model": "m-2", "usage": usage}
    (exchange,) = import_text(tmp_path, fixtures(response))
    first = json.loads(exchange.script.events[0].data)
    assert (first["id"], first["created"], first["model"]) == ("c-1", 7, "m-2")
    reply = exchange.as_reply()
    assert isinstance(reply, Reply)
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (3, 4)


def test_the_same_fixture_becomes_the_same_bytes(tmp_path: Path) -> None:
    document = fixtures({"content": "a"}, {"content": "b"})
    first, second = import_text(tmp_path, document)
    assert [first, second] == import_text(tmp_path, document)
    ids = {json.loads(one.script.events[0].data)["id"] for one in (first, second)}
    assert len(ids) == 2


def test_pieces_and_times_of_aimock(tmp_path: Path) -> None:
    (exchange,) = import_text(tmp_path, fixtures({"content": "abcde"}, chunkSize=2, latency=10))
    events = [step for step in exchange.script.steps if isinstance(step, Event)]
    deltas = [json.loads(one.data)["choices"][0]["delta"] for one in events[:-1]]
    assert [delta.get("content") for delta in deltas] == ["", "ab", "cd", "e", None]
    assert exchange.script.steps[::2] == (Pause(0.01),) * len(events)
    timings = {"ttftMs": 200, "interChunkDelaysMs": [100], "totalDurationMs": 800}
    (exchange,) = import_text(tmp_path, fixtures({"content": "a"}, recordedTimings=timings))
    pauses = [step.seconds for step in exchange.script.steps if isinstance(step, Pause)]
    assert exchange.script.head.delay == 0.2
    assert sum(pauses) == pytest.approx(0.6)
    profile = {"ttft": 300, "tps": 10}
    (exchange,) = import_text(tmp_path, fixtures({"content": "a"}, streamingProfile=profile))
    assert (exchange.script.head.delay, exchange.script.steps[0]) == (0.3, Pause(0.1))


def test_errors_embeddings_and_json_of_aimock(tmp_path: Path) -> None:
    error, embedding, raw = import_text(
        tmp_path,
        fixtures(
            {"error": {"message": "slow", "code": "c"}, "status": 429},
            {"embedding": [0.1, 1.0]},
            {"json": {"images": []}, "status": 201},
        ),
    )
    assert json.loads(body_of(error)) == {
        "error": {"message": "slow", "type": "server_error", "param": None, "code": "c"}
    }
    assert error.script.head.status == 429
    assert error.script.head.header("retry-after") == "1"
    assert json.loads(body_of(embedding))["data"][0]["embedding"] == [0.1, 1.0]
    assert (body_of(raw), raw.script.head.status) == (b'{"images":[]}', 201)


def test_an_error_in_a_file_of_aimock_names_the_entry(tmp_path: Path) -> None:
    good = {"content": "a"}
    for wrong, message in [
        ({"live": {}}, "entry 2 is invalid: its response must be a text, tool calls, an error, an"),
        ({"error": {"message": ""}, "status": 1}, "entry 2 is invalid: 1 is not an HTTP status"),
        ({"content": "a", "finishReason": "x"}, "entry 2 is invalid: it"),
        ({"toolCalls": [{}]}, "at `$.fixtures[1].response.toolCalls[0]`"),
    ]:
        assert message in error_of(tmp_path, fixtures(good, wrong))


# The AI SDK

VERSION_1 = [
    {"type": "reasoning", "textDelta": "why"},
    {"type": "text-delta", "textDelta": "Hel"},
    {"type": "text-delta", "textDelta": "lo"},
    {"type": "tool-call-delta", "toolCallId": "c", "toolName": "f", "argsTextDelta": '{"a"'},
    {"type": "tool-call-delta", "toolCallId": "c", "toolName": "f", "argsTextDelta": ":1}"},
    {"type": "tool-call", "toolCallId": "c", "toolName": "f", "args": '{"a":1}'},
    {
        "type": "finish",
        "finishReason": "tool-calls",
        "usage": {"promptTokens": 3, "completionTokens": 4},
    },
]
VERSION_3 = [
    {"type": "stream-start", "warnings": []},
    {"type": "response-metadata", "id": "id-0", "modelId": "mock", "timestamp": "2026-01-01"},
    {"type": "reasoning-start", "id": "r"},
    {"type": "reasoning-delta", "id": "r", "delta": "why"},
    {"type": "reasoning-end", "id": "r"},
    {"type": "text-start", "id": "0"},
    {"type": "text-delta", "id": "0", "delta": "Hello"},
    {"type": "text-end", "id": "0"},
    {"type": "tool-input-start", "id": "c", "toolName": "f"},
    {"type": "tool-input-delta", "id": "c", "delta": '{"a":1}'},
    {"type": "tool-input-end", "id": "c"},
    {"type": "tool-call", "toolCallId": "c", "toolName": "f", "input": '{"a":1}'},
    {
        "type": "finish",
        "finishReason": {"unified": "tool-calls", "raw": "tool_calls"},
        "usage": {"inputTokens": {"total": 3}, "outputTokens": {"total": 4}},
    },
]
UI = [
    {"type": "start", "messageId": "m"},
    {"type": "start-step"},
    {"type": "reasoning-delta", "id": "r", "delta": "why"},
    {"type": "text-delta", "id": "0", "delta": "Hello"},
    {"type": "tool-input-available", "toolCallId": "c", "toolName": "f", "input": {"a": 1}},
    {"type": "data-status", "data": {}},
    {"type": "finish-step"},
    {"type": "finish", "finishReason": "tool-calls", "usage": {"inputTokens": 3}},
]


@pytest.mark.parametrize("parts", [VERSION_1, VERSION_3, UI])
@pytest.mark.parametrize("is_wrapped", [False, True])
def test_parts_of_the_ai_sdk_become_a_stream(
    tmp_path: Path, parts: list[Any], is_wrapped: bool
) -> None:
    times = {"initialDelayInMs": 500, "chunkDelayInMs": 20}
    (exchange,) = import_text(tmp_path, {"chunks": parts, **times} if is_wrapped else parts)
    assert said(exchange) == ("Hello", "why", [("f", '{"a":1}')], "tool_calls")
    reply = exchange.as_reply()
    assert isinstance(reply, Reply)
    assert reply.usage is not None
    assert reply.usage.prompt_tokens == 3
    assert exchange.script.head.delay == (0.5 if is_wrapped else 0)
    assert (Pause(0.02) in exchange.script.steps) is is_wrapped


def test_an_error_among_the_parts_ends_the_stream(tmp_path: Path) -> None:
    parts = [*VERSION_3[:7], {"type": "error", "error": {"message": "overloaded"}}]
    (exchange,) = import_text(tmp_path, parts)
    reply = exchange.as_reply()
    assert isinstance(reply, Reply)
    assert reply.error is not None
    assert (str(reply.text), reply.error.message) == ("Hello", "overloaded")


def test_a_part_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for part, message in [
        ({"type": "file", "mediaType": "a/b", "data": ""}, "part 2 is a 'file', which a chat"),
        ({"type": "text-delta", "id": "0"}, "part 2 is invalid: ValueError('it has no text')"),
        ({"type": "tool-call", "toolCallId": "c"}, "part 2 is invalid: KeyError('args')"),
        ({"type": "tool-call-delta", "toolCallId": "c"}, "part 2 is invalid: ValueError('it has"),
    ]:
        assert message in error_of(tmp_path, [VERSION_3[0], part])


@pytest.mark.parametrize(
    "chunks", [[{"choices": []}, {"choices": []}], ['data: {"choices":[]}\n\n'] * 2]
)
def test_chunks_that_a_stream_is_simulated_with(tmp_path: Path, chunks: list[Any]) -> None:
    times = {"initialDelayInMs": 300, "chunkDelayInMs": 40}
    (exchange,) = import_text(tmp_path, {"chunks": chunks, **times})
    event = Event('{"choices":[]}')
    assert exchange.script.head.delay == 0.3
    steps = [one for one in exchange.script.steps if isinstance(one, Event)]
    assert [json.loads(one.data) for one in steps] == [json.loads(event.data)] * 2
    assert exchange.script.steps[::2] == (Pause(0.04), Pause(0.04))


def test_events_of_openai_are_no_parts(tmp_path: Path) -> None:
    events = [{"type": "response.created", "response": {}}, {"type": "response.completed"}]
    (exchange,) = import_text(tmp_path, events)
    assert exchange.about["description"].startswith("imported from JSON array of chunks")
