"""The chunks of a chat completion without any habits.

Rules of this file: pure. `openai_mockserver.faults.chunk_changes` changes these chunks.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from openai_mockserver.dialects import usage as usages
from openai_mockserver.faults.chunk_changes import Chunk, build_chunk
from openai_mockserver.reply import Choice, Reply

__all__ = ["build_chunks", "is_plain"]


def build_chunks(reply: Reply) -> list[Chunk]:
    """Return the chunks of a reply, one for each piece."""
    deltas = [_build_deltas(choice) for choice in reply.choices]
    chunks = [
        build_chunk({"index": index, "delta": delta, "finish_reason": None})
        for turn in zip_longest(*deltas)
        for index, delta in enumerate(turn)
        if delta is not None
    ]
    chunks += [
        build_chunk({"index": index, "delta": {}, "finish_reason": choice.finish_reason})
        for index, choice in enumerate(reply.choices)
        if choice.finish_reason is not None
    ]
    if reply.usage is not None:
        chunks.append(build_chunk() | {"usage": usages.write(reply.usage)})
    return chunks


def _build_deltas(choice: Choice) -> list[dict[str, Any]]:
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
    """Whether `build_chunks` can express all content of a reply."""
    return reply.error is None and not any(
        choice.explicit_output
        or choice.audio
        or choice.annotations
        or choice.logprobs is not None
        or any(call.custom or call.namespace for call in choice.tool_calls)
        for choice in reply.choices
    )
