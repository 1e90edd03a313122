"""Every reply survives encoding and decoding, and every error says where the mistake is."""

from __future__ import annotations

from typing import Any

import msgspec.json
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.replies import CITATIONS, PIECES, TEXT, USAGES, outputs, replies
from openai_mockserver import (
    ApiError,
    Audio,
    Choice,
    Logprob,
    Reply,
    ReplyError,
    Text,
    ToolCall,
    Usage,
)
from openai_mockserver.reply.serialization import decode_reply, encode_reply

REPLIES = st.one_of(
    replies(),
    st.builds(lambda output: Reply(output=output), outputs()),
    st.builds(Reply, PIECES, annotations=st.lists(CITATIONS, max_size=2), usage=USAGES),
    st.builds(
        lambda audio: Reply(audio=audio),
        st.builds(Audio, PIECES, st.binary(max_size=40), expires_at=st.integers(0, 9)),
    ),
    st.builds(
        lambda error, headers: Reply("a", error=ApiError(429, error, headers=headers)),
        TEXT,
        st.lists(st.tuples(st.just("x-a"), st.just("1")), max_size=2),
    ),
)


def through_json(value: Any) -> Any:
    """Return a value as it is after being written to a file and read back."""
    return msgspec.json.decode(msgspec.json.encode(value))


@given(REPLIES, st.booleans())
def test_a_reply_is_the_same_after_json(reply: Reply, pieces: bool) -> None:
    assert decode_reply(through_json(encode_reply(reply, pieces=pieces))) == reply


def test_an_error_alone_is_the_same_after_json() -> None:
    json_value = encode_reply(Reply(error=ApiError(503), alone=True))
    assert json_value["alone"] is True
    assert decode_reply(through_json(json_value)).alone


@given(replies())
def test_with_pieces_text_arrives_as_before(reply: Reply) -> None:
    again = decode_reply(through_json(encode_reply(reply, pieces=True)))
    for one, other in zip(again.choices, reply.choices, strict=True):
        for name in ("text", "reasoning", "refusal"):
            before, after = getattr(other, name), getattr(one, name)
            assert (after and after.pieces) == (before and before.pieces)
        assert [c.arguments.pieces for c in one.tool_calls] == [
            c.arguments.pieces for c in other.tool_calls
        ]


def test_the_members_are_the_arguments_of_a_reply() -> None:
    reply = Reply(
        Text(["Hel", "lo"]),
        tool_calls=ToolCall("now", id="call_1", extra={"extra_content": {"google": None}}),
        usage=Usage(9, 3),
    )
    assert encode_reply(reply) == {
        "text": "Hello",
        "tool_calls": [
            {
                "name": "now",
                "arguments": "{}",
                "id": "call_1",
                "extra": {"extra_content": {"google": None}},
            }
        ],
        "finish_reason": "tool_calls",
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
    }
    assert encode_reply(Reply(choices=[Choice("a"), Choice("b")])) == {
        "choices": [
            {"text": "a", "finish_reason": "stop"},
            {"text": "b", "finish_reason": "stop"},
        ]
    }


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (3, "reply: expected a mapping, got int"),
        ({"txt": "a"}, "reply.txt: there is no such key; allowed keys are text, "),
        ({"text": 1}, "reply.text: "),
        ({"usage": {"promt_tokens": 1}}, "reply.usage.promt_tokens: there is no such key"),
        ({"usage": {"extra": 1}}, "reply.usage.extra: expected a mapping"),
        ({"logprobs": [[{"token": "a"}]]}, "reply.logprobs[0]: "),
        ({"output": [{"dance": 1}]}, "reply.output[0]: unknown output item 'dance'"),
        (
            {"output": [{"message": {"txt": "a"}}]},
            "reply.output[0].message.txt: there is no such key",
        ),
        ({"error": {"status": 200}}, "reply.error: "),
        ({"choices": [{"text": "a"}, {"usage": {}}]}, "reply.choices[1].usage: "),
        ({"text": "a", "output": ["b"]}, "reply: output=[...] cannot be combined with text"),
    ],
)
def test_a_mistake_says_where_it_is(members: Any, message: str) -> None:
    with pytest.raises(ReplyError) as error:
        decode_reply(members)
    assert str(error.value).startswith(message)


def test_numbers_that_json_cannot_express() -> None:
    reply = Reply("a", logprobs=[Logprob("a", float("-inf"))], usage=Usage(-5, 1))
    assert decode_reply(through_json(encode_reply(reply))) == reply


@pytest.mark.parametrize("name", ["tool_calls", "logprobs", "output", "annotations", "choices"])
@pytest.mark.parametrize("value", ["\ud800", 7, {"a": 1}, [[[[3]]]], [None], ["\ud800"]])
def test_a_value_of_another_kind_is_one_error(name: str, value: Any) -> None:
    with pytest.raises(ReplyError, match=r"^reply"):
        decode_reply({name: value} if value != ["\ud800"] or name != "output" else {name: [3]})


def test_members_that_are_nested_too_deeply_are_refused() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    item = {"item": {"type": "x", "members": deep}}
    for members in ({"output": [item]}, {"annotations": [deep]}):
        with pytest.raises(ReplyError):
            decode_reply(members)
