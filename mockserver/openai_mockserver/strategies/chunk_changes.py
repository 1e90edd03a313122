"""How senders of chat chunks vary them: roles, finishes, usage, tool calls, order.

Rules of this file: a change is a function from chunks to chunks, and changes no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any

from openai_mockserver.dialects import usage as usages
from openai_mockserver.reply import Choice, Reply

__all__ = ["is_plain"]

Chunk = dict[str, Any]


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
        choice.explicit_output
        or choice.audio
        or choice.annotations
        or choice.logprobs is not None
        or any(call.custom or call.namespace for call in choice.tool_calls)
        for choice in reply.choices
    )


# Habits of chunks

Change = Callable[[list[Chunk], int], list[Chunk]]


def change_choices(change: Callable[[dict[str, Any]], object]) -> Change:
    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        for chunk in made:
            for choice in chunk["choices"]:
                change(choice)
        return made

    return apply


def add_to_deltas(**members: Any) -> Change:
    """Members of every delta that has none of this name."""
    return change_choices(lambda choice: choice.update(delta=members | choice["delta"]))


def add_to_chunks(**members: Any) -> Change:
    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        for chunk in made:
            chunk.update(members)
        return made

    return apply


def remove_from_deltas(*names: str) -> Change:
    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        return [{k: v for k, v in chunk.items() if k not in names} for chunk in made]

    return apply


def split_role(content: object) -> Change:
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


def remove_role(choice: dict[str, Any]) -> None:
    choice["delta"].pop("role", None)


def _ends(chunk: Chunk) -> bool:
    """Whether a choice ends in the chunk."""
    return any(choice["finish_reason"] for choice in chunk["choices"])


def insert_chunk(says: Callable[[], list[dict[str, Any]]]) -> Change:
    """A chunk that says nothing, somewhere before the first choice's end."""

    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        ends = (n for n, chunk in enumerate(made) if _ends(chunk))
        at = place % (next(ends, len(made)) + 1)
        choices = says()
        # The role comes first, where it comes.
        at = max(at, 1) if choices else at
        return [*made[:at], _chunk(*choices), *made[at:]]

    return apply


def empty_delta(**delta: Any) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [{"index": 0, "delta": dict(delta), "finish_reason": None}]


def finish_with_last(made: list[Chunk], place: int) -> list[Chunk]:
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


def remove_finish(choice: dict[str, Any]) -> None:
    if choice["finish_reason"] is None:
        del choice["finish_reason"]


def empty_finish(choice: dict[str, Any]) -> None:
    if choice["finish_reason"] is None:
        choice["finish_reason"] = ""


def finish_twice(made: list[Chunk], place: int) -> list[Chunk]:
    return [again for chunk in made for again in [chunk] * (2 if _ends(chunk) else 1)]


def _usage_told(made: list[Chunk]) -> dict[str, Any] | None:
    told = made[-1].get("usage") if made else None
    return told if isinstance(told, dict) and not made[-1]["choices"] else None


def put_usage_with_finish(made: list[Chunk], place: int) -> list[Chunk]:
    if (told := _usage_told(made)) is None or len(made) < 2:
        return made
    made[-2]["usage"] = told
    return made[:-1]


def repeat_usage(made: list[Chunk], place: int) -> list[Chunk]:
    """Every chunk says what was used so far; the last one counts."""
    if (told := _usage_told(made)) is None:
        return made
    for n, chunk in enumerate(made[:-1]):
        so_far = min(n, told["completion_tokens"])
        total = told["prompt_tokens"] + so_far
        chunk["usage"] = told | {"completion_tokens": so_far, "total_tokens": total}
    return made


def put_usage_beside_choice(made: list[Chunk], place: int) -> list[Chunk]:
    if _usage_told(made) is not None:
        made[-1]["choices"] = empty_delta()()
    return made


def add_null_usage(made: list[Chunk], place: int) -> list[Chunk]:
    for chunk in made:
        chunk.setdefault("usage", None)
    return made


# Tool calls


def _fragments(made: list[Chunk]) -> Iterable[dict[str, Any]]:
    for chunk in made:
        for choice in chunk["choices"]:
            yield from choice["delta"].get("tool_calls") or ()


def change_fragments(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Change:
    """Change each fragment of a call, by the first one of the same call."""

    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        first: dict[int, dict[str, Any]] = {}
        for fragment in _fragments(made):
            if fragment.get("id"):
                first[fragment["index"]] = dict(fragment)
            change(fragment, first[fragment["index"]])
        return made

    return apply


def repeat_id(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment["id"] = first["id"]


def null_id(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment.setdefault("id", None)


def empty_id(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment.setdefault("id", "")


def null_name(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment["function"].setdefault("name", None)


def empty_name(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment["function"].setdefault("name", "")


def repeat_type(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment["type"] = "function"


def null_type(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment.setdefault("type", None)


def remove_type(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment.pop("type", None)


def split_call_header(arguments: object) -> Change:
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


def match_by_id(change: Callable[[dict[str, Any]], object]) -> Change:
    """Change fragments where all have ids, which tell the calls apart without an index."""

    def apply(made: list[Chunk], place: int) -> list[Chunk]:
        if all(fragment.get("id") for fragment in _fragments(made)):
            for fragment in _fragments(made):
                change(fragment)
        return made

    return apply


def index_from_one(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment["index"] += 1


def join_calls(made: list[Chunk], place: int) -> list[Chunk]:
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


def interleave_calls(made: list[Chunk], place: int) -> list[Chunk]:
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


def rename_reasoning(*names: str) -> Change:
    def change(choice: dict[str, Any]) -> None:
        delta = choice["delta"]
        if "reasoning_content" in delta:
            piece = delta.pop("reasoning_content")
            delta.update(dict.fromkeys(names, piece))

    return change_choices(change)


def send_choices_together(made: list[Chunk], place: int) -> list[Chunk]:
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


def send_choices_in_turn(made: list[Chunk], place: int) -> list[Chunk]:
    def of(chunk: Chunk) -> int:
        indexes = [choice["index"] for choice in chunk["choices"]]
        return indexes[0] if indexes else 1 << 30

    return sorted(made, key=of)


def change_ids(made: list[Chunk], place: int) -> list[Chunk]:
    return [chunk | {"id": f"chatcmpl-{n}"} for n, chunk in enumerate(made)]


def add_filter_results(made: list[Chunk], place: int) -> list[Chunk]:
    """Azure's first chunk (WIRE.md §5)."""
    said = {"prompt_index": 0, "content_filter_results": {}}
    first = _chunk() | {"id": "", "object": "", "created": 0, "model": ""}
    return [first | {"prompt_filter_results": [said]}, *made]
