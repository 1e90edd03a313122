"""Splits a choice into the parts of a stream, and orders the parts of several choices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple, TypeVar

from openai_mockserver.dialects import Dialect
from openai_mockserver.dialects.content_filter import filter_results
from openai_mockserver.dialects.template import OMITTED
from openai_mockserver.reply import Choice, Message, Reasoning, ToolCall

__all__ = ["Part", "add_extra", "arrange_parts", "interleave", "split_choice"]

T = TypeVar("T")
DELTA = "choices.delta."
CALL = "choices.delta.tool_calls."


class Part(NamedTuple):
    """The content of one chunk: its kind and the values of its placeholders."""

    kind: str
    values: dict[str, Any]


GROUPS = {
    "reasoning": "reasoning",
    "text": "text",
    "refusal": "refusal",
    "transcript": "transcript",
    "sound": "sound",
    "call": "calls",
    "arguments": "calls",
    "last arguments": "calls",
    "first text": "text",
    "first reasoning": "reasoning",
    "function": "function",
    "function arguments": "function",
    "annotations": "annotations",
}
"""The group of each kind of part, in the order in which a choice sends them."""


def _reorder_parts(parts: list[Part], sequence: Sequence[str]) -> list[Part]:
    """Return the parts in the order of a sequence of groups."""
    queues: dict[str, list[Part]] = {}
    for part in parts:
        queues.setdefault(GROUPS[part.kind], []).append(part)
    reordered_parts = []
    for groups in sequence:
        joint = [queues[group].pop(0) for group in groups.split("+") if queues.get(group)]
        reordered_parts += [join_parts(joint)] if joint else []
    return reordered_parts + [part for queue in queues.values() for part in queue]


def arrange_parts(choice: Choice, kinds: Sequence[str], parts: Sequence[T]) -> list[T]:
    """Return the parts of a choice in the order of its output items.

    Args:
        choice: a choice whose output is not in the usual order.
        kinds: the kind of each part.
        parts: the parts in the usual order.
    """
    queues: dict[str, list[list[T]]] = {}  # of the parts that stay together
    for kind, part in zip(kinds, parts, strict=True):
        queue = queues.setdefault(GROUPS[kind], [])
        if kind in ("arguments", "last arguments") and queue:
            queue[-1].append(part)
        else:
            queue.append([part])
    arranged_parts: list[T] = []
    for group in _list_groups(choice):
        if queues.get(group):
            arranged_parts += queues[group].pop(0)
    return arranged_parts + [part for queue in queues.values() for run in queue for part in run]


def _list_groups(choice: Choice) -> Iterator[str]:
    """Yield the group of each piece of text and of each call, in the order of the output items."""
    has_reasoning = False
    for item in choice.explicit_output:
        if isinstance(item, ToolCall):
            yield "calls"
        elif isinstance(item, Message):
            for group, text in (("text", item.text), ("refusal", item.refusal)):
                yield from (group for _ in (text.pieces if text is not None else ()))
        elif isinstance(item, Reasoning):
            for text in item.summary or item.content:
                # A blank line, which is a piece too, separates it from the reasoning before it.
                yield from ("reasoning" for _ in range(len(text.pieces) + has_reasoning))
                has_reasoning = True


def join_parts(parts: Sequence[Part]) -> Part:
    """Join parts that are sent in one chunk; the values of a second call get other names."""
    values: dict[str, Any] = {}
    call_count = 0
    for n, part in enumerate(parts):
        for name, value in part.values.items():
            if call_count and name.startswith(CALL):
                name = f"{CALL[:-1]}#{call_count}.{name.removeprefix(CALL)}"
            values[f"piece#{n}" if n and name == "piece" else name] = value
        call_count += part.kind in ("call", "arguments", "last arguments")
    return Part("+".join(part.kind for part in parts), values)


def split_choice(
    choice: Choice,
    dialect: Dialect,
    logprobs: Sequence[Any] | None,
    sequence: Sequence[str] = (),
) -> list[Part]:
    """Split a choice into parts, one for each chunk.

    Args:
        choice: the choice.
        dialect: how tool calls, roles and finish reasons are sent.
        logprobs: the entries of each piece of the text or refusal.
        sequence: names of `GROUPS` in the order of the parts, if it is not the order there.
    """
    parts = [*_split_content(choice, dialect, logprobs)]
    if sequence:
        parts = _reorder_parts(parts, sequence)
    elif choice.explicit_output:
        parts = arrange_parts(choice, [part.kind for part in parts], parts)
    thinks = choice.reasoning is not None
    common = {
        "null_if_reasoning": None if thinks else OMITTED,
        "empty_list_if_reasoning": [] if thinks else OMITTED,
        "choice_filter": filter_results(choice),
    }
    opening = {
        f"{DELTA}content": None if choice.text is None else "",
        f"{DELTA}refusal": None if choice.refusal is None else "",
        f"{DELTA}reasoning_content": "" if thinks else None,
        "empty_text_unless_reasoning": None if thinks else "",
    }
    has_only_calls = not str(choice.text or "") and choice.refusal is None and not thinks
    is_one_call = dialect.role == "call" and has_only_calls and len(choice.tool_calls) == 1
    if parts and (dialect.role == "with" or is_one_call):
        first = parts[0]
        parts[0] = Part(f"role+{first.kind}", opening | {f"{DELTA}content": None} | first.values)
    else:
        parts.insert(0, Part("role", opening))
    if "filter" in dialect.layouts and choice.text is not None:
        parts.append(Part("filter", _filter_offsets(choice.text)))
    if choice.finish_reason is not None:
        reason = dialect.calls_finish if choice.finish_reason == "tool_calls" else None
        finish = {"choices.finish_reason": reason or choice.finish_reason}
        last = parts[-1]
        if dialect.finish == "with" and last.kind not in ("role", "filter"):
            parts[-1] = Part(f"{last.kind}+finish", last.values | finish)
        else:
            parts.append(Part("finish", finish))
    return [Part(kind, common | values) for kind, values in parts]


def _filter_offsets(text: str) -> dict[str, Any]:
    path = "choices.content_filter_offsets."
    return {f"{path}check_offset": 0, f"{path}start_offset": 0, f"{path}end_offset": len(text)}


def _split_content(
    choice: Choice, dialect: Dialect, logprobs: Sequence[Any] | None
) -> Iterator[Part]:
    for at, piece in enumerate(choice.reasoning.pieces if choice.reasoning is not None else ()):
        # Providers without a reasoning member send it as text.
        yield Part(
            _name_piece("reasoning", at, dialect),
            {
                f"{DELTA}reasoning_content": piece,
                f"{DELTA}reasoning": piece,
                "tagged_reasoning": f"<thought>{piece}</thought>",
                "piece": piece,
            },
        )
    for member in ("text", "refusal"):
        text = getattr(choice, member)
        for at, piece in enumerate(text.pieces if text is not None else ()):
            name = "content" if member == "text" else member
            values = {f"{DELTA}{name}": piece, "piece": piece}
            if member == "text":
                values["text"] = piece
            if logprobs is not None and (member == "text" or choice.text is None):
                values["logprobs"] = logprobs[at]
                other = "refusal" if name == "content" else "content"
                values["choices.logprobs"] = {name: logprobs[at], other: None}
                values["bare_logprobs"] = {name: logprobs[at]}
            yield Part(_name_piece(member, at, dialect), values)
    if choice.audio is not None:
        yield from _split_audio(choice)
    for index, call in enumerate(choice.tool_calls):
        yield from _split_call(index, call, dialect)
    if choice.function_call is not None:
        path = f"{DELTA}function_call."
        yield Part("function", {f"{path}name": choice.function_call.name, f"{path}arguments": ""})
        for piece in choice.function_call.arguments.pieces:
            yield Part("function arguments", {f"{path}arguments": piece, "piece": piece})
    if choice.annotations:
        all_citations = citations(choice)
        groups = [[one] for one in all_citations] if dialect.splits_citations else [all_citations]
        for group in groups:
            yield Part("annotations", {f"{DELTA}annotations": group})


def _name_piece(kind: str, at: int, dialect: Dialect) -> str:
    """Return the kind of a piece; a dialect may have another layout for the first one."""
    return f"first {kind}" if at == 0 and f"first {kind}" in dialect.layouts else kind


def _split_audio(choice: Choice) -> Iterator[Part]:
    audio = choice.audio
    if audio is None:
        return
    path = f"{DELTA}audio."
    for n, piece in enumerate(audio.transcript.pieces):
        yield Part("transcript", {f"{path}id": None if n else audio.id, f"{path}transcript": piece})
    for n, piece in enumerate(audio.data.pieces):
        yield Part("sound", {f"{path}id": None if n else audio.id, f"{path}data": piece})


def citations(choice: Choice) -> list[dict[str, Any]]:
    """Return the citations of a choice: nested in chat, while the Responses API has them flat."""
    nested_citations = []
    for annotation in choice.annotations:
        members = dict(annotation.members)
        kind = members.pop("type", "url_citation")
        nested_citations.append({"type": kind, kind: members})
    return nested_citations


def _split_call(index: int, call: ToolCall, dialect: Dialect) -> Iterator[Part]:
    pieces: tuple[str, ...] = call.arguments.pieces
    if dialect.calls == "whole":
        pieces = (str(call.arguments),)
    elif dialect.calls == "split" or not pieces:
        pieces = ("", *pieces)
    yield Part("call", call_values(index, call, pieces[0]) | {"piece": pieces[0]})
    for number, piece in enumerate(pieces[1:], 2):
        # A provider that repeats the type repeats its value: null would break the SDK's streams.
        values = {
            f"{CALL}index": index,
            f"{CALL}id": call.id,
            f"{CALL}type": "function",
            f"{CALL}function.name": call.name,
            f"{CALL}function.arguments": piece,
            "piece": piece,
        }
        is_last = number == len(pieces) and "last arguments" in dialect.layouts
        yield Part("last arguments" if is_last else "arguments", values)


def call_values(index: int, call: ToolCall, arguments: str) -> dict[str, Any]:
    """Return the values of a tool call's placeholders."""
    return {
        f"{CALL}index": index,
        f"{CALL}id": call.id,
        f"{CALL}type": "function",
        f"{CALL}function.name": call.name,
        f"{CALL}function.arguments": arguments,
        f"{CALL}extra": call.extra,
        **{f"{CALL}{name}": value for name, value in call.extra.items()},
    }


