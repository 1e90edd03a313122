"""Output cut short by ``max_output_tokens``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from openai_mockserver.reply import (
    Message,
    Output,
    Reasoning,
    Text,
    ToolCall,
)

# What a request cuts short


def limit_output(
    output: tuple[Output, ...], request: Mapping[str, Any]
) -> tuple[tuple[Output, ...], bool]:
    """The output as far as ``max_output_tokens`` lets it be, and whether that is less."""
    limit = request.get("max_output_tokens")
    if limit is None or sum(map(count_tokens, output)) <= limit:
        return output, False
    kept: list[Output] = []
    for item in output:
        if limit <= 0:
            break
        kept.append(_first_tokens(item, limit))
        limit -= count_tokens(item)
    return tuple(kept), True


def _texts(item: Output) -> Iterable[Text]:
    if isinstance(item, ToolCall):
        return (item.arguments,)
    if isinstance(item, Reasoning):
        return (*item.summary, *item.content)
    if isinstance(item, Message):
        return [text for text in (item.text, item.refusal) if text is not None]
    return [value for value in item.members.values() if isinstance(value, Text)]


def count_tokens(item: Output) -> int:
    return sum(text.tokens for text in _texts(item))


def _first_tokens(item: Output, limit: int) -> Output:
    def first(text: Text) -> Text:
        nonlocal limit
        kept = text.first(limit)
        limit -= text.tokens
        return kept

    if isinstance(item, ToolCall):
        return replace(item, arguments=first(item.arguments))
    if isinstance(item, Reasoning):
        summary = [text for text in map(first, item.summary) if text]
        return Reasoning(summary, content=[text for text in map(first, item.content) if text])
    if isinstance(item, Message):
        text = None if item.text is None else first(item.text)
        refusal = None if item.refusal is None else first(item.refusal)
        said = text if text is not None else refusal
        n = len(said.pieces) if said is not None else 0
        return Message(
            text,
            refusal=refusal,
            annotations=[a for a in item.annotations if a.after is not None and a.after <= n],
            phase=item.phase,
            logprobs=None if item.logprobs is None else item.logprobs[:n],
        )
    return item
