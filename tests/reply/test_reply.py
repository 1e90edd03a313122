"""What a model says, as a value."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable

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
def test_the_repr_is_code_that_makes_it_again(reply: Reply) -> None:
    again = eval(repr(reply))
    assert again == reply
    assert repr(again) == repr(reply), "the pieces too"


@given(replies())
def test_it_is_copied_and_pickled(reply: Reply) -> None:
    assert repr(copy.deepcopy(reply)) == repr(reply)
    assert repr(pickle.loads(pickle.dumps(reply))) == repr(reply)


def test_text_is_a_string_that_knows_its_pieces() -> None:
    assert Text("Hello, world") == "Hello, world"
    assert Text(["Hel", "lo"]) == Text("Hello")
    assert Text(["Hel", "lo"]).pieces != Text("Hello").pieces


def test_the_finish_reason_follows_from_what_is_said() -> None:
    assert Reply("a").finish_reason == "stop"
    assert Reply(tool_calls=ToolCall("f")).finish_reason == "tool_calls"
    assert Reply(function_call=FunctionCall("f")).finish_reason == "function_call"
    assert Reply("a", error=ApiError()).finish_reason is None
    assert Reply("a", finish_reason=None).finish_reason is None
    assert Reply("a", finish_reason="length").finish_reason == "length"


def test_the_status_of_an_error_within_a_stream_is_kept_and_not_compared() -> None:
    slow, failed = (
        Reply("a", error=ApiError(429, "b", "t", "c", headers=(("x", "y"),))),
        Reply("a", error=ApiError(500, "b", "t", "c")),
    )
    assert slow.error is not None
    assert (slow.error.status, slow.error.headers) == (429, ())
    assert slow == failed
    assert hash(slow) == hash(failed)
    assert slow != Reply("a", error=ApiError(429, "b", "t", "d"))
    assert Reply("a", error=ApiError(429, "b", code="")).error == ApiError(429, "b", code="")


@pytest.mark.parametrize(
    ("reply", "only"),
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
def test_an_error_may_be_all_that_there_is(reply: Reply, only: bool) -> None:
    assert reply.is_only_error is only


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
    assert other.arguments == '{"x":1}', "what is given as text stays as it is"


def test_arguments_may_be_no_json() -> None:
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
def test_an_error_says_what_openai_says(status: int, type_: str, code: str | None) -> None:
    error = ApiError(status)
    assert (error.type, error.code) == (type_, code)
    assert error.message


@pytest.mark.parametrize(
    ("made", "reply"),
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
def test_what_people_write_is_a_reply(made: object, reply: Reply | ApiError) -> None:
    assert as_reply(made) == reply


@pytest.mark.parametrize("wrong", [None, 1, {"text": "a"}, [], [1], b"bytes"])
def test_other_things_are_not(wrong: object) -> None:
    with pytest.raises(ReplyError, match="a reply is text, a ToolCall"):
        as_reply(wrong)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda: Reply([1]),  # type: ignore[list-item]
            "a piece of text is a string, not 1",
        ),
        (lambda: Reply("\ud800"), "lone surrogate"),
        (lambda: Reply(["\ud83d", "\ude00"]), "lone surrogate"),
        (
            lambda: Reply(tool_calls=["f"]),  # type: ignore[list-item]
            "tool_calls holds ToolCall",
        ),
        (lambda: Reply("a", choices=[Choice("b")]), "choices=.* or one choice's own"),
        (lambda: Reply(choices=[]), "at least one choice"),
        (
            lambda: Reply(choices=["a"]),  # type: ignore[list-item]
            "choices holds Choice",
        ),
        (lambda: ToolCall(""), "has a name"),
        (lambda: ToolCall("f", {"x": object()}), "tool call 'f': arguments are not JSON"),
        (lambda: ToolCall("f", {"x": float("nan")}), "arguments are not JSON"),
        (
            lambda: Reply(tool_calls=[ToolCall("f", id="1"), ToolCall("g", id="1")]),
            "two tool calls of one reply have the id '1'",
        ),
        (lambda: ApiError(200), "status from 400 to 599"),
    ],
)
def test_nonsense_is_refused_when_it_is_made(make: object, told: str) -> None:
    with pytest.raises(ReplyError, match=told):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(refusal="no", tool_calls=ToolCall("f")), "give refusal or tool_calls, not both"),
        (Reply(refusal="no", function_call=FunctionCall("f")), "not both"),
        (Reply(tool_calls=ToolCall("f"), function_call=FunctionCall("f")), "do not come together"),
        (Reply("a", finish_reason="lenght"), "finish_reason='lenght' is not one of stop, length"),
        (Reply("a b", logprobs=[Logprob("a", -1)]), "logprobs has 1 entries"),
        (Reply(choices=[Choice("a"), Choice(finish_reason="x")]), "choice 1: finish_reason"),
    ],
)
def test_what_no_model_says_cannot_be_served(reply: Reply, told: str) -> None:
    with pytest.raises(ReplyError, match=told):
        check_servable(reply)


# Values that are told apart, and told


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Item("t", {"a": 1, "b": 2}), Item("t", {"b": 2, "a": 1})),
        (Annotation({"a": 1, "b": 2}), Annotation({"b": 2, "a": 1})),
    ],
)
def test_what_is_equal_has_one_hash(one: object, other: object) -> None:
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
    made = eval(repr(value))
    assert made == value
    assert repr(made) == repr(value)


def test_what_is_kept_is_a_copy() -> None:
    given = {"a": [1]}
    item = Item("t", given)
    given["a"].append(2)
    assert item.members == {"a": [1]}


@pytest.mark.parametrize(
    "wrong",
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
def test_what_is_wrong_is_one_kind_of_error(wrong: Callable[[], object]) -> None:
    with pytest.raises(ReplyError):
        wrong()
