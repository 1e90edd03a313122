"""Streams as OpenAI sends none and others do: what they say is read all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openai_mockserver import api
from openai_mockserver.reply import ApiError, Reasoning, Reply, ToolCall, Usage
from openai_mockserver.script import Head, Raw, Script

STREAM = Head(200, (("content-type", "text/event-stream"),))


def read(*events: dict[str, Any] | str) -> Reply:
    """What events say: objects as their data, texts as they are."""
    told = [e if isinstance(e, str) else f"data: {json.dumps(e)}\n\n" for e in events]
    reply = api.read(Script(STREAM, (Raw("".join(told).encode()),)))
    assert isinstance(reply, Reply)
    return reply


def chunk(finish: str | None = None, /, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"object": "chat.completion.chunk", "choices": [choice]}


def call(id_: str | None, arguments: Any, name: str | None = None) -> dict[str, Any]:
    """A fragment of a call, always on index 0."""
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    return chunk(tool_calls=[{"index": 0, **({"id": id_} if id_ else {}), "function": function}])


def item(**members: Any) -> dict[str, Any]:
    """A function call as an item."""
    return {"type": "function_call", "name": "f", "call_id": "c", "arguments": "", **members}


def event(kind: str, **members: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": 0, **members}


def completed(*output: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"status": "completed", "output": output}}


ADDED = event("output_item.added", item=item())
ARGUMENTS = '{"a":1}'
MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
BEGUN = event("output_item.added", item={"type": "message", "content": []})


@pytest.mark.parametrize(
    "events",
    [
        [ADDED, event("function_call_arguments.done", arguments=ARGUMENTS), completed()],
        [ADDED, event("output_item.done", item=item(arguments=ARGUMENTS)), completed()],
        [ADDED, completed(item(arguments=ARGUMENTS))],
        [completed(item(arguments=ARGUMENTS))],
        [event("output_item.done", item=item(arguments={"a": 1})), completed()],
    ],
    ids=["in .done", "in the item", "in completed", "nothing before", "as an object"],
)
def test_arguments_are_found_wherever_they_are_told(events: list[dict[str, Any]]) -> None:
    assert read(*events).tool_calls == (ToolCall("f", ARGUMENTS, "c"),)


@pytest.mark.parametrize(
    "events",
    [
        [BEGUN, event("output_text.done", content_index=0, text="Hi"), completed()],
        [event("output_text.done", content_index=0, text="Hi"), completed()],
        [BEGUN, event("content_part.done", part=MESSAGE["content"][0]), completed()],
        [BEGUN, completed(MESSAGE)],
    ],
    ids=["in .done", "without an item", "in the part", "in completed"],
)
def test_a_text_is_found_wherever_it_is_told(events: list[dict[str, Any]]) -> None:
    assert read(*events).text == "Hi"


def test_items_that_only_the_last_event_lists_are_added() -> None:
    said = event("output_item.done", item=MESSAGE)
    reply = read(said, completed(MESSAGE, item(arguments=ARGUMENTS)))
    assert (reply.text, reply.tool_calls) == ("Hi", (ToolCall("f", ARGUMENTS, "c"),))


CHAT = '{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"%s"}}]}'
LEGACY = '{"object":"text_completion","choices":[{"index":0,"text":"%s"}]}'
RESPONSES = '{"type":"response.output_text.delta","output_index":0,"delta":"%s"}'


@pytest.mark.parametrize("form", [CHAT, LEGACY, RESPONSES])
def test_a_character_in_two_deltas_is_whole(form: str) -> None:
    reply = read(*(f"data: {form % piece}\n\n" for piece in (r"a\ud83d", r"\ude00b", "c")))
    assert reply.text is not None
    assert reply.text.pieces == ("a", "\U0001f600b", "c")


def test_half_a_character_is_told_as_such() -> None:
    reply = read("data: " + CHAT % r"a\ud83d" + "\n\n", chunk(content="b"))
    assert reply.text == "a\ufffdb"


def test_an_argument_in_halves_is_whole() -> None:
    first, second = call("c", "x", "f"), call(None, "y")
    told = [json.dumps(first).replace('"x"', r'"\"\ud83d"'), json.dumps(second)]
    told[1] = told[1].replace('"y"', r'"\ude00\""')
    reply = read(*(f"data: {one}\n\n" for one in told))
    assert reply.tool_calls[0].arguments == '"\U0001f600"'


COUNTS = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}


def test_what_an_earlier_usage_says_more_is_kept() -> None:
    earlier = {**COUNTS, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}}
    reply = read(chunk(content="a") | {"usage": earlier}, chunk("stop") | {"usage": COUNTS})
    assert reply.usage == Usage(9, 2, cached_tokens=4)


def test_usage_is_found_in_a_choice_and_in_groqs_own_member() -> None:
    said = chunk("stop", content="a")
    assert read(said | {"x_groq": {"usage": COUNTS}}).usage == Usage(9, 2)
    said["choices"][0]["usage"] = COUNTS
    assert read(said).usage == Usage(9, 2)


@pytest.mark.parametrize("delta", [{}, {"delta": None}, {"delta": {}}])
def test_a_message_in_place_of_a_delta(delta: dict[str, Any]) -> None:
    message = {"role": "assistant", "content": "Hi"}
    whole = {"index": 0, "message": message, "finish_reason": "stop", **delta}
    told = {"object": "chat.completion.chunk", "choices": [whole]}
    assert read(told).text == "Hi"
    assert read(chunk(content="Hi"), told).text == "Hi"  # what was said is not said again


def test_arguments_as_an_object() -> None:
    assert read(call("c", {"a": 1}, "f")).tool_calls == (ToolCall("f", ARGUMENTS, "c"),)


@pytest.mark.parametrize(
    "line",
    [
        'error: {"error":{"message":"boom"}}\n\n',
        'error: {"code":500,"message":"boom","type":"server_error"}\n\n',
        "error: boom\n\n",
        'event: error\ndata: {"message":"boom"}\n\n',
        "event: error\ndata: boom\n\n",
    ],
)
def test_an_error_that_no_data_tells(line: str) -> None:
    reply = read(chunk(content="a"), line)
    assert isinstance(reply.error, ApiError)
    assert (reply.text, reply.error.message) == ("a", "boom")


def test_calls_with_one_index_are_told_apart_by_their_ids() -> None:
    reply = read(call("a", "", "f"), call("b", "", "g"), call("a", "{}"), call("b", "[]"))
    assert reply.tool_calls == (ToolCall("f", "{}", "a"), ToolCall("g", "[]", "b"))


NULLS = {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}


@pytest.mark.parametrize("usage", [None, {}, NULLS])
def test_a_usage_without_counts_is_none(usage: dict[str, Any] | None) -> None:
    assert read(chunk("stop", content="a") | {"usage": usage}).usage is None
    body = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": usage}
    head = Head(200, (("content-type", "application/json"),))
    whole = api.read(Script(head, (Raw(json.dumps(body).encode()),)))
    assert isinstance(whole, Reply)
    assert whole.usage is None
    counts = usage and {"input_tokens": None, "output_tokens": None, "total_tokens": None}
    response: dict[str, Any] = {"status": "completed", "output": [], "usage": counts}
    assert read({"type": "response.completed", "response": response}).usage is None


def test_nulls_after_counts_take_nothing_away() -> None:
    counts = {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3}
    reply = read(chunk(content="a") | {"usage": counts}, chunk("stop") | {"usage": NULLS})
    assert reply.usage == Usage(3, 0)


def test_an_index_far_beyond_the_others_fills_no_gap() -> None:
    """Else one number in a stream would take any amount of memory."""
    thought = {"type": "reasoning", "summary": []}
    delta = event("reasoning_summary_text.delta", summary_index=10**12, delta="so")
    reply = read(event("output_item.added", item=thought), delta, completed())
    assert reply.output == (Reasoning(["so"]),)


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [([{}], "{}"), ([{}, '{"a"', ":1}"], ARGUMENTS), ([{"a": 1}], ARGUMENTS)],
)
def test_an_empty_object_is_arguments_unless_text_follows(
    pieces: list[Any], arguments: str
) -> None:
    first, *others = pieces
    events = [call("c", first, "f"), *(call(None, piece) for piece in others)]
    assert read(*events, chunk("tool_calls")).tool_calls[0].arguments == arguments


def test_an_empty_function_call_is_none() -> None:
    stub = chunk("tool_calls", function_call={"name": "", "arguments": ""})
    reply = read(call("c", "{}", "f"), stub)
    assert (reply.function_call, len(reply.tool_calls)) == (None, 1)


def test_a_number_is_text() -> None:
    deltas = [chunk(content=value) for value in ("[", 1, 2.5, True, "]")]
    assert read(*deltas, chunk("stop")).text == "[12.5]"


def test_a_summary_among_the_details_is_reasoning() -> None:
    details = [
        {"type": "reasoning.summary", "summary": piece, "index": 0} for piece in ("pl", "an")
    ]
    reply = read(*(chunk(reasoning_details=[one]) for one in details), chunk("stop", content="ok"))
    assert (reply.reasoning, reply.text) == ("plan", "ok")


def test_what_is_told_as_a_whole_wins_over_its_deltas() -> None:
    encrypted = event("function_call_arguments.delta", delta="Zm9v")
    done = event("output_item.done", item=item(arguments=ARGUMENTS))
    assert read(ADDED, encrypted, done, completed()).tool_calls[0].arguments == ARGUMENTS
