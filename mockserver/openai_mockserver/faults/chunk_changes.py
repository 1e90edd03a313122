"""Variations of chat chunks that servers send: roles, finish reasons, usage, tool calls, order.

Rules of this file: a change is a function from chunks to chunks that does not change the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any

Chunk = dict[str, Any]


def build_chunk(*choices: dict[str, Any]) -> Chunk:
    """Return a chunk with these choices."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-mini",
        "choices": list(choices),
    }


def _build_like(chunks: list[Chunk], *choices: dict[str, Any]) -> Chunk:
    """Return a chunk with these choices, and with the id, time and model of other chunks."""
    first = chunks[0] if chunks else {}
    return {k: first.get(k, v) for k, v in build_chunk().items()} | {"choices": list(choices)}


# Habits of chunks

Change = Callable[[list[Chunk], int], list[Chunk]]


def change_choices(change: Callable[[dict[str, Any]], object]) -> Change:
    def apply(chunks: list[Chunk], place: int) -> list[Chunk]:
        for chunk in chunks:
            for choice in chunk["choices"]:
                change(choice)
        return chunks

    return apply


def add_to_deltas(**members: Any) -> Change:
    """Add members to every delta that lacks them."""
    return change_choices(lambda choice: choice.update(delta=members | choice["delta"]))


def add_to_chunks(**members: Any) -> Change:
    def apply(chunks: list[Chunk], place: int) -> list[Chunk]:
        for chunk in chunks:
            chunk.update(members)
        return chunks

    return apply


def remove_from_deltas(*names: str) -> Change:
    def apply(chunks: list[Chunk], place: int) -> list[Chunk]:
        return [{k: v for k, v in chunk.items() if k not in names} for chunk in chunks]

    return apply


def split_role(content: object) -> Change:
    """Send the role in a separate chunk with this content; `...` for no content."""

    def apply(chunks: list[Chunk], place: int) -> list[Chunk]:
        split_chunks: list[Chunk] = []
        for chunk in chunks:
            for choice in chunk["choices"]:
                if choice["delta"].pop("role", None):
                    delta: dict[str, Any] = {"role": "assistant"}
                    if content is not Ellipsis:
                        delta["content"] = content
                    opening = {"index": choice["index"], "delta": delta, "finish_reason": None}
                    split_chunks.append(chunk | {"choices": [opening]})
            split_chunks.append(chunk)
        return split_chunks

    return apply


def remove_role(choice: dict[str, Any]) -> None:
    choice["delta"].pop("role", None)


def _ends(chunk: Chunk) -> bool:
    """Whether a choice ends in the chunk."""
    return any(choice.get("finish_reason") for choice in chunk["choices"])


def insert_chunk(build_choices: Callable[[], list[dict[str, Any]]]) -> Change:
    """Insert a chunk without content somewhere before the first choice ends."""

    def apply(chunks: list[Chunk], place: int) -> list[Chunk]:
        ends = (n for n, chunk in enumerate(chunks) if _ends(chunk))
        at = place % (next(ends, len(chunks)) + 1)
        choices = build_choices()
        # A role must come first.
        at = max(at, 1) if choices else at
        return [*chunks[:at], _build_like(chunks, *choices), *chunks[at:]]

    return apply


def empty_delta(**delta: Any) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [{"index": 0, "delta": dict(delta), "finish_reason": None}]


def finish_with_last(chunks: list[Chunk], place: int) -> list[Chunk]:
    """Move the finish reason into the last chunk with content."""
    last: dict[int, dict[str, Any]] = {}
    result: list[Chunk] = []
    for chunk in chunks:
        choices = chunk["choices"]
        if len(choices) == 1 and _ends(chunk) and not choices[0]["delta"]:
            previous = last.get(choices[0]["index"])
            if previous is not None:
                previous["finish_reason"] = choices[0]["finish_reason"]
                continue
        for choice in choices:
            last[choice["index"]] = choice
        result.append(chunk)
    return result


def remove_finish(choice: dict[str, Any]) -> None:
    if choice.get("finish_reason") is None:
        choice.pop("finish_reason", None)


def empty_finish(choice: dict[str, Any]) -> None:
    if choice.get("finish_reason") is None:
        choice["finish_reason"] = ""


def finish_twice(chunks: list[Chunk], place: int) -> list[Chunk]:
    return [again for chunk in chunks for again in [chunk] * (2 if _ends(chunk) else 1)]


def _find_usage(chunks: list[Chunk]) -> dict[str, Any] | None:
    """Return the usage if the last chunk has it, without choices."""
    usage = chunks[-1].get("usage") if chunks else None
    return usage if isinstance(usage, dict) and not chunks[-1]["choices"] else None


def put_usage_with_finish(chunks: list[Chunk], place: int) -> list[Chunk]:
    if (usage := _find_usage(chunks)) is None or len(chunks) < 2:
        return chunks
    chunks[-2]["usage"] = usage
    return chunks[:-1]


def repeat_usage(chunks: list[Chunk], place: int) -> list[Chunk]:
    """Add the usage so far to every chunk; only the last one counts."""
    if (usage := _find_usage(chunks)) is None:
        return chunks
    for n, chunk in enumerate(chunks[:-1]):
        so_far = min(n, usage["completion_tokens"])
        total = usage["prompt_tokens"] + so_far
        chunk["usage"] = usage | {"completion_tokens": so_far, "total_tokens": total}
    return chunks


def put_usage_beside_choice(chunks: list[Chunk], place: int) -> list[Chunk]:
    if _find_usage(chunks) is not None:
        chunks[-1]["choices"] = empty_delta()()
    return chunks


