"""Chat completions: rendered as OpenAI sends them, and read back."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from fidelity.replies import replies
from openai_mockserver import sse
from openai_mockserver.api import chat
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import (
    ApiError,
    Choice,
    FunctionCall,
    Logprob,
    Message,
    Reasoning,
    Reply,
    Text,
    ToolCall,
    Usage,
)
from openai_mockserver.script import Event, Head, Script
from properties import examples

STREAM = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
PLAIN = STREAM | {"stream": False}
USAGE = STREAM | {"stream_options": {"include_usage": True}}


def chunks(reply: Reply, request: dict[str, Any] = STREAM) -> list[dict[str, Any]]:
    """Return the JSON of a stream's chunks."""
    *events, last = chat.render(reply, request).events
    assert last == sse.DONE
    return [json.loads(event.data) for event in events]


def deltas(reply: Reply, request: dict[str, Any] = STREAM) -> list[dict[str, Any]]:
    """Return the deltas of a stream's choices."""
    return [choice["delta"] for chunk in chunks(reply, request) for choice in chunk["choices"]]


def pieces(reply: Reply) -> list[object]:
    """Return the pieces of each text of a reply."""
    texts = [getattr(c, name) for c in reply.choices for name in ("text", "reasoning", "refusal")]
    texts += [call.arguments for c in reply.choices for call in c.tool_calls]
    texts += [c.function_call.arguments for c in reply.choices if c.function_call]
    return [text and text.pieces for text in texts]


# Rendering and reading


@given(replies())
def test_reading_what_was_rendered_gives_the_same_reply(reply: Reply) -> None:
    again = chat.read(chat.render(reply))
    assert again == reply
    assert isinstance(again, Reply)
    assert pieces(again) == pieces(reply)


@given(replies(finished=True))
def test_reading_a_rendered_body_gives_the_same_choices_and_usage(reply: Reply) -> None:
    request = PLAIN | {
        "n": len(reply.choices),
        "logprobs": any(choice.logprobs is not None for choice in reply.choices),
        "top_logprobs": 20,
    }
    again = chat.read(chat.render(reply, request))
    assert isinstance(again, Reply)
    if request["logprobs"]:
        again, reply = without_partition(again), without_partition(reply)
    assert again.choices == reply.choices
    assert reply.usage in (None, again.usage)


def without_partition(reply: Reply) -> Reply:
    """Return the reply with flat logprobs: a body does not show which tokens shared a chunk."""
    flat = [
        Choice(
            c.text,
            reasoning=c.reasoning,
            refusal=c.refusal,
            tool_calls=c.tool_calls,
            function_call=c.function_call,
            logprobs=[entry for entries in c.logprobs or () for entry in entries],
            finish_reason=c.finish_reason,
        )
        for c in reply.choices
    ]
    return Reply(choices=flat)


@given(replies())
def test_every_chunk_is_valid_for_the_sdk_in_strict_mode(reply: Reply) -> None:
    for event in chat.render(reply).events:
        if event != sse.DONE and not event.data.startswith('{"error"'):
            ChatCompletionChunk.model_validate_json(event.data, strict=True)


@given(replies(finished=True))
def test_every_body_is_valid_for_the_sdk_in_strict_mode(reply: Reply) -> None:
    script = chat.render(reply, PLAIN | {"n": len(reply.choices)})
    ChatCompletion.model_validate_json(sse.body(script.steps), strict=True)


@given(replies())
def test_obfuscation_pads_every_chunk_to_a_multiple_of_16_characters(reply: Reply) -> None:
    """WIRE.md §2."""
    for event in chat.render(reply).events:
        if event != sse.DONE and not event.data.startswith('{"error"'):
            without, padding = re.fullmatch(
                r'(.*),"obfuscation":"([A-Za-z0-9]{0,15})"}', event.data, re.DOTALL
            ).groups()  # type: ignore[union-attr]
            assert (len(without) + 1 + len(padding)) % 16 == 0


# What OpenAI sends by default


def test_a_stream_of_text() -> None:
    """WIRE.md §1: a role chunk, a chunk for each piece, an empty delta with the finish reason."""
    assert deltas(Reply("Hello, world")) == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hello"},
        {"content": ","},
        {"content": " world"},
        {},
    ]


