"""The Responses API: events as OpenAI sends them, and reading them back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from fidelity.replies import outputs
from openai_mockserver import MockOpenAI, items, sse, stream
from openai_mockserver.api import responses
from openai_mockserver.api.responses import renderer
from openai_mockserver.dialects.providers.openai import RESPONSES
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.faults import error_event, keepalive
from openai_mockserver.reply import (
    ApiError,
    Choice,
    FunctionCall,
    Item,
    Message,
    Output,
    Reasoning,
    Reply,
    ToolCall,
    Usage,
)
from openai_mockserver.script import Script

STREAM: dict[str, Any] = {"model": "gpt-4o", "stream": True, "input": "Hi"}
PLAIN = STREAM | {"stream": False}
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def read_events(script: Script) -> list[dict[str, Any]]:
    """Return the JSON of a stream's events."""
    return [json.loads(event.data) for event in script.events]


def list_types(reply: Reply, request: dict[str, Any] = STREAM) -> list[str]:
    """Return the types of a stream's events, without the opening and repeated deltas."""
    names = [
        e["type"].removeprefix("response.") for e in read_events(responses.render(reply, request))
    ]
    assert names[:2] == ["created", "in_progress"]
    return [name for previous, name in pairwise(names[1:]) if previous != name]


def read_body(reply: Reply, request: dict[str, Any] = PLAIN) -> dict[str, Any]:
    """Return the JSON of a body."""
    fields: dict[str, Any] = json.loads(sse.body(responses.render(reply, request).steps))
    return fields


# Round trips


@given(outputs(), st.sampled_from(["auto", "length", "content_filter"]))
def test_read_is_the_inverse_of_render(output: list[Output], finish_reason: str) -> None:
    reply = Reply(output=output, finish_reason=finish_reason, usage=Usage(1, 2, 5, 1, 0, 1))
    assert responses.read(responses.render(reply)) == reply
    logprobs = [renderer.LOGPROBS] if reply.logprobs is not None else []
    request = PLAIN | {"include": [*logprobs, *renderer.INCLUDED], "top_logprobs": 20}
    assert responses.read(responses.render(reply, request)) == merge_pieces(reply)


def merge_pieces(reply: Reply) -> Reply:
    """Return what a JSON body can express: no pieces, and no partial images."""
    (choice,) = reply.choices
    output = [merge_item(item) for item in choice.output]
    return Reply(output=output, finish_reason=choice.finish_reason, usage=reply.usage)


def merge_item(item: Output) -> Output:
    """Return the item as a JSON body gives it."""
    if isinstance(item, Item):
        return Item(item.type, {k: v for k, v in item.members.items() if k != "partial_images"})
    if not isinstance(item, Message) or item.text is None:
        return item
    return Message(
        str(item.text),
        annotations=[annotation.members for annotation in item.annotations],
        phase=item.phase,
        logprobs=item.logprobs,
    )


@given(outputs())
def test_a_truncated_stream_gives_the_text_so_far(output: list[Output]) -> None:
    reply = Reply(output=output, finish_reason=None)
    again = responses.read(responses.render(reply))
    assert isinstance(again, Reply)
    assert (again.text or "", again.finish_reason) == (reply.text or "", None)
    assert again.tool_calls == reply.tool_calls


@pytest.mark.openai3("has narrower types of events")
@given(outputs())
def test_every_event_is_valid_for_the_sdk_in_strict_mode(output: list[Output]) -> None:
    for event in responses.render(Reply(output=output)).events:
        EVENT.validate_json(event.data, strict=True)


@given(outputs())
def test_every_body_is_valid_for_the_sdk_in_strict_mode(output: list[Output]) -> None:
    Response.model_validate(read_body(Reply(output=output)), strict=True)


@given(outputs())
def test_sequence_numbers_have_no_gap_and_names_are_types(output: list[Output]) -> None:
    script = responses.render(Reply(output=output))
    assert [e["sequence_number"] for e in read_events(script)] == list(range(len(script.events)))
    assert [e["type"] for e in read_events(script)] == [event.event for event in script.events]
    assert "[DONE]" not in [event.data for event in script.events]


@given(outputs())
def test_deltas_are_padded_to_a_multiple_of_16_characters(output: list[Output]) -> None:
    """WIRE.md §2; a refusal's are not."""
    for event in read_events(responses.render(Reply(output=output))):
        if event["type"].endswith(".delta") and not event["type"].startswith(BARE):
            assert (len(event["delta"]) + len(event["obfuscation"])) % 16 == 0
        else:
            assert "obfuscation" not in event


