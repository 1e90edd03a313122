"""The findings: mistakes of consumers, each with its smallest stream and its cause.

Rules of this file: data only. Every finding is expected of the versions listed here; if a newer one
fixes it, a test fails. A finding explains a sentence of the judge if its pattern matches the
sentence *and* the stream has its sign. A sign that occurs with anything else, such as a byte order
mark, may explain any sentence; other mistakes also show in streams without it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from findings import signs
from openai_mockserver import Choice, Event, Raw, Reply, Script, Stream, ToolCall, Usage
from openai_mockserver.dialects import usage
from openai_mockserver.judge import AnsweredStream
from openai_mockserver.script import Step
from openai_mockserver.sse import DONE
from openai_mockserver.strategies.variations import HEAD

__all__ = ["FOUND", "VERSIONS", "Finding", "find_unexplained"]


LOST = r"when the error comes, not|loses what the API said"


@dataclass(frozen=True, eq=False)
class Finding:
    """A mistake of a consumer.

    Args:
        title: the property of the stream that it is about.
        stream: the smallest stream that Hypothesis found, or a shorter one.
        says: a pattern for the judge's sentence.
        shows: the sign by which other streams can show it.
        cause: its cause, as far as it is known.
        lawful: whether OpenAI's schema and the event-stream format allow the stream.
        citation: where it is reported.
    """

    title: str
    stream: Stream
    says: str
    shows: signs.Sign
    cause: str
    lawful: bool
    citation: str = ""

    def explains(self, stream: AnsweredStream, sentence: str) -> bool:
        """Whether this explains a sentence about a stream.

        A consumer that raises too early also loses what precedes an error of the stream.
        """
        says = f"{self.says}|{LOST}" if "raises" in self.says else self.says
        return re.search(says, sentence, re.DOTALL) is not None and self.shows(stream)


def find_unexplained(consumer: str, stream: AnsweredStream, sentences: Iterable[str]) -> list[str]:
    """Return the sentences about a stream that no finding explains."""
    findings = FOUND.get(consumer, ())
    return [
        sentence
        for sentence in sentences
        if not any(one.explains(stream, sentence) for one in findings)
    ]


# The streams, with the bytes of the findings


def chunk(
    delta: Mapping[str, Any] | None,
    finish_reason: str | None = None,
    choice: int = 0,
    **more: Any,
) -> Event:
    """Return a chunk of a chat, with one choice or none."""
    members = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-mini",
        "choices": [{"index": choice, "delta": delta, "finish_reason": finish_reason}],
    }
    fields = {name: value for name, value in (members | more).items() if value is not ...}
    return Event(json.dumps(fields, ensure_ascii=False, separators=(",", ":")))


def call(*, arguments: str = "{}", **more: Any) -> dict[str, Any]:
    """Return the first fragment of a call."""
    members = {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "f", "arguments": arguments},
    }
    return {name: value for name, value in (members | more).items() if value is not ...}


def calls(*fragments: Mapping[str, Any], **delta: Any) -> Event:
    """Return a chunk of calls."""
    return chunk(delta | {"tool_calls": fragments})


def call_first(*fragments: Mapping[str, Any]) -> Event:
    """Return the first chunk, with calls."""
    return calls(*fragments, **FIRST)


def make_stream(*steps: Step, reply: Reply) -> Stream:
    """Return a stream of these steps and [DONE]."""
    return Stream(Script(HEAD, (*steps, DONE)), reply)


FIRST: dict[str, Any] = {"role": "assistant"}
A = chunk(FIRST | {"content": "a"})
A_LATER = chunk({"content": "a"})
STOP = chunk({}, "stop")
A_AND_STOP = chunk(FIRST | {"content": "a"}, "stop")
CALLED = chunk({}, "tool_calls")
SAID_A = Reply("a", finish_reason="stop")
CALL = Reply(tool_calls=[ToolCall("f", "{}", id="call_1")], finish_reason="tool_calls")
CALL_IN_PIECES = Reply(
    tool_calls=[ToolCall("f", ["", "{}"], id="call_1")], finish_reason="tool_calls"
)
CALL_TWICE = Reply(
    tool_calls=[ToolCall("f", "{}", id="call_1"), ToolCall("f", "{}", id="call_2")],
    finish_reason="tool_calls",
)
SPOKEN = {"message": {"role": "assistant", "content": None}}
THOUGHT = [{"type": "text", "text": "a"}]
COUNTED = Usage(1, 1)
USED = usage.write(COUNTED)

BOM = Finding(
    "a byte order mark",
    make_stream(Raw(b"\xef\xbb\xbfdata: " + A.data.encode() + b"\n\n", 1), STOP, reply=SAID_A),
    "",
    signs.starts_with_bom,
    "the mark is read as part of the first field's name, and that event is dropped",
    lawful=True,
    citation="https://github.com/openai/openai-python/pull/3819",
)
NO_DATA = Finding(
    "a field without data, and a blank line",
    make_stream(Raw(b"retry: 3000\n\n", 0), A, STOP, reply=SAID_A),
    r"^raises .*Expecting value",
    signs.block_without_data,
    "an event without data is dispatched all the same, and read as JSON",
    lawful=True,
    citation="https://github.com/openai/openai-python/issues/2722",
)

AFTER_ID = Finding(
    "a comment, or one blank line more, after an event with an `id`",
    make_stream(Event(A.data, id="1"), Raw(b": ping\n\n", 0), STOP, reply=SAID_A),
    r"^raises .*Expecting value",
    signs.nothing_after_id,
    "as the last id is kept, the blank line is taken for the end of an event, which has no data",
    lawful=True,
    citation="https://github.com/openai/openai-python/pull/3839",
)
UNENDED = Finding(
    "a last event without its blank line",
    Stream(Script(HEAD, (A, Raw(b"data: " + STOP.data.encode() + b"\n", 0))), SAID_A),
    "",
    signs.last_event_unended,
    "as the event-stream standard has it, which discards what no blank line ends",
    lawful=False,
)
UNENDED_ALONE = replace(
    UNENDED,
    stream=Stream(Script(HEAD, (Raw(b"data: " + A_AND_STOP.data.encode() + b"\n", 0),)), SAID_A),
)
HELD_BACK = Finding(
    "a CR that ends a read, and then silence",
    Stream(
        Script(HEAD, (Raw(b"data: " + A.data.encode() + b"\r\r", 1),), end="hold"),
        Reply("a", finish_reason=None),
        "timeout",
    ),
    r"when the error comes",
    signs.carriage_returns,
    "the CR is kept for the LF that may follow, and with it the event that it completes",
    lawful=True,
)
EMPTY_REASON = Finding(
    "an empty `finish_reason` after the real one",
    make_stream(
        chunk(FIRST | {"content": "a"}, ""),
        STOP,
        chunk({}, "", usage=USED),
        reply=Reply("a", finish_reason="stop", usage=COUNTED),
    ),
    r"^finish_reason is 'other'",
    signs.finish_not_last,
    "the last that is not null counts",
    lawful=False,
)
UNFINISHED = Finding(
    "a body that ends before the answer does",
    Stream(Script(HEAD, (A,)), Reply("a", finish_reason=None), "incomplete"),
    r"^raises nothing, though .* \(incomplete\)|^finish_reason is 'stop', not None",
    signs.body_incomplete,
    "where no reason to finish came, it tells `stop`",
    lawful=False,
)
PARTS = Finding(
    "`content` as a list of parts",
    make_stream(
        chunk(FIRST | {"content": ""}),
        chunk({"content": [{"type": "thinking", "thinking": THOUGHT}]}),
        A_LATER,
        STOP,
        reply=Reply("a", reasoning="a", finish_reason="stop"),
    ),
    r"^text is|^reasoning is",
    signs.content_in_parts,
    "a list is taken for text",
    lawful=False,
)
CUT_OFF = Finding(
    "arguments that are cut off by the length",
    make_stream(
        call_first(call(arguments='{"a')),
        chunk({}, "length"),
        reply=Reply(tool_calls=[ToolCall("f", '{"a', id="call_1")], finish_reason="length"),
    ),
    r"^gives a tool the arguments",
    signs.arguments_cut_off,
    "they are completed by a parser of partial JSON",
    lawful=True,
)
CR_AT_END = Finding(
    "a body that ends with CR",
    Stream(Script(HEAD, (A, Raw(b"data: " + STOP.data.encode() + b"\r\r", 1))), SAID_A),
    "",
    signs.ends_with_cr,
    "the CR is kept for the LF that may follow, and dropped with the event at the end",
    lawful=True,
)
HELD_BACK_LATER = replace(
    HELD_BACK,
    stream=Stream(
        Script(
            HEAD,
            (
                Raw(b"data: " + A.data.encode() + b"\r\r", 1),
                Raw(b"data: " + A_LATER.data.encode() + b"\r\r", 1),
            ),
            end="hold",
        ),
        Reply(["a", "a"], finish_reason=None),
        "timeout",
    ),
)
OPENAI = (BOM, NO_DATA, AFTER_ID)
"""What is of the event parser of OpenAI's SDK for Python, and so of all that stand on it."""

