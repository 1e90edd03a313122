"""Drawn streams have the right answer, shrink to something short and print as code."""

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
from openai_mockserver.faults.habits import ASPECTS, HABITS
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
from openai_mockserver.strategies.strategy import _prepare_streams
from openai_mockserver.strategies.variations import HEAD, ON
from openai_mockserver.stream_value import ERRORS
from properties import examples

ENDPOINTS = ("chat/completions", "responses", "completions")
NAMESPACE = {
    **vars(openai_mockserver),
    **{name: getattr(openai_mockserver, name) for name in openai_mockserver.__all__},
}
NAMESPACE |= {"Conversation": Conversation, "Turn": Turn}


def content_of(reply: Reply) -> object:
    """Return the content of a reply; an empty text counts as none."""
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


def read_content(stream: Stream, end: bytes = b"\n\n") -> object:
    """Return the content that our reader finds in a stream, which may lack its last blank line."""
    read = api.read(Script(stream.script.head, (Raw(stream.bytes() + end),)))
    assert isinstance(read, Reply)
    return content_of(read)


# The right answer


@pytest.mark.hypothesis
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_stream_has_its_reply_with_all_habits_and_reads(endpoint: str) -> None:
    @settings(max_examples=examples(500))
    @given(streams(endpoint=endpoint))
    def property(stream: Stream) -> None:
        assert read_content(stream) == content_of(stream.reply)
        assert b"".join(stream.reads()) == stream.bytes()
        assert stream.error is None

    property()


@given(replies(), st.data())
def test_a_stream_has_the_reply_of_the_user(reply: Reply, data: st.DataObject) -> None:
    stream = data.draw(streams(reply, quirks=False))
    assert content_of(stream.reply) == content_of(reply) == read_content(stream)


@given(streams(st.text(max_size=9), quirks=False), streams(ToolCall("f", {"a": 1})))
def test_short_forms_become_a_reply(text: Stream, call: Stream) -> None:
    assert read_content(text) == content_of(text.reply)
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
def test_a_broken_stream_has_the_result_to_expect(stream: Stream) -> None:
    """A harmless fault leaves the answer, any other fault a part of it and an error."""
    assert stream.error is None or stream.error in ERRORS
    if stream.error is None:
        assert read_content(stream) == content_of(stream.reply)
    elif stream.error == "malformed":
        with pytest.raises(ValueError):
            for event in sse.decode(stream.bytes()):
                json.loads(event.data)
    else:
        assert read_content(stream, end=b"") == content_of(stream.reply)
        assert (stream.reply.error is not None) == (stream.error == "api")
    ends = {"connection": "reset", "timeout": "hold"}
    if stream.error in ends:
        assert stream.script.end == ends[stream.error]


@settings(max_examples=examples(500))
@given(scripts().flatmap(lambda stream: faulty(stream, http=True)))
def test_faults_of_http_are_drawn_on_request(stream: Stream) -> None:
    if not stream.script.is_stream:
        assert stream.error == "api"
        assert stream.reply.error is not None
        assert stream.script.head.status >= 400
    if stream.error == "connection" and not any(map(sse.count_events, stream.script.steps)):
        assert content_of(stream.reply) == content_of(Reply(finish_reason=None))


@pytest.mark.slow
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
    plain = find(partitions(script), lambda stream: True)
    assert (plain.reply.text, plain.error) == ("a", None)
    assert find(faulty(script), lambda stream: stream.error == "incomplete").reply.text is None
    ready = openai_mockserver.stream("tool-call")
    assert find(partitions(ready), lambda stream: len(stream.reads()) > 20).reply == ready.reply


# What is drawn


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_replies(kind: str) -> None:
    plain = find(replies([kind]), lambda reply: True)
    assert plain.usage is None
    assert plain.finish_reason in ("stop", "tool_calls", "function_call")
    assert [c.name for c in plain.tool_calls] == ["f"] * ("tool_calls" in kind)


def test_every_habit_has_bytes_that_turn_it_on() -> None:
    """Build a stream for each position and value of a single byte that is not 0."""
    size, build = _prepare_streams("chat/completions", quirks=True, without=(), partition=0)
    drawn_streams = [
        build(bytes(at) + bytes([value]) + bytes(size - at - 1))
        for at in range(size)
        for value in range(ON, 256)
    ]
    assert not set(HABITS) - {name for one in drawn_streams for name in one.description.split("; ")}


@pytest.mark.slow
def test_every_habit_is_drawn() -> None:
    counts: Counter[str] = Counter()

    @settings(max_examples=8000, database=None, derandomize=True, phases=[Phase.generate])
    @given(scripts())
    def property(stream: Stream) -> None:
        counts.update(stream.description.split("; "))

    property()
    assert not set(HABITS) - set(counts)


@pytest.mark.hypothesis
@pytest.mark.parametrize(
    "excluded_names", [[*HABITS][::2], [*HABITS][1::2], ("bom", "azure", "mistral")]
)
def test_habits_and_dialects_can_be_excluded(excluded_names: Sequence[str]) -> None:
    @settings(max_examples=examples(500))
    @given(scripts(without=excluded_names))
    def property(stream: Stream) -> None:
        assert not set(excluded_names) & set(stream.description.split("; "))

    property()


