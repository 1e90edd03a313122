"""A reply is a value that is checked on creation."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from fidelity.replies import replies
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import (
    Annotation,
    ApiError,
    Choice,
    FunctionCall,
    Item,
    Logprob,
    Message,
    Reasoning,
    Reply,
    Text,
    ToolCall,
    Usage,
    as_reply,
    check_servable,
    url_citation,
)


@given(replies())
def test_the_repr_is_code_that_recreates_it(reply: Reply) -> None:
    again = eval(repr(reply))
    assert again == reply
    assert repr(again) == repr(reply), "the pieces too"


@given(replies())
def test_it_is_copied_and_pickled(reply: Reply) -> None:
    assert repr(copy.deepcopy(reply)) == repr(reply)
    assert repr(pickle.loads(pickle.dumps(reply))) == repr(reply)


def test_text_is_a_string_that_remembers_its_pieces() -> None:
    assert Text("Hello, world") == "Hello, world"
    assert Text(["Hel", "lo"]) == Text("Hello")
    assert Text(["Hel", "lo"]).pieces != Text("Hello").pieces


def test_the_finish_reason_follows_from_the_content() -> None:
    assert Reply("a").finish_reason == "stop"
    assert Reply(tool_calls=ToolCall("f")).finish_reason == "tool_calls"
    assert Reply(function_call=FunctionCall("f")).finish_reason == "function_call"
    assert Reply("a", error=ApiError()).finish_reason is None
    assert Reply("a", finish_reason=None).finish_reason is None
    assert Reply("a", finish_reason="length").finish_reason == "length"


def test_the_status_of_an_error_within_a_stream_is_kept_and_not_compared() -> None:
    rate_limit, failure = (
        Reply("a", error=ApiError(429, "b", "t", "c", headers=(("x", "y"),))),
        Reply("a", error=ApiError(500, "b", "t", "c")),
    )
    assert rate_limit.error is not None
    assert (rate_limit.error.status, rate_limit.error.headers) == (429, ())
    assert rate_limit == failure
    assert hash(rate_limit) == hash(failure)
    assert rate_limit != Reply("a", error=ApiError(429, "b", "t", "d"))
    assert Reply("a", error=ApiError(429, "b", code="")).error == ApiError(429, "b", code="")


@pytest.mark.parametrize(
    ("reply", "is_only_error"),
    [
        (Reply(error=ApiError(503)), True),
        (Reply(choices=[Choice(finish_reason=None)] * 2, error=ApiError(503)), True),
        (Reply("", error=ApiError(503)), False),
        (Reply(reasoning="", error=ApiError(503)), False),
        (Reply(function_call=FunctionCall("f", {}), error=ApiError(503)), False),
        (Reply(finish_reason="stop", error=ApiError(503)), False),
        (Reply(finish_reason=None), False),
    ],
)
def test_an_error_may_be_the_only_content(reply: Reply, is_only_error: bool) -> None:
    assert reply.is_only_error is is_only_error


def test_an_error_alone_is_printed_and_not_compared() -> None:
    reply = Reply(error=ApiError(503), alone=True)
    assert eval(repr(reply)).alone
    assert replace(reply).alone
    assert reply == Reply(error=ApiError(503))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "give error too"),
        ({"error": ApiError(), "text": "a"}, "leave out all else"),
        ({"error": ApiError(), "finish_reason": "stop"}, "leave out all else"),
        ({"error": ApiError(), "usage": Usage(1, 1)}, "leave out all else"),
        ({"error": ApiError(), "choices": [Choice("a")]}, "leave out all else"),
    ],
)
def test_an_error_alone_has_nothing_beside_it(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ReplyError, match=message):
        Reply(**members, alone=True)
    with pytest.raises(ReplyError, match="alone must be"):
        Reply(error=ApiError(), alone="yes")  # type: ignore[arg-type]


def test_an_id_is_derived_and_the_same_everywhere() -> None:
    call = ToolCall("get_weather", {"city": "Paris"})
    assert re.fullmatch("call_[0-9A-Za-z]{24}", call.id)
    assert call.id == ToolCall("get_weather", '{"city": "Paris"}').id
    assert call.id != ToolCall("get_weather", {"city": "Rome"}).id
    assert ToolCall("f", id="call_1").id == "call_1"


def test_the_same_call_twice_in_a_reply_has_two_ids() -> None:
    one, two = Reply(tool_calls=[ToolCall("f"), ToolCall("f")]).tool_calls
    assert one.id == ToolCall("f").id
    assert two.id != one.id


def test_parallel_calls_have_their_json_spaced_and_cut_by_4_5_6() -> None:
    reply = Reply(tool_calls=[ToolCall("login", {"password": "mellon"}), ToolCall("b", '{"x":1}')])
    login, other = reply.tool_calls
    assert login.arguments.pieces == ('{"pa', "sswor", 'd": "m', "ello", 'n"}')
    assert other.arguments == '{"x":1}', "arguments passed as text stay unchanged"


def test_arguments_may_be_invalid_json() -> None:
    call = ToolCall("f", '{"city": "Par')
    assert call.arguments == '{"city": "Par'
    with pytest.raises(ValueError):
        _ = call.parsed


def test_usage_adds_up() -> None:
    assert Usage(3, 4).total_tokens == 7
    assert Usage(3, 4, 99).total_tokens == 99


@pytest.mark.parametrize(
    ("status", "type_", "code"),
    [
        (401, "invalid_request_error", "invalid_api_key"),
        (404, "invalid_request_error", "model_not_found"),
        (429, "requests", "rate_limit_exceeded"),
        (500, "server_error", None),
        (418, "invalid_request_error", None),
        (599, "server_error", None),
    ],
)
def test_an_error_has_openais_defaults(status: int, type_: str, code: str | None) -> None:
    error = ApiError(status)
    assert (error.type, error.code) == (type_, code)
    assert error.message


@pytest.mark.parametrize(
    ("value", "reply"),
    [
        ("hi", Reply("hi")),
        (ToolCall("f"), Reply(tool_calls=ToolCall("f"))),
        ([ToolCall("f"), ToolCall("g")], Reply(tool_calls=[ToolCall("f"), ToolCall("g")])),
        (["Let me see.", ToolCall("f")], Reply("Let me see.", tool_calls=ToolCall("f"))),
        (["a", "b"], Reply(["a", "b"])),
        (FunctionCall("f"), Reply(function_call=FunctionCall("f"))),
        ([Choice("a"), Choice("b")], Reply(choices=[Choice("a"), Choice("b")])),
        (ApiError(500), ApiError(500)),
    ],
)
def test_short_forms_become_a_reply(value: object, reply: Reply | ApiError) -> None:
    assert as_reply(value) == reply


@pytest.mark.parametrize("value", [None, 1, {"text": "a"}, b"bytes"])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(ReplyError, match="a reply must be a string, a ToolCall"):
        as_reply(value)


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (
            lambda: Reply([1]),  # type: ignore[list-item]
            "a piece of text must be a string, not 1",
        ),
        (lambda: Reply("\ud800"), "lone surrogate"),
        (lambda: Reply(["\ud83d", "\ude00"]), "lone surrogate"),
        (
            lambda: Reply(tool_calls=["f"]),  # type: ignore[list-item]
            "each of tool_calls must be a ToolCall",
        ),
        (lambda: Reply("a", choices=[Choice("b")]), "choices=.* cannot be combined"),
        (lambda: Reply(choices=[]), "at least one choice"),
        (
            lambda: Reply(choices=["a"]),  # type: ignore[list-item]
            "each of choices must be a Choice",
        ),
        (lambda: ToolCall(""), "the name of a tool call must be a non-empty string"),
        (lambda: ToolCall("f", {"x": object()}), "tool call 'f': arguments are not JSON"),
        (lambda: ToolCall("f", {"x": float("nan")}), "arguments are not JSON"),
        (
            lambda: Reply(tool_calls=[ToolCall("f", id="1"), ToolCall("g", id="1")]),
            "two tool calls of one reply have the same id '1'",
        ),
        (lambda: ApiError(200), "status from 400 to 599"),
    ],
)
def test_invalid_arguments_are_refused_on_creation(
    create: Callable[[], object], message: str
) -> None:
    with pytest.raises(ReplyError, match=message):
        create()


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(refusal="no", tool_calls=ToolCall("f")), "give refusal or tool_calls, not both"),
        (Reply(refusal="no", function_call=FunctionCall("f")), "not both"),
        (
            Reply(tool_calls=ToolCall("f"), function_call=FunctionCall("f")),
            "function_call, not both",
        ),
        (Reply("a", finish_reason="lenght"), "'lenght' must be one of stop, length"),
        (Reply("a b", logprobs=[Logprob("a", -1)]), "logprobs has 1 entries for 2 pieces"),
        (Reply(choices=[Choice("a"), Choice(finish_reason="x")]), "choice 1: finish_reason"),
    ],
)
def test_a_reply_that_no_model_sends_cannot_be_served(reply: Reply, message: str) -> None:
    with pytest.raises(ReplyError, match=message):
        check_servable(reply)


# Equality, hashes and code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Item("t", {"a": 1, "b": 2}), Item("t", {"b": 2, "a": 1})),
        (Annotation({"a": 1, "b": 2}), Annotation({"b": 2, "a": 1})),
    ],
)
def test_equal_values_have_equal_hashes(one: object, other: object) -> None:
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize(
    "value",
    [
        Message(refusal=""),
        Message("a", phase="commentary", annotations=[url_citation("u", "t", 0, 1)]),
        Reasoning(["a", ["b", "c"]], content="d", encrypted="e"),
        Item("w", {"code": Text(["a", "b"]), "list": [1, {"x": None}]}),
        ToolCall("f", "x", custom=True, namespace="n"),
    ],
)
def test_their_repr_is_code(value: object) -> None:
    again = eval(repr(value))
    assert again == value
    assert repr(again) == repr(value)


def test_an_item_copies_its_members() -> None:
    members = {"a": [1]}
    item = Item("t", members)
    members["a"].append(2)
    assert item.members == {"a": [1]}


@pytest.mark.parametrize(
    "create",
    [
        lambda: Annotation(5),  # type: ignore[arg-type]
        lambda: Item("a", {"b": object()}),
        lambda: Item("a", {"id": "b"}),
        lambda: Logprob("a", "x"),  # type: ignore[arg-type]
        lambda: Logprob("\ud800", 1),
        lambda: Reply("ab", logprobs=["ab"]),  # type: ignore[list-item]
        lambda: Reply("a", logprobs=[5]),  # type: ignore[list-item]
        lambda: Reasoning(5),  # type: ignore[arg-type]
        lambda: Message("a", annotations=5),  # type: ignore[arg-type]
        lambda: Reply(choices=5),  # type: ignore[arg-type]
        lambda: Reply("a", output=["b"]),
        lambda: Reply(output=[5]),  # type: ignore[list-item]
    ],
)
def test_every_mistake_is_a_reply_error(create: Callable[[], object]) -> None:
    with pytest.raises(ReplyError):
        create()