def test_members_are_in_openais_order() -> None:
    envelope = Envelope("chatcmpl-1", 1770674929, "gpt-4o-2024-08-06", "fp_ad98c18a04")
    script = chat.render(Reply("One"), USAGE, envelope=envelope, rng=Random(1))
    data = [re.sub('"obfuscation":"[^"]*"', '"obfuscation":"…"', e.data) for e in script.events]
    start = (
        '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1770674929,'
        '"model":"gpt-4o-2024-08-06","service_tier":"default",'
        '"system_fingerprint":"fp_ad98c18a04","choices":['
    )
    assert data == [
        start + '{"index":0,"delta":{"role":"assistant","content":"","refusal":null},'
        '"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"…"}',
        start + '{"index":0,"delta":{"content":"One"},'
        '"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"…"}',
        start + '{"index":0,"delta":{},'
        '"logprobs":null,"finish_reason":"stop"}],"usage":null,"obfuscation":"…"}',
        start + '],"usage":{"prompt_tokens":8,"completion_tokens":1,"total_tokens":9,'
        '"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},'
        '"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,'
        '"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"obfuscation":"…"}',
        "[DONE]",
    ]


def test_every_chunk_has_the_same_time_and_id_in_openais_format() -> None:
    first, *others = chunks(Reply("Hello, world"))
    assert {(c["id"], c["created"]) for c in others} == {(first["id"], first["created"])}
    assert re.fullmatch("chatcmpl-[0-9A-Za-z]{29}", first["id"])
    assert chunks(Reply("Hello, world"))[0]["id"] != first["id"]


@pytest.mark.parametrize(
    ("model", "snapshot", "has_fingerprint", "has_logprobs"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True, True),
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18", True, True),
        ("gpt-5-mini", "gpt-5-mini-2025-08-07", False, False),
        ("o4-mini-2025-04-16", "o4-mini-2025-04-16", False, False),
        ("my-model", "my-model", True, True),
    ],
)
def test_a_response_names_the_snapshot_of_the_model(
    model: str, snapshot: str, has_fingerprint: bool, has_logprobs: bool
) -> None:
    """WIRE.md §0.9, §1: reasoning models have neither a fingerprint nor the logprobs key."""
    chunk = chunks(Reply("a"), STREAM | {"model": model})[0]
    assert chunk["model"] == snapshot
    assert (
        bool(re.fullmatch("fp_[0-9a-f]{10}", chunk["system_fingerprint"] or "")) is has_fingerprint
    )
    assert ("logprobs" in chunk["choices"][0]) is has_logprobs
    assert chunk["service_tier"] == "default"


def test_usage_is_sent_only_if_requested() -> None:
    assert all("usage" not in chunk for chunk in chunks(Reply("a", usage=Usage(1, 2))))
    *others, last = chunks(Reply("a", usage=Usage(1, 2)), USAGE)
    assert [chunk["usage"] for chunk in others] == [None] * len(others)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 3


def test_obfuscation_can_be_turned_off() -> None:
    request = STREAM | {"stream_options": {"include_obfuscation": False}}
    assert all("obfuscation" not in chunk for chunk in chunks(Reply("a b c"), request))


def test_a_stream_has_openais_headers_in_openais_order() -> None:
    """WIRE.md §4."""
    headers = chat.render(Reply("a"), STREAM).head.headers
    assert [name for name, _ in headers] == [
        "Date",
        "Content-Type",
        "Transfer-Encoding",
        "Connection",
        "access-control-expose-headers",
        "openai-organization",
        "openai-processing-ms",
        "openai-project",
        "openai-version",
        "x-ratelimit-limit-requests",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-requests",
        "x-ratelimit-reset-tokens",
        "x-request-id",
        "x-openai-proxy-wasm",
        "cf-cache-status",
        "set-cookie",
        "set-cookie",
        "strict-transport-security",
        "x-content-type-options",
        "Server",
        "CF-RAY",
        "alt-svc",
    ]
    assert dict(headers)["Content-Type"] == "text/event-stream; charset=utf-8"


# Kinds of content


def test_a_single_tool_call_begins_in_the_first_chunk() -> None:
    call = ToolCall("get_weather", {"city": "New York"}, "call_1")
    header = {"name": "get_weather", "arguments": ""}
    first = {"index": 0, "id": "call_1", "type": "function", "function": header}
    opening, *others, _ = deltas(Reply(tool_calls=call))
    assert opening == {
        "role": "assistant",
        "content": None,
        "tool_calls": [first],
        "refusal": None,
    }
    fragments = [d["tool_calls"][0]["function"]["arguments"] for d in others]
    assert fragments == ['{"', "city", '":"', "New", " York", '"}']


