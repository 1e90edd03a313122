"""The format of legacy completions: the members of chunks and bodies, and their order."""

from __future__ import annotations

from dataclasses import dataclass

from openai_mockserver.dialects.json_style import COMPACT, Style

__all__ = ["CompletionsFormat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionsFormat:
    """How a server writes completions.

    Args:
        id: pattern of the id; see `openai_mockserver.api.ids.fill_pattern`.
        fingerprint: the ``system_fingerprint``.
        chunk: the members of a chunk, in order.
        choice: the members of a choice, in order.
        body: the members of a JSON body, in order.
        usage_chunk: the members of the chunk with the usage, in order.
        usage: the members of the usage, in order.
        usage_null: whether the other chunks have ``"usage":null``; None if only when the request
            asks for usage.
        usage_always: whether the usage is sent even if the request does not ask for it.
        length_with_text: whether the chunk with the last token has the finish reason ``length``;
            if not, a separate chunk has it, as all other finish reasons.
        finish_together: whether one chunk finishes all choices.
        fingerprint_at_end: whether only the chunk that finishes has the fingerprint.
        indent: indentation of the JSON body in spaces; 0 for compact JSON.
        style: spelling of the JSON in streams.
    """

    id: str
    fingerprint: str | None = None
    chunk: tuple[str, ...] = ("id", "object", "created", "model", "choices", "usage")
    choice: tuple[str, ...] = ("index", "text", "logprobs", "finish_reason")
    body: tuple[str, ...] = ("id", "object", "created", "model", "choices", "usage")
    usage_chunk: tuple[str, ...] = ("id", "object", "created", "model", "choices", "usage")
    usage: tuple[str, ...] = ("prompt_tokens", "total_tokens", "completion_tokens")
    usage_null: bool | None = None
    usage_always: bool = False
    length_with_text: bool = True
    finish_together: bool = False
    fingerprint_at_end: bool = False
    indent: int = 0
    style: Style = COMPACT
