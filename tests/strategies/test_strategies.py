"""What is drawn carries its right answer, shrinks to something short and prints as code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import Phase, example, find, given, settings, target
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

import openai_mockserver
from openai_mockserver import (
    ApiError,
    Event,
    MockOpenAI,
    MockServerError,
    Reply,
    Script,
    Stream,
    ToolCall,
    Usage,
    api,
    sse,
)
from openai_mockserver.dialects import dialects
from openai_mockserver.request import Request
from openai_mockserver.script import Raw
from openai_mockserver.strategies import (
    Conversation,
    Turn,
    api_errors,
    conversations,
    faulty,
    partitions,
    replies,
    scripts,
    streams,
    tool_calls,
)
from openai_mockserver.strategies.reply_bytes import KINDS
from openai_mockserver.strategies.strategy import _sending
from openai_mockserver.strategies.variations import ASPECTS, HEAD, NAMES, ON
from openai_mockserver.stream_value import ERRORS
from properties import examples

ENDPOINTS = ("chat/completions", "responses", "completions")
MADE = {
    **vars(openai_mockserver),
    **{name: getattr(openai_mockserver, name) for name in openai_mockserver.__all__},
}
MADE |= {"Conversation": Conversation, "Turn": Turn}


def said(reply: Reply) -> object:
    """What a reply says; an empty text says as little as none."""
    choices = [
        (
            str(choice.text or ""),
            str(choice.reasoning or ""),
            str(choice.refusal or ""),
            [(call.id, call.name, str(call.arguments)) for call in choice.tool_calls],
            choice.function_call,
            choice.finish_reason,
        )
        for choice in reply.choices
    ]
    return choices, reply.usage, reply.error


def heard(stream: Stream, end: bytes = b"\n\n") -> object:
    """What our own reader makes of a stream, which may lack its last blank line."""
    read = api.read(Script(stream.script.head, (Raw(stream.bytes() + end),)))
    assert isinstance(read, Reply)
    return said(read)


# The right answer


@pytest.mark.hypothesis
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_stream_says_its_reply_whatever_its_habits_and_reads(endpoint: str) -> None:
    @settings(max_examples=examples(500))
    @given(streams(endpoint=endpoint))
    def property(stream: Stream) -> None:
        assert heard(stream) == said(stream.reply)
        assert b"".join(stream.reads()) == stream.bytes()
        assert stream.error is None

    property()


@given(replies(), st.data())
def test_a_reply_of_ones_own_is_said(reply: Reply, data: st.DataObject) -> None:
    stream = data.draw(streams(reply, quirks=False))
    assert said(stream.reply) == said(reply) == heard(stream)


@given(streams(st.text(max_size=9), quirks=False), streams(ToolCall("f", {"a": 1})))
def test_what_people_write_is_a_reply(text: Stream, call: Stream) -> None:
    assert heard(text) == said(text.reply)
    assert [one.name for one in call.reply.tool_calls] == ["f"]


@given(replies())
def test_usage_counts_the_pieces(reply: Reply) -> None:
    if reply.usage is not None:
        texts = [text for c in reply.choices for text in (c.text, c.reasoning, c.refusal) if text]
        texts += [call.arguments for c in reply.choices for call in c.tool_calls]
        texts += [c.function_call.arguments for c in reply.choices if c.function_call]
        assert reply.usage.completion_tokens == sum(len(text.pieces) for text in texts)


@settings(max_examples=examples(500))
@given(streams().flatmap(faulty))
def test_what_is_expected_of_a_broken_stream(stream: Stream) -> None:
    """A fault that does no harm leaves the answer, any other part of it and an error."""
    assert stream.error is None or stream.error in ERRORS
    if stream.error is None:
        assert heard(stream) == said(stream.reply)
    elif stream.error == "malformed":
        with pytest.raises(ValueError):
            for event in sse.decode(stream.bytes()):
                json.loads(event.data)
    else:
        assert heard(stream, end=b"") == said(stream.reply)
        assert (stream.reply.error is not None) == (stream.error == "api")
    ends = {"connection": "reset", "timeout": "hold"}
    if stream.error in ends:
        assert stream.script.end == ends[stream.error]


@settings(max_examples=examples(500))
@given(scripts().flatmap(lambda stream: faulty(stream, http=True)))
def test_http_goes_wrong_where_it_is_wanted(stream: Stream) -> None:
    if not stream.script.is_stream:
        assert stream.error == "api"
        assert stream.reply.error is not None
        assert stream.script.head.status >= 400
    if stream.error == "connection" and not any(map(sse.count_events, stream.script.steps)):
        assert said(stream.reply) == said(Reply(finish_reason=None))


@pytest.mark.parametrize("error", ERRORS)
def test_every_kind_of_error_is_drawn(error: str) -> None:
    assert find(scripts().flatmap(faulty), lambda stream: stream.error == error).error == error


@given(scripts(), st.data())
def test_a_partition_has_the_same_bytes(stream: Stream, data: st.DataObject) -> None:
    cut = data.draw(partitions(stream))
    assert b"".join(cut.reads()) == stream.bytes() == cut.bytes()
    assert cut.reply == stream.reply


def test_a_script_without_an_answer_is_read() -> None:
    script = Script(steps=(Event('{"choices":[{"index":0,"delta":{"content":"a"}}]}'),))
    assert find(partitions(script), lambda stream: True).reply.text == "a"
    assert find(faulty(script), lambda stream: stream.error == "incomplete").reply.text is None
    ready = openai_mockserver.stream("tool-call")
    assert find(partitions(ready), lambda stream: len(stream.reads()) > 20).reply == ready.reply


# Which are drawn


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_replies(kind: str) -> None:
    plain = find(replies([kind]), lambda reply: True)
    assert plain.usage is None
    assert plain.finish_reason in ("stop", "tool_calls", "function_call")
    assert [c.name for c in plain.tool_calls] == ["f"] * ("tool_calls" in kind)


def test_every_habit_has_bytes_that_turn_it_on() -> None:
    """Of all bytes of a stream, one at a time is on."""
    size, made = _sending("chat/completions", quirks=True, without=(), partition=0)
    drawn = [
        made(bytes(at) + bytes([value]) + bytes(size - at - 1))
        for at in range(size)
        for value in range(ON, 256)
    ]
    assert not set(NAMES) - {name for one in drawn for name in one.description.split("; ")}


@pytest.mark.slow
def test_every_habit_is_drawn() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=8000, database=None, derandomize=True, phases=[Phase.generate])
    @given(scripts())
    def property(stream: Stream) -> None:
        seen.update(stream.description.split("; "))

    property()
    assert not set(NAMES) - set(seen)


@pytest.mark.hypothesis
@pytest.mark.parametrize("unwanted", [NAMES[::2], NAMES[1::2], ("bom", "azure", "mistral")])
def test_habits_and_dialects_can_be_done_without(unwanted: Sequence[str]) -> None:
    @settings(max_examples=examples(500))
    @given(scripts(without=unwanted))
    def property(stream: Stream) -> None:
        assert not set(unwanted) & set(stream.description.split("; "))

    property()


@given(scripts(quirks=False))
def test_without_quirks_all_is_lawful(stream: Stream) -> None:
    quirks = {habit.name for aspect in ASPECTS for habit in aspect.habits if habit.quirk}
    assert not quirks & set(stream.description.split("; "))
    assert not set(dialects()) & set(stream.description.split("; "))
    decoder = sse.Decoder()
    assert decoder.feed(stream.bytes())[-1].data == "[DONE]"
    assert not decoder.pending


@given(api_errors([418, 429, 451]))
def test_errors_of_these_statuses(error: ApiError) -> None:
    assert error.status in (418, 429, 451)


WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


@pytest.mark.hypothesis
@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "weather", "parameters": WEATHER}},
        {"type": "function", "name": "weather", "parameters": WEATHER},
    ],
    ids=["chat", "responses"],
)
def test_calls_conform_to_the_tools_that_are_offered(tool: Mapping[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")

    @given(tool_calls([tool]))
    def property(call: ToolCall) -> None:
        assert call.name == "weather"
        jsonschema.validate(call.parsed, WEATHER)

    property()
    assert find(tool_calls([tool]), lambda call: True).parsed == {"city": "a", "days": 1}


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: replies(["songs"]), "no kind of reply is called 'songs'; there are text"),
        (lambda: scripts(endpoint="embeddings"), "no endpoint is called 'embeddings'"),
        (lambda: scripts(without=["a bom"]), "no habit or dialect is called 'a bom'"),
        (lambda: conversations(endpoint="completions"), "calls no tools"),
        (lambda: tool_calls([]), "calls are of functions that are offered"),
        (lambda: tool_calls([{"type": "web_search"}]), "'web_search'} is none"),
        (lambda: streams(ApiError(500)), "an API error is no stream"),
        (lambda: streams(b"bytes"), "a reply must be a string"),
    ],
)
def test_what_is_not_known_is_said_when_the_strategy_is_made(make: Any, told: str) -> None:
    with pytest.raises(MockServerError, match=told):
        make()


# Shrinking and printing


def test_the_plainest_of_all() -> None:
    assert find(replies(), lambda reply: True) == Reply("a")
    assert find(tool_calls(), lambda call: True) == ToolCall("f", "{}", "call_1")
    assert find(api_errors(), lambda error: True).status == 400
    assert len(find(scripts(), lambda stream: True).script.steps) == 3
    assert len(find(conversations(), lambda talk: True).streams) == 1


@given(st.one_of(replies(), tool_calls(), api_errors(), streams().flatmap(faulty), conversations()))
def test_what_is_drawn_prints_as_code(value: object) -> None:
    assert eval(repr(value), dict(MADE)) == value
    if isinstance(value, Stream | Conversation):
        assert eval(value.code(), dict(MADE)) == value


def test_a_failing_example_is_printed_to_be_pasted() -> None:
    @settings(database=None, derandomize=True)
    @given(stream=scripts())
    def property(stream: Stream) -> None:
        assert stream.reply.usage is None

    with pytest.raises(AssertionError) as failed:
        property()
    (told,) = (note for note in failed.value.__notes__ if "property(" in note)
    pasted = told[told.index("property(") :].partition("\nExplanation:")[0]
    drawn: list[Stream] = []
    eval(pasted, MADE | {"property": lambda stream: drawn.append(stream)})
    assert [stream.reply for stream in drawn] == [Reply("a", usage=Usage(1, 1))]


def test_strategies_work_with_the_rest_of_hypothesis() -> None:
    """@example, target() and state machines."""
    seen: list[Stream] = []
    own = Stream(Script(steps=(Event("[DONE]"),)), Reply(finish_reason=None))

    @settings(max_examples=50)
    @given(scripts())
    @example(own)
    def property(stream: Stream) -> None:
        seen.append(stream)
        target(float(len(stream.script.steps)))

    property()
    assert own in seen

    class Machine(RuleBasedStateMachine):
        @rule(stream=streams(), reply=replies())
        def draw(self, stream: Stream, reply: Reply) -> None:
            assert heard(stream) == said(stream.reply)

    Machine.TestCase.settings = settings(Machine.TestCase.settings, max_examples=10)
    Machine.TestCase("runTest").debug()


def test_what_bytes_mean_does_not_depend_on_the_process() -> None:
    code = (
        "from hypothesis import HealthCheck, given, settings\n"
        "from openai_mockserver.strategies import conversations, streams\n"
        "@settings(max_examples=20, database=None, derandomize=True, deadline=None,\n"
        "          suppress_health_check=list(HealthCheck))\n"
        "@given(streams(), streams(endpoint='responses'), conversations())\n"
        "def show(one, other, talk): print(one, other, talk)\n"
        "show()"
    )
    command = [sys.executable, "-c", code]
    shown = {
        subprocess.run(
            command, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, text=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(shown) == 1


# Conversations


@given(conversations())
def test_a_conversation_is_what_a_right_agent_has(talk: Conversation) -> None:
    mock = MockOpenAI()
    mock.reply(*talk.streams)
    messages: list[dict[str, Any]] = []
    for turn in talk.turns:
        messages.append({"role": "user", "content": turn.user})
        while messages[-1]["role"] != "assistant":
            asked = {"model": "gpt-4o", "stream": True, "messages": messages}
            request = Request("POST", "/v1/chat/completions", body=json.dumps(asked).encode())
            body = sse.body(mock.respond(request).script.steps)
            reply = api.read(Script(HEAD, (Raw(body + b"\n\n"),)))
            assert isinstance(reply, Reply)
            messages.append(message(reply))
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": turn.results[call.id]}
                for call in reply.tool_calls
            ]
    assert messages == [said | {"content": said["content"] or ""} for said in talk.messages]
    ids = [call.id for stream in talk.streams for call in stream.reply.tool_calls]
    assert len(set(ids)) == len(ids)


def message(reply: Reply) -> dict[str, Any]:
    """The message of an assistant that says this."""
    said: dict[str, Any] = {"role": "assistant", "content": reply.text or ""}
    if reply.tool_calls:
        said["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in reply.tool_calls
        ]
    return said


def test_a_package_without_hypothesis_says_what_is_missing() -> None:
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "from openai_mockserver import MissingDependency\n"
        "try: import openai_mockserver.strategies\n"
        "except MissingDependency as told: print(told)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "this needs the hypothesis package: pip install hypothesis"
