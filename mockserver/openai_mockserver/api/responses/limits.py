"""Truncate output at ``max_output_tokens``."""

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


def limit_output(
    output: tuple[Output, ...], request: Mapping[str, Any]
) -> tuple[tuple[Output, ...], bool]:
    """Return the output within ``max_output_tokens``, and whether it was truncated."""
    limit = request.get("max_output_tokens")
    if limit is None or sum(map(count_tokens, output)) <= limit:
        return output, False
    items: list[Output] = []
    for item in output:
        if limit <= 0:
            break
        items.append(_truncate_item(item, limit))
        limit -= count_tokens(item)
    return tuple(items), True


def _list_texts(item: Output) -> Iterable[Text]:
    if isinstance(item, ToolCall):
        return (item.arguments,)
    if isinstance(item, Reasoning):
        return (*item.summary, *item.content)
    if isinstance(item, Message):
        return [text for text in (item.text, item.refusal) if text is not None]
    return [value for value in item.members.values() if isinstance(value, Text)]


def count_tokens(item: Output) -> int:
    """Return how many tokens the texts of an item have."""
    return sum(text.tokens for text in _list_texts(item))


def _truncate_item(item: Output, limit: int) -> Output:
    def truncate(text: Text) -> Text:
        nonlocal limit
        beginning = text.first(limit)
        limit -= text.tokens
        return beginning

    if isinstance(item, ToolCall):
        return replace(item, arguments=truncate(item.arguments))
    if isinstance(item, Reasoning):
        summary = [text for text in map(truncate, item.summary) if text]
        return Reasoning(summary, content=[text for text in map(truncate, item.content) if text])
    if isinstance(item, Message):
        text = None if item.text is None else truncate(item.text)
        refusal = None if item.refusal is None else truncate(item.refusal)
        visible = text if text is not None else refusal
        n = len(visible.pieces) if visible is not None else 0
        return Message(
            text,
            refusal=refusal,
            annotations=[a for a in item.annotations if a.after is not None and a.after <= n],
            phase=item.phase,
            logprobs=None if item.logprobs is None else item.logprobs[:n],
        )
    return item
