"""How a drawn reply is said: the ways of those who send streams, none of which changes the answer.

Rules of this file: a habit is a function from the chunks of a chat, or from the script of any
stream, to the same with the habit. Each aspect of a stream has a byte that tells which of its
habits it has, 0 for none; others tell where. What OpenAI's published schema and the
event-stream format allow is lawful; other habits are quirks of its imitators, which a tolerant
reader bears.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec.json

from openai_mockserver import faults, sse
from openai_mockserver.faults.fault import decode_event
from openai_mockserver.reply import Reply
from openai_mockserver.script import Comment, Event, Head, Raw, Script, Step
from openai_mockserver.strategies.chunk_changes import (
    add_filter_results,
    add_null_usage,
    add_to_chunks,
    add_to_deltas,
    change_choices,
    change_fragments,
    change_ids,
    chunks,
    empty_delta,
    empty_finish,
    empty_id,
    empty_name,
    finish_twice,
    finish_with_last,
    index_from_one,
    insert_chunk,
    interleave_calls,
    join_calls,
    match_by_id,
    null_id,
    null_name,
    null_type,
    put_usage_beside_choice,
    put_usage_with_finish,
    remove_finish,
    remove_from_deltas,
    remove_role,
    remove_type,
    rename_reasoning,
    repeat_id,
    repeat_type,
    repeat_usage,
    send_choices_in_turn,
    send_choices_together,
    split_call_header,
    split_role,
)
from openai_mockserver.strategies.reply_bytes import pick

__all__ = [
    "ASPECTS",
    "Aspect",
    "HEAD",
    "Habit",
    "NAMES",
    "aspects",
    "chat",
    "framed",
    "size",
    "taken",
]

HEAD = Head(headers=(("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")))
"""The head of drawn streams: what a client needs to know, and no more."""
ON = 243  # of 256: values from here on turn a habit on
PLACES = 4  # bytes that tell where habits are


# Habits of the event stream

Framing = Callable[[Script, int], Script]


def _fault(made: faults.Fault) -> Framing:
    return lambda script, place: made(script)


def _at_event(script: Script, place: int, *steps: Step) -> Script:
    at = place % (len(script.steps) + 1)
    return script.with_steps((*script.steps[:at], *steps, *script.steps[at:]))


def _comment(text: str) -> Framing:
    return lambda script, place: _at_event(script, place, Comment(text))


def _raw(data: bytes) -> Framing:
    return lambda script, place: _at_event(script, place, Raw(data, 0))


def _comments_everywhere(script: Script, place: int) -> Script:
    return script.with_steps(s for step in script.steps for s in (Comment("ping"), step))


def _bom(script: Script, place: int) -> Script:
    """At the very beginning, where it is no part of the first field's name."""
    first, *rest = script.steps
    marked = Raw(b"\xef\xbb\xbf" + sse.encode(first), sse.count_events(first))
    return script.with_steps((marked, *rest))


def _numbered(script: Script, place: int) -> Script:
    return script.with_steps(
        Event(step.data, step.event, str(n)) if isinstance(step, Event) else step
        for n, step in enumerate(script.steps)
    )


def _has_done(script: Script) -> bool:
    return any(isinstance(step, Event) and step.data == "[DONE]" for step in script.steps)


def _of_done(fault: faults.Fault) -> Framing:
    """A fault of ``[DONE]``, where there is one."""
    return lambda script, place: fault(script) if _has_done(script) else script


def _unended(newlines: int, done: bool = True) -> Framing:
    """The body ends with its last event, or the one before ``[DONE]``, without the blank line."""
    fault = faults.unterminated(newlines)

    def apply(script: Script, place: int) -> Script:
        steps = list(script.steps)
        while not sse.count_events(steps[-1]) or (not done and decode_event(steps[-1]) == sse.DONE):
            del steps[-1]
        return fault(script.with_steps(steps))

    return apply


def _packed(several: int) -> Framing:
    """So many steps in one read."""

    def apply(script: Script, place: int) -> Script:
        steps = script.steps
        return script.with_steps(
            Raw(b"".join(map(sse.encode, some)), sum(map(sse.count_events, some)))
            for at in range(0, len(steps), several)
            if (some := steps[at : at + several])
        )

    return apply


# Spelling of JSON