BARE = ("response.refusal", "response.reasoning_text")


# The order of events (WIRE.md §3)

TEXT = [
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
]
CALL = [
    "output_item.added",
    "function_call_arguments.delta",
    "function_call_arguments.done",
    "output_item.done",
]
SUMMARY = [
    "output_item.added",
    "reasoning_summary_part.added",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.done",
    "reasoning_summary_part.done",
    "output_item.done",
]


def with_events(*names: str) -> list[str]:
    """Return the events of an item that has these between its first and last."""
    return ["output_item.added", *names, "output_item.done"]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply("Hello there"), [*TEXT, "completed"]),
        (Reply(["All", " of", " this"], finish_reason="length"), [*TEXT, "incomplete"]),
        (Reply(tool_calls=[ToolCall("a", {"x": 1}), ToolCall("b", {"y": 2})]), [*CALL, *CALL]),
        (Reply("Hi", reasoning="First, think"), [*SUMMARY, *TEXT]),
        (Reply(output=[Reasoning(), "Hi"]), [*with_events(), *TEXT]),
        (
            Reply(refusal="I cannot."),
            [t.replace("output_text", "refusal") for t in TEXT],
        ),
        (
            Reply(tool_calls=ToolCall("sql", "SELECT 1", custom=True)),
            with_events("custom_tool_call_input.delta", "custom_tool_call_input.done"),
        ),
        (
            Reply(output=[items.web_search("a")]),
            with_events(
                *(f"web_search_call.{s}" for s in ("in_progress", "searching", "completed"))
            ),
        ),
        (
            Reply(output=[items.file_search("a")]),
            with_events(
                *(f"file_search_call.{s}" for s in ("in_progress", "searching", "completed"))
            ),
        ),
        (
            Reply(output=[items.code_interpreter("print(1)", logs="1")]),
            with_events(
                "code_interpreter_call.in_progress",
                "code_interpreter_call_code.delta",
                "code_interpreter_call_code.done",
                "code_interpreter_call.interpreting",
                "code_interpreter_call.completed",
            ),
        ),
        (
            Reply(output=[items.mcp_list_tools("dice", [{"name": "roll"}])]),
            with_events("mcp_list_tools.in_progress", "mcp_list_tools.completed"),
        ),
        (
            Reply(output=[items.mcp_call("dice", "roll", {"n": 2}, "7")]),
            with_events(
                "mcp_call.in_progress",
                "mcp_call_arguments.delta",
                "mcp_call_arguments.done",
                "mcp_call.completed",
            ),
        ),
        (
            Reply(output=[items.mcp_call("dice", "roll", error={"type": "mcp_protocol_error"})]),
            with_events(
                "mcp_call.in_progress",
                "mcp_call_arguments.delta",
                "mcp_call_arguments.done",
                "mcp_call.failed",
            ),
        ),
        (
            Reply(output=[items.image_generation("aGk=", partial=["aA=="])]),
            with_events(
                "image_generation_call.in_progress",
                "image_generation_call.generating",
                "image_generation_call.partial_image",
                "image_generation_call.completed",
            ),
        ),
        (Reply(output=[Item("shell_call", {"call_id": "c", "action": {}})]), with_events()),
    ],
)
def test_the_events_of_an_item(reply: Reply, expected: list[str]) -> None:
    event_types = list_types(reply)
    assert event_types[: len(expected)] == expected
    assert event_types[-1] in ("completed", "incomplete")


def test_annotations_follow_the_delta_that_they_cite() -> None:
    annotation = {
        "type": "url_citation",
        "url": "u",
        "title": "t",
        "start_index": 0,
        "end_index": 2,
    }
    values = read_events(
        responses.render(Reply(output=[Message("One two", annotations=[annotation])]), STREAM)
    )
    (index,) = (n for n, event in enumerate(values) if event["type"].endswith("annotation.added"))
    assert values[index - 1]["delta"] == " two"
    assert values[index]["annotation"] == annotation
    assert values[-1]["response"]["output"][0]["content"][0]["annotations"] == [annotation]


# The response object


def test_a_response_echoes_its_request() -> None:
    request = PLAIN | {
        "temperature": 0,
        "instructions": "Be brief.",
        "metadata": {"a": "b"},
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "tool_choice": {"type": "function", "name": "f"},
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
    }
    response = read_body(Reply("Hi"), request)
    assert response["temperature"] == 0.0
    assert response["instructions"] == "Be brief."
    assert response["metadata"] == {"a": "b"}
    assert response["tools"][0]["strict"] is True
    assert response["tool_choice"] == request["tool_choice"]
    assert response["reasoning"] == {"effort": "low", "summary": None}
    assert response["text"]["verbosity"] == "medium"
    assert response["model"] == "gpt-4o-2024-08-06"