def test_parallel_tool_calls_have_their_own_chunks_with_usage_before_choices() -> None:
    reply = Reply(tool_calls=[ToolCall("a", {"x": 1}, "1"), ToolCall("b", {}, "2")])
    opening, *others, _ = deltas(reply)
    assert opening == {"role": "assistant", "content": None}
    assert [d["tool_calls"][0]["index"] for d in others] == [0, 0, 0, 1, 1]
    assert [d["tool_calls"][0].get("id") for d in others] == ["1", None, None, "2", None]
    keys = [list(chunk) for chunk in chunks(reply, USAGE)]
    assert all(k.index("usage") < k.index("choices") for k in keys[:-2])
    assert all(k.index("usage") > k.index("choices") for k in keys[-2:])


def test_a_refusal_has_refusal_deltas() -> None:
    assert deltas(Reply(refusal="I can't")) == [
        {"role": "assistant", "content": None, "refusal": ""},
        {"refusal": "I"},
        {"refusal": " can"},
        {"refusal": "'"},
        {"refusal": "t"},
        {},
    ]


def test_reasoning_comes_before_the_text() -> None:
    keys = [list(d) for d in deltas(Reply("a", reasoning="b c"))]
    assert keys == [
        ["role", "content", "reasoning_content", "refusal"],
        ["reasoning_content"],
        ["reasoning_content"],
        ["content"],
        [],
    ]


def test_a_legacy_function_call() -> None:
    opening, *others = deltas(Reply(function_call=FunctionCall("f", ["{", "}"])))
    assert opening["function_call"] == {"name": "f", "arguments": ""}
    assert others == [
        {"function_call": {"arguments": "{"}},
        {"function_call": {"arguments": "}"}},
        {},
    ]
    assert chunks(Reply(function_call=FunctionCall("f")))[-1]["choices"][0]["finish_reason"] == (
        "function_call"
    )


def test_several_choices_are_interleaved() -> None:
    """WIRE.md §1, n > 1: two chunks of each choice, the others round robin, then the finishes."""
    reply = Reply(choices=[Choice(["a", "b", "c"]), Choice(["d"]), Choice(["e", "f"])])
    choices = [choice for c in chunks(reply, STREAM | {"n": 3}) for choice in c["choices"]]
    assert [c["index"] for c in choices] == [0, 0, 1, 1, 2, 2, 0, 2, 0, 0, 1, 2]
    assert [c["finish_reason"] for c in choices[-3:]] == ["stop"] * 3


def test_a_single_choice_is_repeated_n_times() -> None:
    reply = chat.read(chat.render(Reply("a"), PLAIN | {"n": 3}))
    assert isinstance(reply, Reply)
    assert [c.text for c in reply.choices] == ["a", "a", "a"]


def test_a_number_of_choices_other_than_n_is_an_error() -> None:
    with pytest.raises(ReplyError, match="the reply has 2 choices, but the request asks for n=1"):
        chat.render(Reply(choices=[Choice("a"), Choice("b")]), STREAM)


def test_logprobs_are_sent_if_requested() -> None:
    reply = Reply("Hi you", logprobs=[Logprob("Hi", -0.5), Logprob(" you", -1e-06)])
    logprobs = [c["choices"][0]["logprobs"] for c in chunks(reply, STREAM | {"logprobs": True})]
    entry = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    assert logprobs[0] == {"content": [], "refusal": None}
    assert logprobs[1] == {"content": [entry], "refusal": None}
    assert logprobs[-1] is None
    assert '"logprob":-1e-6' in chat.render(reply, STREAM | {"logprobs": True}).events[2].data
    assert all(c["choices"][0]["logprobs"] is None for c in chunks(reply))


def test_logprobs_are_generated_if_the_reply_has_none() -> None:
    request = STREAM | {"logprobs": True, "top_logprobs": 2}
    (entry,) = chunks(Reply("Hi"), request)[1]["choices"][0]["logprobs"]["content"]
    assert entry["token"] == "Hi"
    assert entry["logprob"] < 0
    assert len(entry["top_logprobs"]) == 2


@pytest.mark.parametrize(
    "reason", ["stop", "length", "tool_calls", "content_filter", "function_call"]
)
def test_every_finish_reason(reason: str) -> None:
    last = chunks(Reply("a", finish_reason=reason))[-1]["choices"][0]
    assert (last["delta"], last["finish_reason"]) == ({}, reason)