NO_INDEX = Finding(
    "a tool call without `index`",
    make_stream(call_first(call(index=...)), CALLED, reply=CALL),
    "",
    signs.call_without_index,
    "calls are told apart by their index alone",
    lawful=False,
)
FROM_ONE = Finding(
    "an `index` of tool calls that begins at 1",
    make_stream(call_first(call(index=1)), CALLED, reply=CALL),
    "",
    signs.call_index_ahead,
    "a call is appended, and looked for at its index",
    lawful=False,
)
ONE_INDEX = Finding(
    "tool calls whose `index` is always 0",
    make_stream(call_first(call()), calls(call(id="call_2")), CALLED, reply=CALL_TWICE),
    r"^one call|^\d+ calls|^gives a tool|^arguments of call|^the name of call|^call \d has the id",
    signs.call_index_again,
    "calls are told apart by their index alone, and become one",
    lawful=False,
)
SAME_ID = Finding(
    "the `id` of a tool call in every fragment",
    make_stream(
        call_first(call(arguments="")),
        calls({"index": 0, "function": {"arguments": "{}"}, "id": "call_1"}),
        CALLED,
        reply=CALL_IN_PIECES,
    ),
    r"^call \d+ has the id '(.+)\1+'",
    signs.id_in_every_fragment,
    "ids are joined like arguments",
    lawful=True,
)
SUMMED = Finding(
    "usage in more than one chunk",
    make_stream(
        chunk(FIRST | {"content": "a"}, usage=USED),
        chunk({}, "stop", usage=USED),
        reply=Reply("a", finish_reason="stop", usage=COUNTED),
    ),
    r"^usage is \d+ \+ \d+ tokens",
    signs.usage_again,
    "the counts of all chunks are added, where each has all that was used so far",
    lawful=False,
)