def test_three_events_hold_the_response_and_only_the_last_has_usage() -> None:
    objects = [
        e["response"] for e in read_events(responses.render(Reply("Hi"), STREAM)) if "response" in e
    ]
    assert [r["status"] for r in objects] == ["in_progress", "in_progress", "completed"]
    assert [r["service_tier"] for r in objects] == ["auto", "auto", "default"]
    assert objects[0]["usage"] is None
    assert objects[2]["usage"] == {
        "input_tokens": 8,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 9,
    }


def test_ids_look_like_openais_and_share_a_prefix() -> None:
    """WIRE.md §1: a prefix and 50 hexadecimal digits."""
    response = read_body(Reply("Hi", reasoning="Hm", tool_calls=ToolCall("f")))
    ids = [response["id"], *(item["id"] for item in response["output"])]
    assert [id.partition("_")[0] for id in ids] == ["resp", "rs", "msg", "fc"]
    assert all(re.fullmatch("[a-z]+_[0-9a-f]{50}", id) for id in ids)
    assert len({id.partition("_")[2][:18] for id in ids}) == 1


def test_max_output_tokens_truncates() -> None:
    response = read_body(Reply("one two three four"), PLAIN | {"max_output_tokens": 2})
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"][0]["text"] == "one two"
    assert response["usage"]["output_tokens"] == 2


def test_log_probabilities_only_on_request() -> None:
    from openai_mockserver.reply import Logprob

    reply = Reply(["Hi", "!"], logprobs=[Logprob("Hi", -0.1), Logprob("!", -0.2)])
    without = read_events(responses.render(reply, STREAM))
    assert all(e["logprobs"] == [] for e in without if e["type"].endswith("text.delta"))
    values = read_events(responses.render(reply, STREAM | {"include": [renderer.LOGPROBS]}))
    deltas = [e["logprobs"] for e in values if e["type"].endswith("text.delta")]
    assert [[entry["token"] for entry in entries] for entries in deltas] == [["Hi"], ["!"]]


def test_obfuscation_can_be_turned_off() -> None:
    request = STREAM | {"stream_options": {"include_obfuscation": False}}
    assert all(
        "obfuscation" not in e for e in read_events(responses.render(Reply("a b c"), request))
    )


# Errors


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(choices=[Choice("a"), Choice("b")]), "returns one choice"),
        (Reply(function_call=FunctionCall("f")), "has no function_call"),
    ],
)
def test_replies_that_the_api_cannot_express(reply: Reply, message: str) -> None:
    with pytest.raises(ReplyError, match=message):
        responses.render(reply, STREAM)


def test_an_error_with_a_code_of_the_api_fails_the_response() -> None:
    script = responses.render(Reply("Hel", error=ApiError(429)), STREAM)
    assert read_events(script)[-1]["type"] == "response.failed"
    again = responses.read(script)
    assert isinstance(again, Reply)
    assert again.error is not None
    assert (again.text, again.error.code) == ("Hel", "rate_limit_exceeded")


def test_another_error_is_an_event() -> None:
    error = ApiError(400, "too long", code="context_length_exceeded", param="input")
    script = responses.render(Reply("Hel", error=error), STREAM)
    last = read_events(script)[-1]
    assert (last["type"], last["error"]["code"]) == ("error", "context_length_exceeded")
    again = responses.read(script)
    assert isinstance(again, Reply)
    assert again.error is not None
    assert (again.error.message, again.error.param) == ("too long", "input")


def test_until_2026_error_events_were_flat() -> None:
    """The SDK's types still have the flat form."""
    error = ApiError(400, "too long", code="context_length_exceeded", param="input")
    envelope = replace(responses.Envelope.fresh(STREAM, Random(0)), form=RESPONSES["2026-01"])
    script = responses.render(Reply("Hel", error=error), STREAM, envelope=envelope)
    last = read_events(script)[-1]
    EVENT.validate_python(last, strict=True)
    assert (last["type"], last["code"]) == ("error", "context_length_exceeded")
    assert isinstance(responses.read(script), Reply)


def test_a_failed_response_ends_with_two_events() -> None:
    script = responses.render(Reply("Part", error=ApiError(429, "too many")), STREAM)
    error, failure = read_events(script)[-2:]
    assert (error["type"], failure["type"]) == ("error", "response.failed")
    assert error["error"]["message"] == failure["response"]["error"]["message"] == "too many"