def test_a_reply_without_a_finish_reason_can_only_be_streamed() -> None:
    reply = Reply("a", finish_reason=None)
    assert [c["choices"][0]["finish_reason"] for c in chunks(reply)] == [None, None]
    with pytest.raises(ReplyError, match="can only be streamed"):
        chat.render(reply, PLAIN)


def test_an_error_ends_the_stream() -> None:
    events = chat.render(Reply("a", error=ApiError(429, "slow down")), STREAM).events
    assert json.loads(events[-1].data) == {
        "error": {
            "message": "slow down",
            "type": "requests",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    }
    assert len(events) == 3


@pytest.mark.parametrize("dialect", [None, "azure", "openrouter"])
def test_an_error_alone_is_the_only_event(dialect: str | None) -> None:
    reply = Reply(error=ApiError(503, "overloaded"), alone=True)
    script = chat.render(reply, STREAM, dialect=dialect)
    (event,) = sse.decode(sse.body(script.steps))
    assert json.loads(event.data)["error"]["message"] == "overloaded"
    assert script.head.status == 200
    again = chat.read(script)
    assert isinstance(again, Reply)
    assert again.is_only_error


MIXED = Reply(
    output=[
        ToolCall("f", {"x": 1}),
        "Hello, world",
        Reasoning(["Hm.", "So."]),
        ToolCall("g"),
        Message("Bye."),
    ]
)
GROUPS = {"tool_calls": "c", "content": "t", "reasoning_content": "r", "reasoning": "r"}


def list_groups(script: Script) -> str:
    """Return a letter for each chunk with content, and one for each run of the same letter."""
    letters = ""
    for event in sse.decode(sse.body(script.steps))[:-1]:
        for choice in json.loads(event.data)["choices"]:
            delta = choice.get("delta") or {}
            letters += "".join(letter for name, letter in GROUPS.items() if delta.get(name))
    return re.sub(r"(.)\1+", r"\1", letters)


@pytest.mark.parametrize("dialect", [None, "azure", "groq", "deepseek"])
def test_the_output_is_streamed_in_its_order(dialect: str | None) -> None:
    script = chat.render(MIXED, STREAM, dialect=dialect)
    assert list_groups(script) == "ctrct"
    again = chat.read(script)
    assert isinstance(again, Reply)
    assert again.text == MIXED.text == "Hello, worldBye."
    assert again.reasoning == MIXED.reasoning == "Hm.\n\nSo."
    assert again.tool_calls == MIXED.tool_calls


def test_a_call_before_text_stays_before_it_if_its_id_is_taken() -> None:
    reply = Reply(output=[ToolCall("f"), "Hello"])
    message = {"role": "assistant", "tool_calls": [{"id": reply.tool_calls[0].id}]}
    script = chat.render(reply, STREAM | {"messages": [message]})
    assert list_groups(script) == "ct"
    assert chat.read(script) != chat.read(chat.render(reply))


# Limits of the request


def cut(reply: Reply, **parameters: object) -> Reply:
    """Return the reply as read from a stream, and check that a JSON body gives the same."""
    from_stream = chat.read(chat.render(reply, USAGE | parameters))
    from_body = chat.read(chat.render(reply, PLAIN | parameters))
    assert isinstance(from_stream, Reply)
    assert isinstance(from_body, Reply)
    assert from_body.choices == from_stream.choices
    assert from_body.usage == from_stream.usage
    return from_stream


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_max_tokens(limit: str) -> None:
    reply = cut(Reply("one two three four", usage=Usage(5, 99)), **{limit: 2})
    assert (reply.text, reply.finish_reason) == ("one two", "length")
    assert reply.usage == Usage(5, 2)
    whole = cut(Reply("one two three four", usage=Usage(5, 99)), **{limit: 4})
    assert (whole.finish_reason, whole.usage) == ("stop", Usage(5, 99))


def test_max_tokens_counts_reasoning_and_arguments() -> None:
    reply = Reply("a", reasoning="b c", tool_calls=ToolCall("f", ["{", "}"], "1"))
    assert cut(reply, max_tokens=0).tool_calls == ()
    assert cut(reply, max_tokens=1).text == ""
    assert cut(reply, max_tokens=4).tool_calls == (ToolCall("f", "{", "1"),)
    assert cut(reply, max_tokens=5).finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("stop", "text", "finish"),
    [
        (" th", "one two", "stop"),
        (["x", "o"], "", "stop"),
        (["four", "two"], "one ", "stop"),
        ("zzz", "one two three four", "length"),
        ("", "one two three four", "length"),
        (None, "one two three four", "length"),
    ],
)
def test_stop(stop: object, text: str, finish: str) -> None:
    reply = cut(Reply("one two three four", finish_reason="length"), stop=stop)
    assert (reply.text, reply.finish_reason) == (text, finish)


