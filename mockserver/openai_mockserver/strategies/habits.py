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
from itertools import zip_longest
from typing import Any, NamedTuple

import msgspec.json

from openai_mockserver import faults, sse
from openai_mockserver.dialects import usage as usages
from openai_mockserver.faults.fault import event_of
from openai_mockserver.reply import Choice, Reply
from openai_mockserver.script import Comment, Event, Head, Raw, Script, Step
from openai_mockserver.strategies.said import pick

__all__ = [
    "ASPECTS",
    "HEAD",
    "NAMES",
    "Aspect",
    "Habit",
    "aspects",
    "chat",
    "framed",
    "is_plain",
    "size",
    "taken",
]

HEAD = Head(headers=(("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")))
"""The head of drawn streams: what a client needs to know, and no more."""

Chunk = dict[str, Any]
ON = 243  # of 256: values from here on turn a habit on
PLACES = 4  # bytes that tell where habits are


# A chat without habits


def chunks(reply: Reply) -> list[Chunk]:
    """The chunks that say a reply, as few as its pieces let them be."""
    said = [_deltas(choice) for choice in reply.choices]
    made = [
        _chunk({"index": index, "delta": delta, "finish_reason": None})
        for turn in zip_longest(*said)
        for index, delta in enumerate(turn)
        if delta is not None
    ]
    made += [
        _chunk({"index": index, "delta": {}, "finish_reason": choice.finish_reason})
        for index, choice in enumerate(reply.choices)
        if choice.finish_reason is not None
    ]
    if reply.usage is not None:
        made.append(_chunk() | {"usage": usages.write(reply.usage)})
    return made


def _chunk(*choices: dict[str, Any]) -> Chunk:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-mini",
        "choices": list(choices),
    }


