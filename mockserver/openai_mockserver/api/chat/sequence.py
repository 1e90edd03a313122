"""A choice cut into the parts of a stream, and the order in which several choices come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple, TypeVar

from openai_mockserver.dialects import Dialect
from openai_mockserver.dialects.content_filter import filter_results
from openai_mockserver.dialects.template import OMITTED
from openai_mockserver.reply import Choice, ToolCall

__all__ = ["Part", "add_extra", "interleave", "split_choice"]

T = TypeVar("T")
DELTA = "choices.delta."
CALL = "choices.delta.tool_calls."


class Part(NamedTuple):
    """What one chunk says: its kind and the values of its holes."""

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
    "function": "function",
    "function arguments": "function",
    "annotations": "annotations",
}
"""What the kinds of parts are parts of, in the order in which a choice says them."""


def _in_sequence(said: list[Part], sequence: Sequence[str]) -> list[Part]:
    """The parts in another order than the usual."""
    queues: dict[str, list[Part]] = {}
    for part in said:
        queues.setdefault(GROUPS[part.kind], []).append(part)
    ordered = []
    for groups in sequence:
        together = [queues[group].pop(0) for group in groups.split("+") if queues.get(group)]
        ordered += [join_parts(together)] if together else []
    return ordered + [part for queue in queues.values() for part in queue]


def join_parts(together: Sequence[Part]) -> Part:
    """What one chunk says that says several things; the second of a kind has names of its own."""
    values: dict[str, Any] = {}
    called = 0
    for n, part in enumerate(together):
        for name, value in part.values.items():
            if called and name.startswith(CALL):
                name = f"{CALL[:-1]}#{called}.{name.removeprefix(CALL)}"
            values[f"piece#{n}" if n and name == "piece" else name] = value
        called += part.kind in ("call", "arguments")
    return Part("+".join(part.kind for part in together), values)


def split_choice(
    choice: Choice,
    dialect: Dialect,
    logprobs: Sequence[Any] | None,
    sequence: Sequence[str] = (),
) -> list[Part]:
    """What a choice says, one part for each chunk.

    Args:
        choice: what is said.
        dialect: how tool calls, roles and finish reasons are put.
        logprobs: for each piece of the text or refusal, its entries.
        sequence: the `GROUPS` to which the parts belong, where they come otherwise than there.
    """
    said = [*_said(choice, dialect, logprobs)]
    if sequence:
        said = _in_sequence(said, sequence)
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
    alone = choice.text is None and choice.refusal is None and not thinks
    single = dialect.role == "call" and alone and len(choice.tool_calls) == 1
    if said and (dialect.role == "with" or single):
        first = said[0]
        said[0] = Part(f"role+{first.kind}", opening | {f"{DELTA}content": None} | first.values)
    else:
        said.insert(0, Part("role", opening))
    if "filter" in dialect.layouts and choice.text is not None:
        said.append(Part("filter", _offsets(choice.text)))
    if choice.finish_reason is not None:
        reason = dialect.calls_finish if choice.finish_reason == "tool_calls" else None
        finish = {"choices.finish_reason": reason or choice.finish_reason}
        last = said[-1]
        if dialect.finish == "with" and last.kind not in ("role", "filter"):
            said[-1] = Part(f"{last.kind}+finish", last.values | finish)
        else:
            said.append(Part("finish", finish))
    return [Part(kind, common | values) for kind, values in said]


def _offsets(text: str) -> dict[str, Any]:
    at = "choices.content_filter_offsets."
    return {f"{at}check_offset": 0, f"{at}start_offset": 0, f"{at}end_offset": len(text)}


def _said(choice: Choice, dialect: Dialect, logprobs: Sequence[Any] | None) -> Iterator[Part]:
    for piece in choice.reasoning.pieces if choice.reasoning is not None else ():
        # Who has no member for it says it as text.
        yield Part(
            "reasoning",
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
            yield Part(member, values)
    if choice.audio is not None:
        yield from _heard(choice)
    for index, call in enumerate(choice.tool_calls):
        yield from _called(index, call, dialect.calls)
    if choice.function_call is not None:
        path = f"{DELTA}function_call."
        yield Part("function", {f"{path}name": choice.function_call.name, f"{path}arguments": ""})
        for piece in choice.function_call.arguments.pieces:
            yield Part("function arguments", {f"{path}arguments": piece, "piece": piece})
    if choice.annotations:
        yield Part("annotations", {f"{DELTA}annotations": citations(choice)})


def _heard(choice: Choice) -> Iterator[Part]:
    audio = choice.audio
    if audio is None:
        return
    at = f"{DELTA}audio."
    for n, piece in enumerate(audio.transcript.pieces):
        yield Part("transcript", {f"{at}id": None if n else audio.id, f"{at}transcript": piece})
    for n, piece in enumerate(audio.data.pieces):
        yield Part("sound", {f"{at}id": None if n else audio.id, f"{at}data": piece})


def citations(choice: Choice) -> list[dict[str, Any]]:
    """The citations of a choice: nested in chat, as they are flat in the Responses API."""
    nested = []
    for annotation in choice.annotations:
        members = dict(annotation.members)
        kind = members.pop("type", "url_citation")
        nested.append({"type": kind, kind: members})
    return nested


def _called(index: int, call: ToolCall, how: str) -> Iterator[Part]:
    pieces: tuple[str, ...] = call.arguments.pieces
    if how == "whole":
        pieces = (str(call.arguments),)
    elif how == "split" or not pieces:
        pieces = ("", *pieces)
    yield Part("call", call_values(index, call, pieces[0]) | {"piece": pieces[0]})
    for piece in pieces[1:]:
        # Who repeats the type repeats its value: a null breaks the SDK's own streams.
        values = {
            f"{CALL}index": index,
            f"{CALL}type": "function",
            f"{CALL}function.arguments": piece,
            "piece": piece,
        }
        yield Part("arguments", values)


def call_values(index: int, call: ToolCall, arguments: str) -> dict[str, Any]:
    """The values of a tool call's holes."""
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
    """Add to the calls of a delta or a message what their layout does not have of their extra."""
    for n, entry in enumerate(entries):
        path = f"{CALL[:-1]}#{n}." if n else CALL
        entry |= {k: v for k, v in (value(f"{path}extra") or {}).items() if k not in entry}


def interleave(
    said: list[list[T]], ends: list[list[T]], order: str | tuple[int, ...]
) -> Iterator[tuple[int, T]]:
    """The parts of several choices, each with its index, in an order of `envelope.ORDERS`.

    ``interleaved`` is OpenAI's (WIRE.md §1, n > 1): each role chunk is followed by its first token,
    then round robin, and the ends come last.
    """
    if isinstance(order, tuple):
        left = [iter([*one, *end]) for one, end in zip(said, ends, strict=True)]
        yield from ((i, part) for i in order if (part := next(left[i], None)) is not None)
        yield from ((i, part) for i, one in enumerate(left) for part in one)
        return
    last = order in ("interleaved", "in turn, ends last")
    if not last:
        said = [[*one, *end] for one, end in zip(said, ends, strict=True)]
    if order.startswith("in turn"):
        yield from ((index, part) for index, one in enumerate(said) for part in one)
    else:
        opening = 2 if last else 0
        for index, one in enumerate(said):
            yield from ((index, part) for part in one[:opening])
        for turn in zip_longest(*(one[opening:] for one in said)):
            yield from ((i, part) for i, part in enumerate(turn) if part is not None)
    if last:
        yield from ((index, part) for index, end in enumerate(ends) for part in end)