def test_stop_drops_the_tool_calls_after_the_text() -> None:
    reply = cut(Reply("one. two", tool_calls=ToolCall("f")), stop=".")
    assert (reply.text, reply.tool_calls, reply.finish_reason) == ("one", (), "stop")


def test_a_derived_id_is_not_used_twice_in_a_conversation() -> None:
    call = ToolCall("poll")
    turn = {"role": "assistant", "tool_calls": [{"id": call.id, "type": "function"}]}
    request = STREAM | {"messages": [turn]}
    (again,) = chat.read(chat.render(Reply(tool_calls=call), request)).tool_calls  # type: ignore[union-attr]
    assert again.id != call.id
    with_id = ToolCall("poll", id=call.id + "x")
    (again,) = chat.read(chat.render(Reply(tool_calls=with_id), request)).tool_calls  # type: ignore[union-attr]
    assert again.id == with_id.id


# Reading the responses of other servers


def stream_of(*chunks: dict[str, Any] | str) -> Script:
    """Return a stream of these chunks."""
    head = Head(200, (("content-type", "text/event-stream"),))
    data = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
    return Script(head, tuple(map(Event, data)))


def delta(**members: Any) -> dict[str, Any]:
    """Return a chunk with this delta."""
    return {"choices": [{"index": 0, "delta": members}]}


def test_data_that_is_not_a_json_object_is_skipped() -> None:
    script = stream_of('{"choices":', "null", delta(content="a"), "[DONE]", delta(content="b"))
    assert chat.read(script) == Reply("a", finish_reason=None)


def test_tool_calls_without_index_or_with_the_whole_arguments() -> None:
    def call(id_: str, name: str, arguments: str) -> dict[str, Any]:
        return {"id": id_, "function": {"name": name, "arguments": arguments}}

    script = stream_of(
        delta(tool_calls=[call("1", "a", '{"x":'), call("2", "b", "{}")]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}]),
    )
    assert [c.name for c in chat.read(script).tool_calls][:2] == ["a", "b"]  # type: ignore[union-attr]


def test_reasoning_is_read_from_other_members_too() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "a"},
    ]
    assert chat.read(stream_of(delta(content=parts))) == Reply(
        "a", reasoning="hm", finish_reason=None
    )
    assert chat.read(stream_of(delta(reasoning="hm"))) == Reply(reasoning="hm", finish_reason=None)


def test_reading_something_other_than_a_completion_is_an_error() -> None:
    from openai_mockserver.script import Raw

    with pytest.raises(ReplyError, match="neither an event stream nor JSON"):
        chat.read(Script(Head(200), (Raw(b"<html>"),)))
    with pytest.raises(ReplyError, match="has no choices"):
        chat.read(Script(Head(200), (Raw(b"{}"),)))


def test_text_keeps_its_pieces() -> None:
    assert Text(["a", "b"]).pieces == ("a", "b")


@settings(max_examples=examples(20))
@given(replies())
def test_rendering_is_a_function_of_its_arguments(reply: Reply) -> None:
    envelope = Envelope("chatcmpl-1", 1, "gpt-4o")
    one, two = (chat.render(reply, envelope=envelope, rng=Random(7)).steps for _ in range(2))
    assert one == two


# Custom tools


@pytest.mark.parametrize("stream", [True, False])
def test_calls_of_custom_tools_are_sent_and_read_back(stream: bool) -> None:
    reply = Reply(tool_calls=[ToolCall("sql", "SELECT 1", custom=True), ToolCall("f", {"a": 1})])
    script = chat.render(reply, STREAM | {"stream": stream})
    again = chat.read(script)
    assert isinstance(again, Reply)
    assert again.tool_calls == reply.tool_calls
    body = sse.body(script.steps).decode()
    assert '"type":"custom","custom":{"name":"sql","input":' in re.sub(
        r"\s*\n\s*|(?<=:) ", "", body
    )