def add_extra(entries: list[dict[str, Any]], value: Callable[[str], Any]) -> None:
    """Add the extra members of calls that the layout of the delta or message does not have."""
    for n, entry in enumerate(entries):
        path = f"{CALL[:-1]}#{n}." if n else CALL
        entry |= {k: v for k, v in (value(f"{path}extra") or {}).items() if k not in entry}


def interleave(
    choices: list[list[T]], ends: list[list[T]], order: str | tuple[int, ...]
) -> Iterator[tuple[int, T]]:
    """Yield the parts of several choices, each with its index, in an order of `envelope.ORDERS`.

    ``interleaved`` is OpenAI's (WIRE.md §1, n > 1): each role chunk is followed by its first token,
    then round robin, and the ends come last.
    """
    if isinstance(order, tuple):
        iterators = [iter([*parts, *end]) for parts, end in zip(choices, ends, strict=True)]
        yield from ((i, part) for i in order if (part := next(iterators[i], None)) is not None)
        yield from ((i, part) for i, iterator in enumerate(iterators) for part in iterator)
        return
    are_ends_last = order in ("interleaved", "in turn, ends last")
    if not are_ends_last:
        choices = [[*parts, *end] for parts, end in zip(choices, ends, strict=True)]
    if order.startswith("in turn"):
        yield from ((index, part) for index, parts in enumerate(choices) for part in parts)
    else:
        opening = 2 if are_ends_last else 0
        for index, parts in enumerate(choices):
            yield from ((index, part) for part in parts[:opening])
        for turn in zip_longest(*(parts[opening:] for parts in choices)):
            yield from ((i, part) for i, part in enumerate(turn) if part is not None)
    if are_ends_last:
        yield from ((index, part) for index, end in enumerate(ends) for part in end)
