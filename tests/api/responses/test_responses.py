"""The Responses API: events as OpenAI sends them, and back."""

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


def events(script: Script) -> list[dict[str, Any]]:
    """The JSON of a stream's events."""
    return [json.loads(event.data) for event in script.events]


def types(reply: Reply, request: dict[str, Any] = STREAM) -> list[str]:
    """The types of a stream's events, without the beginning and repeated deltas."""
    told = [e["type"].removeprefix("response.") for e in events(responses.render(reply, request))]
    assert told[:2] == ["created", "in_progress"]
    return [now for before, now in pairwise(told[1:]) if before != now]


def body(reply: Reply, request: dict[str, Any] = PLAIN) -> dict[str, Any]:
    """The JSON of a body."""
    made: dict[str, Any] = json.loads(sse.body(responses.render(reply, request).steps))
    return made


# There and back


@given(outputs(), st.sampled_from(["auto", "length", "content_filter"]))
def test_reading_what_was_rendered_gives_the_same_reply(output: list[Output], why: str) -> None:
    reply = Reply(output=output, finish_reason=why, usage=Usage(1, 2, 5, 1, 0, 1))
    assert responses.read(responses.render(reply)) == reply
    asked = PLAIN | (ASKING if reply.logprobs is not None else {})
    assert responses.read(responses.render(reply, asked)) == in_one_piece(reply)


ASKING = {"include": [renderer.LOGPROBS], "top_logprobs": 20}


def in_one_piece(reply: Reply) -> Reply:
    """What a body that is no stream can tell of it: no pieces, and no half-made pictures."""
    (choice,) = reply.choices
    output = [whole(item) for item in choice.output]
    return Reply(output=output, finish_reason=choice.finish_reason, usage=reply.usage)


def whole(item: Output) -> Output:
    """An item of which only the end is known."""
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
def test_a_stream_that_breaks_off_says_what_came(output: list[Output]) -> None:
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
def test_so_is_every_body(output: list[Output]) -> None:
    Response.model_validate(body(Reply(output=output)), strict=True)


@given(outputs())
def test_sequence_numbers_have_no_gap_and_names_are_types(output: list[Output]) -> None:
    script = responses.render(Reply(output=output))
    assert [e["sequence_number"] for e in events(script)] == list(range(len(script.events)))
    assert [e["type"] for e in events(script)] == [event.event for event in script.events]
    assert "[DONE]" not in [event.data for event in script.events]


@given(outputs())
def test_deltas_are_padded_to_a_multiple_of_16_characters(output: list[Output]) -> None:
    """WIRE.md §2; a refusal's are not."""
    for event in events(responses.render(Reply(output=output))):
        if event["type"].endswith(".delta") and not event["type"].startswith(BARE):
            assert (len(event["delta"]) + len(event["obfuscation"])) % 16 == 0
        else:
            assert "obfuscation" not in event


BARE = ("response.refusal", "response.reasoning_text")


# What comes in which order (WIRE.md §3)

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


def acting(*names: str) -> list[str]:
    """The events of an item by which a model acts."""
    return ["output_item.added", *names, "output_item.done"]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply("Hello there"), [*TEXT, "completed"]),
        (Reply(["All", " of", " this"], finish_reason="length"), [*TEXT, "incomplete"]),
        (Reply(tool_calls=[ToolCall("a", {"x": 1}), ToolCall("b", {"y": 2})]), [*CALL, *CALL]),
        (Reply("Hi", reasoning="First, think"), [*SUMMARY, *TEXT]),
        (Reply(output=[Reasoning(), "Hi"]), [*acting(), *TEXT]),
        (
            Reply(refusal="I cannot."),
            [t.replace("output_text", "refusal") for t in TEXT],
        ),
        (
            Reply(tool_calls=ToolCall("sql", "SELECT 1", custom=True)),
            acting("custom_tool_call_input.delta", "custom_tool_call_input.done"),
        ),
        (
            Reply(output=[items.web_search("a")]),
            acting(*(f"web_search_call.{s}" for s in ("in_progress", "searching", "completed"))),
        ),
        (
            Reply(output=[items.file_search("a")]),
            acting(*(f"file_search_call.{s}" for s in ("in_progress", "searching", "completed"))),
        ),
        (
            Reply(output=[items.code_interpreter("print(1)", logs="1")]),
            acting(
                "code_interpreter_call.in_progress",
                "code_interpreter_call_code.delta",
                "code_interpreter_call_code.done",
                "code_interpreter_call.interpreting",
                "code_interpreter_call.completed",
            ),
        ),
        (
            Reply(output=[items.mcp_list_tools("dice", [{"name": "roll"}])]),
            acting("mcp_list_tools.in_progress", "mcp_list_tools.completed"),
        ),
        (
            Reply(output=[items.mcp_call("dice", "roll", {"n": 2}, "7")]),
            acting(
                "mcp_call.in_progress",
                "mcp_call_arguments.delta",
                "mcp_call_arguments.done",
                "mcp_call.completed",
            ),
        ),
        (
            Reply(output=[items.mcp_call("dice", "roll", error={"type": "mcp_protocol_error"})]),
            acting(
                "mcp_call.in_progress",
                "mcp_call_arguments.delta",
                "mcp_call_arguments.done",
                "mcp_call.failed",
            ),
        ),
        (
            Reply(output=[items.image_generation("aGk=", partial=["aA=="])]),
            acting(
                "image_generation_call.in_progress",
                "image_generation_call.generating",
                "image_generation_call.partial_image",
                "image_generation_call.completed",
            ),
        ),
        (Reply(output=[Item("shell_call", {"call_id": "c", "action": {}})]), acting()),
    ],
)
def test_the_events_of_an_item(reply: Reply, expected: list[str]) -> None:
    told = types(reply)
    assert told[: len(expected)] == expected
    assert told[-1] in ("completed", "incomplete")