@given(scripts(quirks=False))
def test_without_quirks_all_is_lawful(stream: Stream) -> None:
    quirks = {habit.name for aspect in ASPECTS for habit in aspect.habits if habit.is_quirk}
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
def test_calls_conform_to_the_tools_of_the_request(tool: Mapping[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")

    @given(tool_calls([tool]))
    def property(call: ToolCall) -> None:
        assert call.name == "weather"
        jsonschema.validate(call.parsed, WEATHER)

    property()
    assert find(tool_calls([tool]), lambda call: True).parsed == {"city": "a", "days": 1}


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (lambda: replies(["songs"]), "unknown kind of reply 'songs': must be one of text"),
        (lambda: scripts(endpoint="embeddings"), "unknown endpoint 'embeddings'"),
        (lambda: scripts(without=["a bom"]), "unknown habit or dialect 'a bom'"),
        (
            lambda: conversations(endpoint="completions"),
            "endpoint='completions': this endpoint has no tool calls",
        ),
        (lambda: tool_calls([]), "tools must hold at least one function"),
        (lambda: tool_calls([{"type": "web_search"}]), "not {'type': 'web_search'}"),
        (lambda: streams(ApiError(500)), "an API error is not a stream"),
        (lambda: streams(b"bytes"), "a reply must be a string"),
    ],
)
def test_unknown_names_are_refused_when_the_strategy_is_created(create: Any, message: str) -> None:
    with pytest.raises(MockServerError, match=message):
        create()


# Shrinking and printing


def test_the_plainest_values() -> None:
    assert find(replies(), lambda reply: True) == Reply("a")
    assert find(tool_calls(), lambda call: True) == ToolCall("f", "{}", "call_1")
    assert find(api_errors(), lambda error: True).status == 400
    assert len(find(scripts(), lambda stream: True).script.steps) == 3
    assert len(find(conversations(), lambda talk: True).streams) == 1


@given(st.one_of(replies(), tool_calls(), api_errors(), streams().flatmap(faulty), conversations()))
def test_drawn_values_print_as_code(value: object) -> None:
    assert eval(repr(value), dict(NAMESPACE)) == value
    if isinstance(value, Stream | Conversation):
        assert eval(value.code(), dict(NAMESPACE)) == value


def test_a_failing_example_is_printed_as_code_to_paste() -> None:
    @settings(database=None, derandomize=True)
    @given(stream=scripts())
    def property(stream: Stream) -> None:
        assert stream.reply.usage is None

    with pytest.raises(AssertionError) as error:
        property()
    (note,) = (note for note in error.value.__notes__ if "property(" in note)
    code = note[note.index("property(") :].partition("\nExplanation:")[0]
    results: list[Stream] = []
    eval(code, NAMESPACE | {"property": lambda stream: results.append(stream)})
    assert [stream.reply for stream in results] == [Reply("a", usage=Usage(1, 1))]


def test_strategies_work_with_the_rest_of_hypothesis() -> None:
    """They work with @example, target() and state machines."""
    drawn_streams: list[Stream] = []
    own = Stream(Script(steps=(Event("[DONE]"),)), Reply(finish_reason=None))

    @settings(max_examples=50)
    @given(scripts())
    @example(own)
    def property(stream: Stream) -> None:
        drawn_streams.append(stream)
        target(float(len(stream.script.steps)))

    property()
    assert own in drawn_streams

    class Machine(RuleBasedStateMachine):
        @rule(stream=streams(), reply=replies())
        def draw(self, stream: Stream, reply: Reply) -> None:
            assert read_content(stream) == content_of(stream.reply)

    Machine.TestCase.settings = settings(Machine.TestCase.settings, max_examples=10)
    Machine.TestCase("runTest").debug()


@pytest.mark.slow
def test_the_meaning_of_bytes_does_not_depend_on_the_process() -> None:
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
    outputs = {
        subprocess.run(
            command, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, text=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


# Conversations


@given(conversations())
def test_a_conversation_has_the_messages_of_a_correct_agent(talk: Conversation) -> None:
    mock = MockOpenAI()
    mock.reply(*talk.streams)
    messages: list[dict[str, Any]] = []
    for turn in talk.turns:
        messages.append({"role": "user", "content": turn.user})
        while messages[-1]["role"] != "assistant":
            parameters = {"model": "gpt-4o", "stream": True, "messages": messages}
            request = Request("POST", "/v1/chat/completions", body=json.dumps(parameters).encode())
            body = sse.body(mock.respond(request).script.steps)
            reply = api.read(Script(HEAD, (Raw(body + b"\n\n"),)))
            assert isinstance(reply, Reply)
            messages.append(assistant_message(reply))
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": turn.results[call.id]}
                for call in reply.tool_calls
            ]
    assert messages == [m | {"content": m["content"] or ""} for m in talk.messages]
    ids = [call.id for stream in talk.streams for call in stream.reply.tool_calls]
    assert len(set(ids)) == len(ids)


def assistant_message(reply: Reply) -> dict[str, Any]:
    """Return the assistant message of a reply."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or ""}
    if reply.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in reply.tool_calls
        ]
    return message


def test_a_package_without_hypothesis_says_what_is_missing() -> None:
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "from openai_mockserver import MissingDependency\n"
        "try: import openai_mockserver.strategies\n"
        "except MissingDependency as error: print(error)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "this needs the hypothesis package: pip install hypothesis"
