"""A reply that is said again: the very bytes that rendering it would give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openai_mockserver import MockOpenAI, Pace, Reply, Request, ToolCall, sse
from openai_mockserver.api.compiled import CompiledSteps, compile_steps
from openai_mockserver.api.compiled_replies import CompiledReplies
from openai_mockserver.api.context import make_context
from openai_mockserver.api.endpoints import ENDPOINTS
from openai_mockserver.dialects import dialects
from openai_mockserver.http1 import wire_frames
from openai_mockserver.reply import Choice
from openai_mockserver.script import Comment, Event, Pause, Raw, Script
from openai_mockserver.seed import Seeded
from openai_mockserver.strategies import replies

CHAT, RESPONSES, COMPLETIONS = "/v1/chat/completions", "/v1/responses", "/v1/completions"
REQUESTS: dict[str, dict[str, Any]] = {
    CHAT: {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]},
    RESPONSES: {"model": "gpt-4o", "input": "Hi"},
    COMPLETIONS: {"model": "gpt-3.5-turbo-instruct", "prompt": "Hi"},
}


def render(
    compiled: CompiledReplies,
    path: str,
    reply: Reply,
    seed: object,
    dialect: str | None = None,
    **more: Any,
) -> Script:
    """The response of an endpoint to a request with these parameters."""
    endpoints, _ = ENDPOINTS.find(path, "POST")
    parameters = REQUESTS[path] | {"stream": True} | more
    context = make_context(parameters, dialect=dialect, rng=Seeded(repr(seed)))
    rendered = compiled.render(endpoints["POST"], reply, context)
    if rendered.make_object is not None:
        made = rendered.make_object()
        assert made["id"] == rendered.id
        if path == RESPONSES and made["status"] == "completed":
            assert made == read_response(rendered.script)
    return rendered.script


def read_response(script: Script) -> Any:
    """The object of a response, as its client gets it."""
    body = sse.body(script.steps)
    if body.startswith(b"{"):
        return json.loads(body)
    *_, last = (event.data for event in sse.decode(body) if event.data != "[DONE]")
    return json.loads(last)["response"]


def agree(path: str, reply: Reply, dialect: str | None = None, **more: Any) -> int:
    """Compare responses of a reply that is known with those of one that never is.

    Gives how many of them were compiled.
    """
    compiled, lazy = CompiledReplies(), 0
    for seed in range(20):
        known = render(compiled, path, reply, seed, dialect, **more)
        fresh = render(CompiledReplies(), path, reply, seed, dialect, **more)
        assert fresh.lazy is None
        lazy += known.lazy is not None
        assert known.head == fresh.head
        assert sse.body(known.steps) == sse.body(fresh.steps)
        assert known == fresh
        for together in (0, 100_000):
            one, other = (
                b"".join(f.data for f in wire_frames(s, "POST", together)) for s in (known, fresh)
            )
            assert one == other
    return lazy


SPOKEN = Reply(["Hello", ", ", "wörld"], finish_reason="stop")
CALLING = Reply(tool_calls=[ToolCall("f", '{"a": 1}'), ToolCall("g", "{}")])
THINKING = Reply(choices=[Choice("Yes.", reasoning="Hm, so it is.", finish_reason="stop")])


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@pytest.mark.parametrize("reply", [SPOKEN, CALLING, THINKING], ids=["text", "calls", "reasoning"])
def test_a_known_reply_is_said_in_the_bytes_of_a_fresh_one(path: str, reply: Reply) -> None:
    assert agree(path, reply) > 10
    assert agree(path, reply, stream_options={"include_obfuscation": False}) > 10


def test_completions_are_compiled_too() -> None:
    assert agree(COMPLETIONS, SPOKEN) > 15
    assert agree(COMPLETIONS, SPOKEN, echo=True, logprobs=2) > 15


@pytest.mark.slow
@pytest.mark.parametrize("name", dialects())
def test_each_dialect_is_compiled(name: str) -> None:
    assert agree(CHAT, SPOKEN, name) > 10
    agree(RESPONSES, SPOKEN, name)
    agree(COMPLETIONS, SPOKEN, name)


@pytest.mark.parametrize("path", REQUESTS)
def test_json_bodies_are_compiled_too(path: str) -> None:
    compiled = CompiledReplies()
    for seed in range(30):
        known = render(compiled, path, SPOKEN, seed, stream=False)
        assert known == render(CompiledReplies(), path, SPOKEN, seed, stream=False)


@given(replies(), st.sampled_from([CHAT, RESPONSES]))
def test_any_reply_is_said_alike(reply: Reply, path: str) -> None:
    compiled = CompiledReplies()
    try:
        expected = render(CompiledReplies(), path, reply, 1, n=len(reply.choices))
    except Exception as error:
        with pytest.raises(type(error)):
            render(compiled, path, reply, 1, n=len(reply.choices))
        return
    for _ in range(3):
        assert render(compiled, path, reply, 1, n=len(reply.choices)) == expected


def test_a_text_that_looks_like_a_value_stays_as_it_is() -> None:
    """The times and ids that a reply is compiled with may be what it says."""
    for text in ("1600000001", "2222222222", "chatcmpl-", '"id":"'):
        agree(CHAT, Reply([text, text], finish_reason="stop"))


def test_requests_that_ask_for_other_things_get_them() -> None:
    with MockOpenAI() as mock:
        mock.reply(CALLING)

        def ask(**more: Any) -> Script:
            body = json.dumps(REQUESTS[CHAT] | {"stream": True} | more).encode()
            return mock.respond(Request("POST", CHAT, body=body)).script

        for _ in range(40):
            ask()
        taken = [{"id": call.id, "type": "function"} for call in CALLING.choices[0].tool_calls]
        for _ in range(3):
            assert '"usage":{' in str(ask(stream_options={"include_usage": True}).events[-2])
            assert '"logprobs":{' in str(ask(logprobs=True).events[0])
            answered = ask(messages=[{"role": "assistant", "tool_calls": taken}])
            assert CALLING.choices[0].tool_calls[0].id not in sse.body(answered.steps).decode()


def test_what_is_compiled_is_bounded() -> None:
    compiled = CompiledReplies(max_bytes=50_000)
    several = [Reply([f"{n} ", "a" * 1000], finish_reason="stop") for n in range(40)]
    for reply in several:
        for _ in range(20):
            render(compiled, CHAT, reply, 1)
    assert 0 < compiled.weight <= 50_000
    for reply in several:
        assert render(compiled, CHAT, reply, 1) == render(CompiledReplies(), CHAT, reply, 1)
    assert compiled.weight <= 50_000


def test_lazy_steps_are_those_they_stand_for() -> None:
    steps = (Event('{"id":"abcd","x":1}'), Comment("wait"), Event("e", event="abcd"), sse.DONE)
    compiled = compile_steps(steps, ["abcd"])
    assert compiled is not None
    lazy = CompiledSteps(compiled, (b"efgh",))
    expected = (Event('{"id":"efgh","x":1}'), Comment("wait"), Event("e", event="efgh"), sse.DONE)
    assert lazy == expected
    assert expected == lazy
    assert hash(lazy) == hash(expected)
    assert repr(lazy) == repr(expected)
    assert lazy[1:] + (Pause(1),) == (*expected[1:], Pause(1))  # noqa: RUF005
    assert (Pause(1),) + lazy == (Pause(1), *expected)  # noqa: RUF005
    assert [*reversed(lazy)] == [*reversed(expected)]
    assert lazy.kinds == bytes([1, 0, 1, 2])
    assert lazy != expected[:-1]
    assert lazy != (*expected[:-1], Event("x"))


@given(st.floats(0, 2), st.floats(0, 0.1), st.floats(0, 1), st.integers())
def test_a_pace_is_the_same_for_lazy_steps(
    ttft: float, itl: float, stall_chance: float, seed: int
) -> None:
    fresh = render(CompiledReplies(), CHAT, SPOKEN, 1)
    compiled = compile_steps(fresh.steps, [])
    assert compiled is not None
    lazy = Script.of_lazy(fresh.head, CompiledSteps(compiled, ()))
    pace = Pace(ttft, itl, itl / 3, seed, stall_chance=stall_chance, stall_seconds=1)
    for one in (pace, Pace(ttft, itl)):
        assert one(lazy) == one(fresh)
        assert one(one(lazy)).seconds == pytest.approx(one(one(fresh)).seconds)
        due, expected = ([f.due for f in wire_frames(one(s))] for s in (lazy, fresh))
        assert due == pytest.approx(expected)
        assert [*reversed(one(lazy).steps)] == [*reversed(one(fresh).steps)]


def test_other_steps_are_not_compiled() -> None:
    assert compile_steps((Raw(b"data: a\n\n"),), []) is None
    assert compile_steps((Raw(b"data: a\r\n\r\n", 1),), []) is not None
    assert compile_steps((Raw(b"data: a\n\ndata: b\n\n", 2),), []) is None
    assert compile_steps((Pause(1), Event("a")), []) is None
    assert compile_steps((Event("a\nb", id="1"),), []) is not None