def test_citations_come_between_the_pieces_they_follow() -> None:
    cited = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 2}
    told = events(responses.render(Reply(output=[Message("One two", annotations=[cited])]), STREAM))
    (at,) = (i for i, e in enumerate(told) if e["type"].endswith("annotation.added"))
    assert told[at - 1]["delta"] == " two"
    assert told[at]["annotation"] == cited
    assert told[-1]["response"]["output"][0]["content"][0]["annotations"] == [cited]


# What a response says of itself


def test_a_response_echoes_its_request() -> None:
    asked = PLAIN | {
        "temperature": 0,
        "instructions": "Be brief.",
        "metadata": {"a": "b"},
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "tool_choice": {"type": "function", "name": "f"},
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
    }
    made = body(Reply("Hi"), asked)
    assert made["temperature"] == 0.0
    assert made["instructions"] == "Be brief."
    assert made["metadata"] == {"a": "b"}
    assert made["tools"][0]["strict"] is True
    assert made["tool_choice"] == asked["tool_choice"]
    assert made["reasoning"] == {"effort": "low", "summary": None}
    assert made["text"]["verbosity"] == "medium"
    assert made["model"] == "gpt-4o-2024-08-06"


def test_it_is_told_three_times_and_its_usage_only_at_the_end() -> None:
    told = [e["response"] for e in events(responses.render(Reply("Hi"), STREAM)) if "response" in e]
    assert [r["status"] for r in told] == ["in_progress", "in_progress", "completed"]
    assert [r["service_tier"] for r in told] == ["auto", "auto", "default"]
    assert told[0]["usage"] is None
    assert told[2]["usage"] == {
        "input_tokens": 8,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 9,
    }


def test_ids_are_of_openais_form_and_share_their_beginning() -> None:
    """WIRE.md §1: a prefix and 50 hexadecimal digits."""
    made = body(Reply("Hi", reasoning="Hm", tool_calls=ToolCall("f")))
    ids = [made["id"], *(item["id"] for item in made["output"])]
    assert [id.partition("_")[0] for id in ids] == ["resp", "rs", "msg", "fc"]
    assert all(re.fullmatch("[a-z]+_[0-9a-f]{50}", id) for id in ids)
    assert len({id.partition("_")[2][:18] for id in ids}) == 1


def test_max_output_tokens_cuts() -> None:
    made = body(Reply("one two three four"), PLAIN | {"max_output_tokens": 2})
    assert made["status"] == "incomplete"
    assert made["incomplete_details"] == {"reason": "max_output_tokens"}
    assert made["output"][0]["status"] == "incomplete"
    assert made["output"][0]["content"][0]["text"] == "one two"
    assert made["usage"]["output_tokens"] == 2


def test_log_probabilities_where_they_are_asked_for() -> None:
    from openai_mockserver.reply import Logprob

    reply = Reply(["Hi", "!"], logprobs=[Logprob("Hi", -0.1), Logprob("!", -0.2)])
    without = events(responses.render(reply, STREAM))
    assert all(e["logprobs"] == [] for e in without if e["type"].endswith("text.delta"))
    told = events(responses.render(reply, STREAM | ASKING))
    deltas = [e["logprobs"] for e in told if e["type"].endswith("text.delta")]
    assert [[entry["token"] for entry in entries] for entries in deltas] == [["Hi"], ["!"]]


def test_obfuscation_can_be_turned_off() -> None:
    asked = STREAM | {"stream_options": {"include_obfuscation": False}}
    assert all("obfuscation" not in e for e in events(responses.render(Reply("a b c"), asked)))


# What cannot be said, and what goes wrong


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(choices=[Choice("a"), Choice("b")]), "gives one answer"),
        (Reply(function_call=FunctionCall("f")), "has no function_call"),
    ],
)
def test_what_the_api_cannot_say(reply: Reply, why: str) -> None:
    with pytest.raises(ReplyError, match=why):
        responses.render(reply, STREAM)