def _ascii(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _spaced(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _slashed(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")


def _sorted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


_encode = msgspec.json.Encoder().encode


def _compact(value: Any) -> str:
    return _encode(value).decode()


class Habit(NamedTuple):
    """A way to send a stream: its name, what it does, and whether it is a quirk."""

    name: str
    change: Any
    quirk: bool = False


class Aspect(NamedTuple):
    """What of a stream habits are of, and the habits, of which it has at most one."""

    of: str  # chunks, json or framing
    habits: tuple[Habit, ...]


def _quirk(name: str, change: Any) -> Habit:
    return Habit(name, change, True)


ASPECTS = (
    Aspect(
        "chunks",
        (
            Habit("role apart", split_role("")),
            Habit("role apart, content null", split_role(None)),
            Habit("role apart, no content", split_role(...)),
            Habit("role in every delta", add_to_deltas(role="assistant")),
            Habit("no role", change_choices(remove_role)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("reasoning", rename_reasoning("reasoning")),
            _quirk("reasoning twice", rename_reasoning("reasoning", "reasoning_content")),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("call header apart", split_call_header("")),
            Habit("call header apart, no arguments", split_call_header(...)),
            _quirk("call header apart, arguments null", split_call_header(None)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("calls together", join_calls),
            Habit("calls interleaved", interleave_calls),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("call id in every fragment", change_fragments(repeat_id)),
            _quirk("call id null later", change_fragments(null_id)),
            _quirk("call id empty later", change_fragments(empty_id)),
        ),
    ),
    Aspect(
        "chunks",
        (
            _quirk("call name null later", change_fragments(null_name)),
            Habit("call name empty later", change_fragments(empty_name)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("call type in every fragment", change_fragments(repeat_type)),
            Habit("no call type", change_fragments(remove_type)),
            _quirk("call type null later", change_fragments(null_type)),
        ),
    ),
    Aspect(
        "chunks",
        (
            _quirk("no call index", match_by_id(lambda fragment: fragment.pop("index"))),
            _quirk("call index always 0", match_by_id(lambda f: f.update(index=0))),
            _quirk("call index from 1", change_fragments(index_from_one)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("empty delta", insert_chunk(empty_delta())),
            Habit("empty content", insert_chunk(empty_delta(content=""))),
            Habit("content null", insert_chunk(empty_delta(content=None))),
            Habit("no choices", insert_chunk(list)),
            Habit("filter results first", add_filter_results),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("finish with last", finish_with_last),
            _quirk("finish twice", finish_twice),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("choices in turn", send_choices_in_turn),
            Habit("choices together", send_choices_together),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("usage with finish", put_usage_with_finish),
            _quirk("usage everywhere", repeat_usage),
            Habit("usage beside a choice", put_usage_beside_choice),
        ),
    ),
    Aspect("chunks", (Habit("usage null", add_null_usage),)),
    Aspect(
        "chunks",
        (
            Habit("logprobs null", change_choices(lambda choice: choice.update(logprobs=None))),
            Habit(
                "native_finish_reason",
                change_choices(lambda c: c.update(native_finish_reason=None)),
            ),
            Habit("unknown members of choices", change_choices(lambda c: c.update(x={"y": [1]}))),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("refusal null", add_to_deltas(refusal=None)),
            _quirk("tool_calls null", add_to_deltas(tool_calls=None)),
            _quirk("function_call null", add_to_deltas(function_call=None)),
            Habit("unknown members of deltas", add_to_deltas(x={"y": [1]})),
            Habit("content null in every delta", add_to_deltas(content=None)),
            Habit("content empty in every delta", add_to_deltas(content="")),
            Habit("tool_calls empty", add_to_deltas(tool_calls=[])),
        ),
    ),
    Aspect(
        "chunks",
        (
            _quirk("finish_reason empty", change_choices(empty_finish)),
            _quirk("no finish_reason", change_choices(remove_finish)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("unknown members", add_to_chunks(x={"y": [1]})),
            Habit("obfuscation", add_to_chunks(obfuscation="aB3")),
            Habit("system_fingerprint null", add_to_chunks(system_fingerprint=None)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("id empty", add_to_chunks(id="")),
            _quirk("no id", remove_from_deltas("id")),
            _quirk("id changes", change_ids),
            Habit("created 0", add_to_chunks(created=0)),
            _quirk("created with decimals", add_to_chunks(created=1700000000.25)),
            _quirk("no created", remove_from_deltas("created")),
            Habit("model empty", add_to_chunks(model="")),
            _quirk("no model", remove_from_deltas("model")),
            _quirk("object empty", add_to_chunks(object="")),
            _quirk("no object", remove_from_deltas("object")),
        ),
    ),
    Aspect(
        "json",
        (
            Habit("escaped", _ascii),
            Habit("spaced", _spaced),
            Habit("slashes escaped", _slashed),
            Habit("sorted", _sorted),
        ),
    ),
    Aspect(
        "framing",
        (
            Habit("comment", _comment("ping")),
            Habit("empty comment", _raw(b":\n\n")),
            Habit("comment without blank line", _raw(b": ping\n")),
            Habit("comments everywhere", _comments_everywhere),
            Habit("blank lines", _raw(b"\n\n\n")),
            Habit("retry alone", _raw(b"retry: 3000\n\n")),
            Habit("id alone", _raw(b"id: 1\n\n")),
        ),
    ),
    Aspect(
        "framing",
        (
            _quirk("no [DONE]", _of_done(faults.drop_done())),
            _quirk("[DONE] twice", _of_done(faults.done(times=2))),
        ),
    ),
    Aspect(
        "framing",
        (
            Habit("ids", _numbered),
            Habit("event: message", _fault(faults.fields(event="message"))),
            Habit("unknown field", _fault(faults.unknown_field("foo: bar"))),
        ),
    ),
    Aspect("framing", (Habit("several lines", _fault(faults.multi_line())),)),
    Aspect("framing", (Habit("no space", _fault(faults.no_space())),)),
    Aspect(
        "framing",
        (
            Habit("crlf", _fault(faults.line_ends("crlf"))),
            Habit("cr", _fault(faults.line_ends("cr"))),
            Habit("mixed line ends", _fault(faults.line_ends("mixed"))),
        ),
    ),
    Aspect("framing", (Habit("bom", _bom),)),
    Aspect(
        "framing",
        (
            _quirk("no blank line at the end", _unended(1)),
            _quirk("no line end at the end", _unended(0)),
            _quirk("no [DONE], no blank line at the end", _unended(1, done=False)),
        ),
    ),
    Aspect(
        "framing",
        (
            Habit("one read", _packed(1 << 30)),
            Habit("two to a read", _packed(2)),
            Habit("three to a read", _packed(3)),
        ),
    ),
)
"""All habits, in the order in which a stream takes them on."""

NAMES = tuple(habit.name for aspect in ASPECTS for habit in aspect.habits)
"""The names of all habits."""


Taken = list[tuple[str, Habit, int]]
"""Habits, each with what it is of and its place."""


def aspects(quirks: bool = True, without: Iterable[str] = ()) -> tuple[Aspect, ...]:
    """The aspects that have habits, of those that are wanted."""
    unwanted = set(without)
    chosen = [
        Aspect(
            aspect.of,
            tuple(h for h in aspect.habits if h.name not in unwanted and (quirks or not h.quirk)),
        )
        for aspect in ASPECTS
    ]
    return tuple(aspect for aspect in chosen if aspect.habits)


def size(chosen: Sequence[Aspect]) -> int:
    """How many bytes the habits of a stream take: some for places, and one for each aspect."""
    return PLACES + len(chosen)


def taken(chosen: Sequence[Aspect], data: bytes) -> Taken:
    """The habits that bytes turn on, each with its place, in their order."""
    return [
        (of, pick(habits, octet, ON), data[n % PLACES])
        for n, octet in enumerate(data[PLACES:])
        if octet >= ON
        for of, habits in (chosen[n],)
    ]


def chat(reply: Reply, taken: Taken) -> Script:
    """A chat stream that says a reply, with these habits of its chunks and JSON."""
    made, dumps = chunks(reply), _compact
    for of, habit, place in taken:
        if of == "chunks":
            made = habit.change(made, place)
        elif of == "json":
            dumps = habit.change
    return Script(HEAD, (*[Event(dumps(chunk)) for chunk in made], sse.DONE))


def framed(script: Script, taken: Taken) -> Script:
    """A stream with these habits of framing."""
    for of, habit, place in taken:
        if of == "framing":
            script = habit.change(script, place)
    return script
