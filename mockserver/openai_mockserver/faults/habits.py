"""The habits of servers: ways to send a reply that do not change the answer.

Rules of this file: a habit is a function that changes chunks, the spelling of JSON, or the script
of any stream. Habits that OpenAI's published schema and the event-stream format allow are lawful;
the others are quirks of other providers, which a tolerant reader accepts. The fault `variation`
applies one by name; `openai_mockserver.strategies` draws any of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from typing import Any, NamedTuple

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.faults.chunk_changes import (
    add_filter_results,
    add_null_usage,
    add_to_chunks,
    add_to_deltas,
    change_choices,
    change_fragments,
    change_ids,
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
from openai_mockserver.faults.endings import done, drop_done, is_done
from openai_mockserver.faults.event_stream import (
    fields,
    line_ends,
    multi_line,
    no_space,
    unknown_field,
    unterminated,
)
from openai_mockserver.faults.fault import Fault, decode_event
from openai_mockserver.script import Boundary, Comment, Event, Pause, Raw, Script, Step

__all__ = ["ASPECTS", "HABITS", "Aspect", "Habit", "dump_compact"]


# Habits of the event stream

Framing = Callable[[Script, int], Script]


def _apply_fault(fault: Fault) -> Framing:
    return lambda script, place: fault(script)


def _insert_steps(script: Script, place: int, *steps: Step) -> Script:
    at = place % (len(script.steps) + 1)
    return script.with_steps((*script.steps[:at], *steps, *script.steps[at:]))


def _insert_comment(text: str) -> Framing:
    return lambda script, place: _insert_steps(script, place, Comment(text))


def _insert_raw(data: bytes) -> Framing:
    return lambda script, place: _insert_steps(script, place, Raw(data, 0))


def _insert_comments(script: Script, place: int) -> Script:
    return script.with_steps(s for step in script.steps for s in (Comment("ping"), step))


def _insert_bom(script: Script, place: int) -> Script:
    """Insert a byte order mark at the beginning, where decoders must remove it."""
    first = next((n for n, step in enumerate(script.steps) if sse.encode(step)), None)
    if first is None:
        return script
    step = script.steps[first]
    with_bom = Raw(b"\xef\xbb\xbf" + sse.encode(step), sse.count_events(step))
    return script.with_steps((*script.steps[:first], with_bom, *script.steps[first + 1 :]))


def _number_events(script: Script, place: int) -> Script:
    return script.with_steps(
        Event(step.data, step.event, str(n)) if isinstance(step, Event) else step
        for n, step in enumerate(script.steps)
    )


def _apply_if_done(fault: Fault) -> Framing:
    """Apply a fault of ``[DONE]``, if the script has one."""
    return lambda script, place: fault(script) if any(map(is_done, script.steps)) else script


def _drop_blank_line(newlines: int, keep_done: bool = True) -> Framing:
    """End the body with only ``newlines`` line ends.

    Args:
        newlines: the number of line ends.
        keep_done: whether to keep ``[DONE]``.
    """
    fault = unterminated(newlines)

    def apply(script: Script, place: int) -> Script:
        steps = list(script.steps)
        while steps and (
            not sse.count_events(steps[-1]) or (not keep_done and is_done(decode_event(steps[-1])))
        ):
            del steps[-1]
        return fault(script.with_steps(steps))

    return apply


def _pack_steps(count: int) -> Framing:
    """Send ``count`` steps in one read, unless there is a silence between them."""

    def apply(script: Script, place: int) -> Script:
        steps: list[Step] = []
        for is_gap, run in groupby(script.steps, lambda step: isinstance(step, Pause | Boundary)):
            run_steps = list(run)
            if is_gap:
                steps += run_steps
                continue
            for at in range(0, len(run_steps), count):
                group = run_steps[at : at + count]
                steps.append(
                    Raw(b"".join(map(sse.encode, group)), sum(map(sse.count_events, group)))
                )
        return script.with_steps(steps)

    return apply


# Spelling of JSON


def _dump_ascii(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _dump_with_spaces(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _dump_escaped_slashes(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")


def _dump_sorted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


_encode = msgspec.json.Encoder().encode


def dump_compact(value: Any) -> str:
    return _encode(value).decode()


class Habit(NamedTuple):
    """A way to send a stream.

    Args:
        name: name in a stream's ``description`` and for ``without``.
        change: a `Change` of chunks, a function that dumps JSON, or a `Framing`.
        is_quirk: whether OpenAI's schema or the event-stream format does not allow it.
    """

    name: str
    change: Any
    is_quirk: bool = False


class Aspect(NamedTuple):
    """Habits that exclude each other, and the level at which they apply."""

    level: str  # chunks, json or framing
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
            Habit("escaped", _dump_ascii),
            Habit("spaced", _dump_with_spaces),
            Habit("slashes escaped", _dump_escaped_slashes),
            Habit("sorted", _dump_sorted),
        ),
    ),
    Aspect(
        "framing",
        (
            Habit("comment", _insert_comment("ping")),
            Habit("empty comment", _insert_raw(b":\n\n")),
            Habit("comment without blank line", _insert_raw(b": ping\n")),
            Habit("comments everywhere", _insert_comments),
            Habit("blank lines", _insert_raw(b"\n\n\n")),
            Habit("retry alone", _insert_raw(b"retry: 3000\n\n")),
            Habit("id alone", _insert_raw(b"id: 1\n\n")),
        ),
    ),
    Aspect(
        "framing",
        (
            _quirk("no [DONE]", _apply_if_done(drop_done())),
            _quirk("[DONE] twice", _apply_if_done(done(times=2))),
        ),
    ),
    Aspect(
        "framing",
        (
            Habit("ids", _number_events),
            Habit("event: message", _apply_fault(fields(event="message"))),
            Habit("unknown field", _apply_fault(unknown_field("foo: bar"))),
        ),
    ),
    Aspect("framing", (Habit("several lines", _apply_fault(multi_line())),)),
    Aspect("framing", (Habit("no space", _apply_fault(no_space())),)),
    Aspect(
        "framing",
        (
            Habit("crlf", _apply_fault(line_ends("crlf"))),
            Habit("cr", _apply_fault(line_ends("cr"))),
            Habit("mixed line ends", _apply_fault(line_ends("mixed"))),
        ),
    ),
    Aspect("framing", (Habit("bom", _insert_bom),)),
    Aspect(
        "framing",
        (
            _quirk("no blank line at the end", _drop_blank_line(1)),
            _quirk("no line end at the end", _drop_blank_line(0)),
            _quirk("no [DONE], no blank line at the end", _drop_blank_line(1, keep_done=False)),
        ),
    ),
    Aspect(
        "framing",
        (
            Habit("one read", _pack_steps(1 << 30)),
            Habit("two to a read", _pack_steps(2)),
            Habit("three to a read", _pack_steps(3)),
        ),
    ),
)
"""All habits, in the order in which they are applied."""

HABITS = {habit.name: (aspect.level, habit) for aspect in ASPECTS for habit in aspect.habits}
"""Each habit with its level, by name."""