def test_an_error_with_a_code_of_the_api_fails_the_response() -> None:
    script = responses.render(Reply("Hel", error=ApiError(429)), STREAM)
    assert events(script)[-1]["type"] == "response.failed"
    again = responses.read(script)
    assert isinstance(again, Reply)
    assert again.error is not None
    assert (again.text, again.error.code) == ("Hel", "rate_limit_exceeded")


def test_another_error_is_an_event() -> None:
    error = ApiError(400, "too long", code="context_length_exceeded", param="input")
    script = responses.render(Reply("Hel", error=error), STREAM)
    last = events(script)[-1]
    assert (last["type"], last["error"]["code"]) == ("error", "context_length_exceeded")
    again = responses.read(script)
    assert isinstance(again, Reply)
    assert again.error is not None
    assert (again.error.message, again.error.param) == ("too long", "input")


def test_until_2026_the_members_of_an_error_stood_in_its_event() -> None:
    """As the SDK's types have it still."""
    error = ApiError(400, "too long", code="context_length_exceeded", param="input")
    envelope = replace(responses.Envelope.fresh(STREAM, Random(0)), form=RESPONSES["2026-01"])
    script = responses.render(Reply("Hel", error=error), STREAM, envelope=envelope)
    last = events(script)[-1]
    EVENT.validate_python(last, strict=True)
    assert (last["type"], last["code"]) == ("error", "context_length_exceeded")
    assert isinstance(responses.read(script), Reply)


def test_a_failing_response_says_so_in_two_events() -> None:
    script = responses.render(Reply("Part", error=ApiError(429, "too many")), STREAM)
    error, failed = events(script)[-2:]
    assert (error["type"], failed["type"]) == ("error", "response.failed")
    assert error["error"]["message"] == failed["response"]["error"]["message"] == "too many"


# Through the SDK


@pytest.mark.parametrize("error", [ApiError(429, "too many"), ApiError(500, "boom", code="other")])
def test_the_sdk_raises_what_breaks_a_response_off(
    mock_openai: MockOpenAI, error: ApiError
) -> None:
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


# What is made up where it is asked for


def test_log_probabilities_and_ciphers_that_the_reply_does_not_state() -> None:
    asked = PLAIN | {"include": [renderer.LOGPROBS, renderer.ENCRYPTED], "top_logprobs": 2}
    thought, message = body(Reply("Hello there", reasoning="Hm"), asked)["output"]
    told = message["content"][0]["logprobs"]
    assert [entry["token"] for entry in told] == ["Hello", " there"]
    assert [len(entry["top_logprobs"]) for entry in told] == [2, 2]
    assert thought["encrypted_content"].startswith("gAAAAAB")
    again = body(Reply("Hello there", reasoning="Hm"), asked)["output"][0]
    assert again["encrypted_content"] == thought["encrypted_content"]


# In a conversation


def test_a_derived_call_id_is_used_once_in_a_conversation(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(ToolCall("a"))
    client = mock_openai.client()
    first = client.responses.create(model="gpt-4o", input="Go")
    second = client.responses.create(model="gpt-4o", input="Go", previous_response_id=first.id)
    ids = [made.output[0].call_id for made in (first, second)]  # type: ignore[union-attr]
    assert len(set(ids)) == 2


# Ready-made streams


def test_a_ready_made_stream_is_said_here_too(mock_openai: MockOpenAI) -> None:
    mock_openai.reply(stream("tool-calls-parallel"))
    told = [e.type for e in mock_openai.client().responses.create(model="m", input="", stream=True)]
    assert told.count("response.function_call_arguments.done") >= 2


@pytest.mark.openai_mock(fail_on_unmatched=False)
@pytest.mark.parametrize("name", ["reset", "malformed-chunk", "missing-done"])
def test_a_broken_one_is_not_made_whole(mock_openai: MockOpenAI, name: str) -> None:
    mock_openai.reply(stream(name))
    with pytest.raises(openai.BadRequestError, match="is broken as one of /v1/chat/completions"):
        mock_openai.client().responses.create(model="m", input="", stream=True)


# Faults


@pytest.mark.parametrize("after", [0, 2, 5])
def test_an_error_event_is_one_of_the_api(after: int) -> None:
    script = error_event(after=after, error=ApiError(500, "Oops"))(responses.render(Reply("Hi")))
    last = events(script)[-1]
    assert (last["type"], last["sequence_number"]) == ("error", after)
    assert last["error"]["message"] == "Oops"


@pytest.mark.parametrize("after", [0, 2, 5])
def test_a_keepalive_moves_the_others_up(after: int) -> None:
    script = keepalive(after=after)(responses.render(Reply("Hi")))
    told = events(script)
    assert told[after] == {"type": "keepalive", "sequence_number": after}
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