@pytest.mark.parametrize("error", [ApiError(429, "too many"), ApiError(503, code="server_error")])
def test_an_error_alone_is_the_only_event(error: ApiError) -> None:
    reply = Reply(error=error, alone=True)
    script = responses.render(reply, STREAM)
    (event,) = read_events(script)
    assert (event["type"], event["sequence_number"]) == ("error", 0)
    assert script.head.status == 200
    assert responses.read(script) == reply
    assert responses.render(reply, {"model": "gpt-4o"}).head.status == error.status


# Through the SDK


@pytest.mark.parametrize("error", [ApiError(429, "too many"), ApiError(500, "boom", code="other")])
def test_the_sdk_raises_the_error_of_a_stream(mock_openai: MockOpenAI, error: ApiError) -> None:
    mock_openai.reply(Reply("Part", error=error))
    with pytest.raises(openai.APIError, match=str(error.message)):
        list(mock_openai.client().responses.create(model="gpt-4o", input="x", stream=True))


def test_the_sdks_stream_helper(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(ToolCall("get_weather", {"city": "Paris"}))
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    tool: Any = {"type": "function", "name": "get_weather", "parameters": parameters}
    with mock_openai.client().responses.stream(
        model="gpt-4o", input="Weather?", tools=[tool | {"strict": True}]
    ) as stream:
        final = stream.get_final_response()
    (call,) = final.output
    assert call.type == "function_call"
    assert call.parsed_arguments == {"city": "Paris"}


def test_the_sdks_parse_helper(mock_openai: MockOpenAI) -> None:
    from pydantic import BaseModel

    class Answer(BaseModel):
        n: int

    mock_openai.reply('{"n": 42}')
    parsed = mock_openai.client().responses.parse(model="gpt-4o", input="?", text_format=Answer)
    assert parsed.output_parsed == Answer(n=42)


# Generated on request


def test_log_probabilities_and_encrypted_reasoning_are_generated_on_request() -> None:
    request = PLAIN | {"include": [renderer.LOGPROBS, renderer.ENCRYPTED], "top_logprobs": 2}
    reasoning, message = read_body(Reply("Hello there", reasoning="Hm"), request)["output"]
    logprobs = message["content"][0]["logprobs"]
    assert [entry["token"] for entry in logprobs] == ["Hello", " there"]
    assert [len(entry["top_logprobs"]) for entry in logprobs] == [2, 2]
    assert reasoning["encrypted_content"].startswith("gAAAAAB")
    again = read_body(Reply("Hello there", reasoning="Hm"), request)["output"][0]
    assert again["encrypted_content"] == reasoning["encrypted_content"]


# In a conversation


def test_a_derived_call_id_is_used_once_in_a_conversation(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(ToolCall("a"))
    client = mock_openai.client()
    first = client.responses.create(model="gpt-4o", input="Go")
    second = client.responses.create(model="gpt-4o", input="Go", previous_response_id=first.id)
    ids = [response.output[0].call_id for response in (first, second)]  # type: ignore[union-attr]
    assert len(set(ids)) == 2


# Ready-made streams


def test_a_ready_made_chat_stream_is_served_here_too(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(stream("tool-calls-parallel"))
    event_types = [
        e.type for e in mock_openai.client().responses.create(model="m", input="", stream=True)
    ]
    assert event_types.count("response.function_call_arguments.done") >= 2


@pytest.mark.openai_mock(fail_on_unmatched=False)
@pytest.mark.parametrize("name", ["reset", "malformed-chunk", "missing-done"])
def test_a_broken_ready_made_stream_is_refused(mock_openai: MockOpenAI, name: str) -> None:
    mock_openai.reply(stream(name))
    with pytest.raises(openai.BadRequestError, match="of /v1/chat/completions is broken"):
        mock_openai.client().responses.create(model="m", input="", stream=True)


# Faults


@pytest.mark.parametrize("after", [0, 2, 5])
def test_the_error_event_fault_sends_an_event_of_this_api(after: int) -> None:
    script = error_event(after=after, error=ApiError(500, "Oops"))(responses.render(Reply("Hi")))
    last = read_events(script)[-1]
    assert (last["type"], last["sequence_number"]) == ("error", after)
    assert last["error"]["message"] == "Oops"


@pytest.mark.parametrize("after", [0, 2, 5])
def test_a_keepalive_takes_a_sequence_number(after: int) -> None:
    script = keepalive(after=after)(responses.render(Reply("Hi")))
    values = read_events(script)
    assert values[after] == {"type": "keepalive", "sequence_number": after}
    assert [event["sequence_number"] for event in values] == list(range(len(values)))