USED_ELSEWHERE = Finding(
    "usage only in a member of the provider",
    make_stream(
        A,
        chunk({}, "stop", x_groq={"id": "req_1", "usage": USED}),
        reply=Reply("a", finish_reason="stop", usage=COUNTED),
    ),
    r"^usage is lost",
    signs.usage_elsewhere,
    "only `usage` is read, not `x_groq`, where Groq had it until 2025",
    lawful=False,
)

EMPTY_EVENT = r"^raises MalformedEvent\(\"Input data was truncated: ''\"\)"

FOUND: dict[str, tuple[Finding, ...]] = {
    "openai": (
        *OPENAI,
        UNENDED,
        replace(
            NO_INDEX,
            says=r"^raises TypeError\('list indices must be integers or slices, not NoneType'\)",
            cause="the index, which is None, is that of a list",
            citation="https://github.com/openai/openai-python/issues/2806",
        ),
        replace(FROM_ONE, says=r"^raises IndexError\('list index out of range'\)"),
        ONE_INDEX,
        SAME_ID,
        USED_ELSEWHERE,
        Finding(
            "a `type` of a tool call that is null later",
            make_stream(
                call_first(call(arguments="")),
                calls({"index": 0, "type": None, "function": {"arguments": "{}"}}),
                CALLED,
                reply=CALL_IN_PIECES,
            ),
            r"^raises AssertionError\(''\)",
            signs.call_type_null,
            "null takes the place of the type that was told, and is not the one that is asserted",
            lawful=False,
        ),
        Finding(
            "a choice without `delta`",
            make_stream(
                A,
                chunk(None, choices=[{"index": 0, "finish_reason": None}]),
                STOP,
                reply=SAID_A,
            ),
            r"^raises AttributeError\(\"'NoneType' object has no attribute 'to_dict'\"\)",
            signs.choice_without_delta,
            "the delta, which is None, is added to what came before",
            lawful=False,
            citation="https://github.com/openai/openai-python/issues/2313",
        ),
        Finding(
            "`created` with decimals",
            make_stream(
                chunk(FIRST | {"content": "a"}, created=1700000000.25),
                chunk({}, "stop", created=1700000000.25),
                reply=SAID_A,
            ),
            r"^raises UserWarning\('Pydantic serializer warnings",
            signs.created_with_decimals,
            "what is accumulated is not of its model's types; this is a warning, an error in tests",
            lawful=False,
        ),
        replace(
            PARTS,
            says=r"^raises UserWarning\('Pydantic serializer warnings|^reasoning is",
            cause="as of `created`; after the warning, what is no text is lost",
        ),
        Finding(
            "`object` is empty or missing",
            make_stream(
                chunk(FIRST | {"content": "a"}, object=""),
                chunk({}, "stop", object=""),
                reply=SAID_A,
            ),
            r"^raises AssertionError\(''\)",
            signs.object_differs,
            "it is asserted",
            lawful=False,
        ),
    ),
    "httpx-sse": (
        replace(BOM, citation=""),
        replace(
            NO_DATA,
            says=EMPTY_EVENT,
            cause="an event without data is dispatched all the same",
            citation="https://github.com/florimondmanca/httpx-sse/pull/36",
        ),
        replace(
            AFTER_ID,
            says=EMPTY_EVENT,
            citation="https://github.com/florimondmanca/httpx-sse/pull/46",
        ),
        UNENDED,
        HELD_BACK,
    ),
    "openai-node": (
        UNENDED,
        Finding(
            "no `role`",
            make_stream(chunk({"content": "a"}), STOP, reply=SAID_A),
            r"^raises OpenAIError\('missing role for choice \d'\)",
            signs.without_role,
            "a completion has to have a role",
            lawful=True,
            citation="https://github.com/CommandCodeAI/BaseAI/issues/105",
        ),
        Finding(
            "a `message` beside the `delta`",
            make_stream(
                chunk(None, choices=[{"index": 0, "delta": FIRST | {"content": "a"}, **SPOKEN}]),
                chunk(None, choices=[{"index": 0, "delta": {}, "finish_reason": "stop", **SPOKEN}]),
                reply=SAID_A,
            ),
            "",
            signs.message_beside_delta,
            "unknown members are assigned to the choice, and `message` is what was accumulated",
            lawful=False,
        ),
        Finding(
            "an empty `id`",
            make_stream(
                chunk(FIRST | {"content": "a"}, id=""),
                chunk({}, "stop", id=""),
                chunk(None, choices=[], usage=USED, id=""),
                reply=Reply("a", finish_reason="stop", usage=COUNTED),
            ),
            r"^usage is (lost|\d+ \+ \d+ tokens)",
            signs.id_empty,
            "of a later chunk without an id nothing is taken but its choices",
            lawful=True,
        ),
        Finding(
            "a tool call without `type`",
            make_stream(call_first(call(type=...)), CALLED, reply=CALL),
            r"^raises OpenAIError\('(tool call snapshot missing `type`|missing choices.*type)'\)",
            signs.without_call_type,
            "a call has to have a type",
            lawful=True,
        ),
        replace(
            NO_INDEX,
            says=r"^no calls|^one call|^\d+ calls",
            cause="a call is put at its index in a list, which none is no place in",
        ),
        replace(
            FROM_ONE,
            says=r"^raises OpenAIError.*undefined \(reading 'type'\)",
            cause="a call is put at its index in a list, where the place before it stays empty",
        ),
        ONE_INDEX,
        PARTS,
        Finding(
            "reasoning in pieces",
            make_stream(
                chunk(FIRST | {"reasoning_content": "a"}),
                chunk({"reasoning_content": "a"}),
                A_LATER,
                STOP,
                reply=Reply("a", reasoning=["a", "a"], finish_reason="stop"),
            ),
            r"^reasoning is",
            signs.arrives_in_pieces("reasoning", "reasoning_content"),
            "a member of a delta that the SDK does not know replaces what came before it",
            lawful=False,
        ),
    ),
    "ai-sdk": (
        HELD_BACK_LATER,
        CR_AT_END,
        UNENDED,
        replace(NO_INDEX, says=r"^raises AI_TypeValidationError", cause="a chunk has to have one"),
        EMPTY_REASON,
    ),
    "ai-sdk compatible": (HELD_BACK, CR_AT_END, UNENDED, EMPTY_REASON),
    "langchain-openai": (
        *OPENAI,
        UNENDED,
        Finding(
            "a refusal",
            make_stream(
                chunk(FIRST | {"refusal": "a"}),
                STOP,
                reply=Reply(refusal="a", finish_reason="stop"),
            ),
            r"^refusal is ''",
            signs.says("refusal"),
            "deltas of a refusal are made into chunks without it",
            lawful=True,
        ),
        CUT_OFF,
        SUMMED,
        Finding(
            "a reason to finish that comes twice",
            make_stream(A, STOP, STOP, reply=SAID_A),
            r"^finish_reason is '(\w+)\1'",
            signs.finish_not_last,
            "members of `response_metadata` are joined, if they are strings",
            lawful=False,
        ),
    ),
    "litellm": (
        *OPENAI,
        UNENDED_ALONE,
        replace(
            NO_INDEX,
            stream=make_stream(
                call_first(call(index=...)),
                calls(call(index=..., id="call_2")),
                CALLED,
                reply=CALL_TWICE,
            ),
            says=r"^one call|^\d+ calls|^the name of call|^arguments of call|^call \d has the id",
            cause="calls without an index are taken for one",
        ),
        ONE_INDEX,
        PARTS,
        UNFINISHED,
        Finding(
            "several choices",
            make_stream(
                A,
                chunk(FIRST | {"content": "a"}, choice=1),
                STOP,
                chunk({}, "stop", choice=1),
                reply=Reply(choices=[Choice("a", finish_reason="stop")] * 2),
            ),
            r"^text is",
            signs.several_choices,
            "`stream_chunk_builder` joins the texts of all choices into one",
            lawful=True,
            citation="https://github.com/BerriAI/litellm/issues/35793",
        ),
    ),
    "pydantic-ai": (
        *OPENAI,
        UNENDED_ALONE,
        UNFINISHED,
        ONE_INDEX,
        replace(
            SUMMED,
            cause="they are added, unless `openai_continuous_usage_stats` is set",
            citation="https://github.com/pydantic/pydantic-ai/issues/5260",
        ),
        Finding(
            "a tag of thinking in the text",
            make_stream(
                A,
                chunk({"content": "<think>"}),
                STOP,
                reply=Reply("a<think>", finish_reason="stop"),
            ),
            r"^text is|^reasoning is",
            signs.think_tag,
            "as documented (`thinking_tags`): what comes between such pieces is thinking, not text",
            lawful=True,
        ),
    ),
    "llama-index": (
        *OPENAI,
        UNENDED,
        CUT_OFF,
        ONE_INDEX,
        SAME_ID,
        Finding(
            "tool calls that come in one delta",
            make_stream(call_first(call(), call(index=1, id="call_2")), CALLED, reply=CALL_TWICE),
            r"^one call|^\d+ calls|^(the name|arguments) of call|^call \d has the id|^gives a tool",
            signs.calls_together,
            "the first call of a delta is taken, and no other",
            lawful=True,
        ),
        Finding(
            "reasoning in `reasoning_details`",
            make_stream(
                chunk(FIRST | {"content": "", "reasoning_details": [{"index": 0, "text": "a"}]}),
                A_LATER,
                STOP,
                reply=Reply("a", reasoning="a", finish_reason="stop"),
            ),
            r"^reasoning is",
            signs.says("reasoning_details"),
            "only `reasoning_content` and `reasoning` are read",
            lawful=False,
        ),
        Finding(
            "tool calls by turns",
            make_stream(
                call_first(call(arguments="")),
                calls(call(index=1, id="call_2")),
                calls({"index": 0, "function": {"arguments": "{}"}}),
                CALLED,
                reply=CALL_TWICE,
            ),
            r"^\d+ calls|^the name of call|^arguments of call|^gives a tool",
            signs.calls_interleaved,
            "what does not go on with the last call begins another",
            lawful=True,
        ),
    ),
    "eventsource-parser": (
        HELD_BACK,
        replace(UNENDED, citation="https://github.com/rexxars/eventsource-parser/issues/18"),
        CR_AT_END,
    ),
}
"""What was found, of each consumer."""
FOUND["llama-index openai-like"] = FOUND["llama-index"]

_AI_SDK = "ai 6.0.326, @ai-sdk/openai 3.0.141, @ai-sdk/openai-compatible 2.0.91, zod 4.6.7"
_LLAMA_INDEX = "llama-index-llms-openai 0.8.3, llama-index-llms-openai-like 0.8.1, openai 2.54.0"
VERSIONS: dict[str, str] = {
    "openai": "openai 3.54.0",
    "httpx-sse": "httpx-sse 0.4.3",
    "openai-node": "openai 6.49.0, zod 4.6.7",
    "ai-sdk": _AI_SDK,
    "ai-sdk compatible": _AI_SDK,
    "langchain-openai": "langchain-openai 1.7.3, openai 3.54.0",
    "litellm": "litellm 1.106.2, mcp 2.3.0, tenacity 9.2.1, openai 2.54.0",
    "pydantic-ai": "pydantic-ai-slim 2.68.0, openai 3.54.0",
    "llama-index": _LLAMA_INDEX,
    "llama-index openai-like": _LLAMA_INDEX,
    "eventsource-parser": "eventsource-parser 3.1.1",
}
"""What was installed when it was found."""