def add_null_usage(chunks: list[Chunk], place: int) -> list[Chunk]:
    for chunk in chunks:
        chunk.setdefault("usage", None)
    return chunks


# Tool calls


def _fragments(chunks: list[Chunk]) -> Iterable[dict[str, Any]]:
    for chunk in chunks:
        for choice in chunk["choices"]:
            yield from choice["delta"].get("tool_calls") or ()


def change_fragments(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Change:
    """Change each fragment of a call, given also the first fragment of that call."""

    def apply(chunks: list[Chunk], place: int) -> list[Chunk]:
        first: dict[int, dict[str, Any]] = {}
        for fragment in _fragments(chunks):
            if fragment.get("id"):
                first[fragment["index"]] = dict(fragment)
            if fragment["index"] in first:
                change(fragment, first[fragment["index"]])
        return chunks

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
    """Send the name of a call in a separate chunk with these arguments; `...` for none."""

    def apply(chunks: list[Chunk], place: int) -> list[Chunk]:
        split_chunks: list[Chunk] = []
        for chunk in chunks:
            fragments = list(_fragments([chunk]))
            if len(fragments) != 1 or not fragments[0].get("id"):
                split_chunks.append(chunk)
                continue
            (choice,) = chunk["choices"]
            call = fragments[0]
            function: dict[str, Any] = {"name": call["function"]["name"]}
            if arguments is not Ellipsis:
                function["arguments"] = arguments
            delta = choice["delta"] | {"tool_calls": [call | {"function": function}]}
            split_chunks.append(chunk | {"choices": [choice | {"delta": delta}]})
            rest = {
                "index": call["index"],
                "function": {"arguments": call["function"]["arguments"]},
            }
            split_chunks.append(chunk | {"choices": [choice | {"delta": {"tool_calls": [rest]}}]})
        return split_chunks

    return apply


def match_by_id(change: Callable[[dict[str, Any]], object]) -> Change:
    """Change fragments if all have ids, which identify the calls without an index."""

    def apply(chunks: list[Chunk], place: int) -> list[Chunk]:
        if all(fragment.get("id") for fragment in _fragments(chunks)):
            for fragment in _fragments(chunks):
                change(fragment)
        return chunks

    return apply


def index_from_one(fragment: dict[str, Any], first: dict[str, Any]) -> None:
    fragment["index"] += 1


def join_calls(chunks: list[Chunk], place: int) -> list[Chunk]:
    """Put consecutive calls into one delta."""
    merged_chunks: list[Chunk] = []
    for chunk in chunks:
        before = merged_chunks[-1]["choices"] if merged_chunks else []
        now = chunk["choices"]
        if len(before) == len(now) == 1 and before[0]["index"] == now[0]["index"]:
            one, other = before[0]["delta"].get("tool_calls"), now[0]["delta"].get("tool_calls")
            if one and other and not {f["index"] for f in one} & {f["index"] for f in other}:
                one += other
                continue
        merged_chunks.append(chunk)
    return merged_chunks


def interleave_calls(chunks: list[Chunk], place: int) -> list[Chunk]:
    """Interleave the fragments of several calls."""
    calls: dict[int, list[Chunk]] = {}
    for chunk in chunks:
        fragments = list(_fragments([chunk]))
        if len(chunk["choices"]) == 1 and len(fragments) == 1:
            calls.setdefault(fragments[0]["index"], []).append(chunk)
    if len(calls) < 2:
        return chunks
    turns = [chunk for turn in zip_longest(*calls.values()) for chunk in turn if chunk is not None]
    moved_ids = {id(chunk) for chunk in turns}
    at = next(n for n, chunk in enumerate(chunks) if id(chunk) in moved_ids)
    rest = [chunk for chunk in chunks[at:] if id(chunk) not in moved_ids]
    return [*chunks[:at], *turns, *rest]


# Other members


def rename_reasoning(*names: str) -> Change:
    def change(choice: dict[str, Any]) -> None:
        delta = choice["delta"]
        if "reasoning_content" in delta:
            piece = delta.pop("reasoning_content")
            delta.update(dict.fromkeys(names, piece))

    return change_choices(change)


def send_choices_together(chunks: list[Chunk], place: int) -> list[Chunk]:
    """Merge consecutive chunks of different choices into one."""
    merged_chunks: list[Chunk] = []
    for chunk in chunks:
        before = merged_chunks[-1]["choices"] if merged_chunks else []
        now = chunk["choices"]
        indexes = {choice["index"] for choice in before}
        if before and now and not indexes & {choice["index"] for choice in now}:
            merged_chunks[-1] = merged_chunks[-1] | chunk | {"choices": [*before, *now]}
        else:
            merged_chunks.append(chunk)
    return merged_chunks


def send_choices_in_turn(chunks: list[Chunk], place: int) -> list[Chunk]:
    """Send each choice completely before the next."""

    def find_index(chunk: Chunk) -> int:
        indexes = [choice["index"] for choice in chunk["choices"]]
        return indexes[0] if indexes else 1 << 30

    return sorted(chunks, key=find_index)


def change_ids(chunks: list[Chunk], place: int) -> list[Chunk]:
    return [chunk | {"id": f"chatcmpl-{n}"} for n, chunk in enumerate(chunks)]


def add_filter_results(chunks: list[Chunk], place: int) -> list[Chunk]:
    """Insert Azure's first chunk (WIRE.md §5)."""
    results = {"prompt_index": 0, "content_filter_results": {}}
    first = build_chunk() | {"id": "", "object": "", "created": 0, "model": ""}
    return [first | {"prompt_filter_results": [results]}, *chunks]