def _deltas(choice: Choice) -> list[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [
        {member: piece}
        for member, text in (
            ("reasoning_content", choice.reasoning),
            ("content", choice.text),
            ("refusal", choice.refusal),
        )
        for piece in (() if text is None else text.pieces or ("",))
    ]
    for index, call in enumerate(choice.tool_calls):
        first, *rest = call.arguments.pieces or ("",)
        function = {"name": call.name, "arguments": first}
        header = {"index": index, "id": call.id, "type": "function", "function": function}
        deltas.append({"tool_calls": [header]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in rest
        ]
    if choice.function_call is not None:
        first, *rest = choice.function_call.arguments.pieces or ("",)
        function = {"name": choice.function_call.name, "arguments": first}
        deltas.append({"function_call": function})
        deltas += [{"function_call": {"arguments": piece}} for piece in rest]
    deltas[:1] = [{"role": "assistant", **delta} for delta in deltas[:1] or [{}]]
    return deltas


def is_plain(reply: Reply) -> bool:
    """Whether `chunks` has means for all that a reply says."""
    return reply.error is None and not any(
        choice.ordered
        or choice.audio
        or choice.annotations
        or choice.logprobs is not None
        or any(call.custom or call.namespace for call in choice.tool_calls)
        for choice in reply.choices
    )


# Habits of chunks

Change = Callable[[list[Chunk], int], list[Chunk]]


def _each_choice(change: Callable[[dict[str, Any]], object]) -> Change:
    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        for chunk in made:
            for choice in chunk["choices"]:
                change(choice)
        return made

    return apply


def _each_delta(**members: Any) -> Change:
    """Members of every delta that has none of this name."""
    return _each_choice(lambda choice: choice.update(delta=members | choice["delta"]))


def _each_chunk(**members: Any) -> Change:
    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        for chunk in made:
            chunk.update(members)
        return made

    return apply


def _each_without(*names: str) -> Change:
    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        return [{k: v for k, v in chunk.items() if k not in names} for chunk in made]

    return apply


def _role_apart(content: object) -> Change:
    """The role in a chunk of its own, with such content."""

    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        apart: list[Chunk] = []
        for chunk in made:
            for choice in chunk["choices"]:
                if choice["delta"].pop("role", None):
                    delta: dict[str, Any] = {"role": "assistant"}
                    if content is not Ellipsis:
                        delta["content"] = content
                    opening = {"index": choice["index"], "delta": delta, "finish_reason": None}
                    apart.append(chunk | {"choices": [opening]})
            apart.append(chunk)
        return apart

    return apply


def _without_role(choice: dict[str, Any]) -> None:
    choice["delta"].pop("role", None)


def _ends(chunk: Chunk) -> bool:
    """Whether a choice ends in the chunk."""
    return any(choice["finish_reason"] for choice in chunk["choices"])


def _inserted(says: Callable[[], list[dict[str, Any]]]) -> Change:
    """A chunk that says nothing, somewhere before the first choice's end."""

    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        ends = (n for n, chunk in enumerate(made) if _ends(chunk))
        at = place % (next(ends, len(made)) + 1)
        choices = says()
        # The role comes first, where it comes.
        at = max(at, 1) if choices else at
        return [*made[:at], _chunk(*choices), *made[at:]]

    return apply


def _nothing(**delta: Any) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [{"index": 0, "delta": dict(delta), "finish_reason": None}]


def _finish_with_last(made: list[Chunk], place: int) -> list[Chunk]:
    """The finish reason comes with the last of what is said."""
    last: dict[int, dict[str, Any]] = {}
    kept: list[Chunk] = []
    for chunk in made:
        choices = chunk["choices"]
        if len(choices) == 1 and choices[0]["finish_reason"] and not choices[0]["delta"]:
            before = last.get(choices[0]["index"])
            if before is not None:
                before["finish_reason"] = choices[0]["finish_reason"]
                continue
        for choice in choices:
            last[choice["index"]] = choice
        kept.append(chunk)
    return kept


def _no_finish(choice: dict[str, Any]) -> None:
    if choice["finish_reason"] is None:
        del choice["finish_reason"]


def _empty_finish(choice: dict[str, Any]) -> None:
    if choice["finish_reason"] is None:
        choice["finish_reason"] = ""


def _finish_twice(made: list[Chunk], place: int) -> list[Chunk]:
    return [again for chunk in made for again in [chunk] * (2 if _ends(chunk) else 1)]


def _usage_told(made: list[Chunk]) -> dict[str, Any] | None:
    told = made[-1].get("usage") if made else None
    return told if isinstance(told, dict) and not made[-1]["choices"] else None


def _usage_with_finish(made: list[Chunk], place: int) -> list[Chunk]:
    if (told := _usage_told(made)) is None or len(made) < 2:
        return made
    made[-2]["usage"] = told
    return made[:-1]


def _usage_everywhere(made: list[Chunk], place: int) -> list[Chunk]:
    """Every chunk says what was used so far; the last one counts."""
    if (told := _usage_told(made)) is None:
        return made
    for n, chunk in enumerate(made[:-1]):
        so_far = min(n, told["completion_tokens"])
        total = told["prompt_tokens"] + so_far
        chunk["usage"] = told | {"completion_tokens": so_far, "total_tokens": total}
    return made


def _usage_beside_choice(made: list[Chunk], place: int) -> list[Chunk]:
    if _usage_told(made) is not None:
        made[-1]["choices"] = _nothing()()
    return made


def _usage_null(made: list[Chunk], place: int) -> list[Chunk]:
    for chunk in made:
        chunk.setdefault("usage", None)
    return made


# Tool calls


def _fragments(made: list[Chunk]) -> Iterable[dict[str, Any]]:
    for chunk in made:
        for choice in chunk["choices"]:
            yield from choice["delta"].get("tool_calls") or ()


def _each_fragment(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Change:
    """Change each fragment of a call, by the first one of the same call."""

    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        first: dict[int, dict[str, Any]] = {}
        for fragment in _fragments(made):
            if fragment.get("id"):
                first[fragment["index"]] = dict(fragment)
            change(fragment, first[fragment["index"]])
        return made

    return apply


def _repeated_id(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment["id"] = first["id"]


def _null_id(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment.setdefault("id", None)


def _empty_id(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment.setdefault("id", "")


def _null_name(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment["function"].setdefault("name", None)


def _empty_name(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment["function"].setdefault("name", "")


def _repeated_type(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment["type"] = "function"


def _null_type(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment.setdefault("type", None)


def _no_type(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment.pop("type", None)


def _header_apart(arguments: object) -> Change:
    """The name of a call comes in a chunk of its own, with such arguments."""

    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        apart: list[Chunk] = []
        for chunk in made:
            fragments = list(_fragments([chunk]))
            if len(fragments) != 1 or not fragments[0].get("id"):
                apart.append(chunk)
                continue
            (choice,) = chunk["choices"]
            call = fragments[0]
            function: dict[str, Any] = {"name": call["function"]["name"]}
            if arguments is not Ellipsis:
                function["arguments"] = arguments
            delta = choice["delta"] | {"tool_calls": [call | {"function": function}]}
            apart.append(chunk | {"choices": [choice | {"delta": delta}]})
            said = {
                "index": call["index"],
                "function": {"arguments": call["function"]["arguments"]},
            }
            apart.append(chunk | {"choices": [choice | {"delta": {"tool_calls": [said]}}]})
        return apart

    return apply


def _told_by_id(change: Callable[[dict[str, Any]], object]) -> Change:
    """Change fragments where all have ids, which tell the calls apart without an index."""

    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        if all(fragment.get("id") for fragment in _fragments(made)):
            for fragment in _fragments(made):
                change(fragment)
        return made

    return apply


def _index_from_one(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment["index"] += 1


def _together(made: list[Chunk], place: int) -> list[Chunk]:
    """Calls that follow each other come in one delta."""
    joined: list[Chunk] = []
    for chunk in made:
        before = joined[-1]["choices"] if joined else []
        now = chunk["choices"]
        if len(before) == len(now) == 1 and before[0]["index"] == now[0]["index"]:
            one, other = before[0]["delta"].get("tool_calls"), now[0]["delta"].get("tool_calls")
            if one and other and not {f["index"] for f in one} & {f["index"] for f in other}:
                one += other
                continue
        joined.append(chunk)
    return joined


def _interleaved(made: list[Chunk], place: int) -> list[Chunk]:
    """The fragments of several calls by turns."""
    calls: dict[int, list[Chunk]] = {}
    for chunk in made:
        fragments = list(_fragments([chunk]))
        if len(chunk["choices"]) == 1 and len(fragments) == 1:
            calls.setdefault(fragments[0]["index"], []).append(chunk)
    if len(calls) < 2:
        return made
    turns = [chunk for turn in zip_longest(*calls.values()) for chunk in turn if chunk is not None]
    moved = {id(chunk) for chunk in turns}
    at = next(n for n, chunk in enumerate(made) if id(chunk) in moved)
    rest = [chunk for chunk in made[at:] if id(chunk) not in moved]
    return [*made[:at], *turns, *rest]


# Other members


def _reasoning_as(*names: str) -> Change:
    def change(choice: dict[str, Any]) -> None:
        delta = choice["delta"]
        if "reasoning_content" in delta:
            piece = delta.pop("reasoning_content")
            delta.update(dict.fromkeys(names, piece))

    return _each_choice(change)


def _choices_together(made: list[Chunk], place: int) -> list[Chunk]:
    """Chunks that follow each other with other choices come as one."""
    joined: list[Chunk] = []
    for chunk in made:
        before = joined[-1]["choices"] if joined else []
        now = chunk["choices"]
        seen = {choice["index"] for choice in before}
        if before and now and not seen & {choice["index"] for choice in now}:
            joined[-1] = joined[-1] | chunk | {"choices": [*before, *now]}
        else:
            joined.append(chunk)
    return joined


def _choices_in_turn(made: list[Chunk], place: int) -> list[Chunk]:
    def of(chunk: Chunk) -> int:
        indexes = [choice["index"] for choice in chunk["choices"]]
        return indexes[0] if indexes else 1 << 30

    return sorted(made, key=of)


def _other_ids(made: list[Chunk], place: int) -> list[Chunk]:
    return [chunk | {"id": f"chatcmpl-{n}"} for n, chunk in enumerate(made)]


def _filter_results(made: list[Chunk], place: int) -> list[Chunk]:
    """Azure's first chunk (WIRE.md §5)."""
    said = {"prompt_index": 0, "content_filter_results": {}}
    first = _chunk() | {"id": "", "object": "", "created": 0, "model": ""}
    return [first | {"prompt_filter_results": [said]}, *made]


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
        while not sse.count_events(steps[-1]) or (not done and event_of(steps[-1]) == sse.DONE):
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


def _compact(value: Any) -> str:
    return msgspec.json.encode(value).decode()


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
            Habit("role apart", _role_apart("")),
            Habit("role apart, content null", _role_apart(None)),
            Habit("role apart, no content", _role_apart(...)),
            Habit("role in every delta", _each_delta(role="assistant")),
            Habit("no role", _each_choice(_without_role)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("reasoning", _reasoning_as("reasoning")),
            _quirk("reasoning twice", _reasoning_as("reasoning", "reasoning_content")),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("call header apart", _header_apart("")),
            Habit("call header apart, no arguments", _header_apart(...)),
            _quirk("call header apart, arguments null", _header_apart(None)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("calls together", _together),
            Habit("calls interleaved", _interleaved),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("call id in every fragment", _each_fragment(_repeated_id)),
            _quirk("call id null later", _each_fragment(_null_id)),
            _quirk("call id empty later", _each_fragment(_empty_id)),
        ),
    ),
    Aspect(
        "chunks",
        (
            _quirk("call name null later", _each_fragment(_null_name)),
            Habit("call name empty later", _each_fragment(_empty_name)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("call type in every fragment", _each_fragment(_repeated_type)),
            Habit("no call type", _each_fragment(_no_type)),
            _quirk("call type null later", _each_fragment(_null_type)),
        ),
    ),
    Aspect(
        "chunks",
        (
            _quirk("no call index", _told_by_id(lambda fragment: fragment.pop("index"))),
            _quirk("call index always 0", _told_by_id(lambda f: f.update(index=0))),
            _quirk("call index from 1", _each_fragment(_index_from_one)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("empty delta", _inserted(_nothing())),
            Habit("empty content", _inserted(_nothing(content=""))),
            Habit("content null", _inserted(_nothing(content=None))),
            Habit("no choices", _inserted(list)),
            Habit("filter results first", _filter_results),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("finish with last", _finish_with_last),
            _quirk("finish twice", _finish_twice),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("choices in turn", _choices_in_turn),
            Habit("choices together", _choices_together),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("usage with finish", _usage_with_finish),
            _quirk("usage everywhere", _usage_everywhere),
            Habit("usage beside a choice", _usage_beside_choice),
        ),
    ),
    Aspect("chunks", (Habit("usage null", _usage_null),)),
    Aspect(
        "chunks",
        (
            Habit("logprobs null", _each_choice(lambda choice: choice.update(logprobs=None))),
            Habit(
                "native_finish_reason", _each_choice(lambda c: c.update(native_finish_reason=None))
            ),
            Habit("unknown members of choices", _each_choice(lambda c: c.update(x={"y": [1]}))),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("refusal null", _each_delta(refusal=None)),
            _quirk("tool_calls null", _each_delta(tool_calls=None)),
            _quirk("function_call null", _each_delta(function_call=None)),
            Habit("unknown members of deltas", _each_delta(x={"y": [1]})),
            Habit("content null in every delta", _each_delta(content=None)),
            Habit("content empty in every delta", _each_delta(content="")),
            Habit("tool_calls empty", _each_delta(tool_calls=[])),
        ),
    ),
    Aspect(
        "chunks",
        (
            _quirk("finish_reason empty", _each_choice(_empty_finish)),
            _quirk("no finish_reason", _each_choice(_no_finish)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("unknown members", _each_chunk(x={"y": [1]})),
            Habit("obfuscation", _each_chunk(obfuscation="aB3")),
            Habit("system_fingerprint null", _each_chunk(system_fingerprint=None)),
        ),
    ),
    Aspect(
        "chunks",
        (
            Habit("id empty", _each_chunk(id="")),
            _quirk("no id", _each_without("id")),
            _quirk("id changes", _other_ids),
            Habit("created 0", _each_chunk(created=0)),
            _quirk("created with decimals", _each_chunk(created=1700000000.25)),
            _quirk("no created", _each_without("created")),
            Habit("model empty", _each_chunk(model="")),
            _quirk("no model", _each_without("model")),
            _quirk("object empty", _each_chunk(object="")),
            _quirk("no object", _each_without("object")),
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
