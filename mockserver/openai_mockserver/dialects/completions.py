"""The format of legacy completions: which members a chunk has, and what comes when."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CompletionsFormat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionsFormat:
    """How a server writes completions: its members in their order, and what comes when.

    Args:
        id: its form; see `openai_mockserver.api.ids.fill_pattern`.
        fingerprint: the deployment's.
        chunk, choice, body: the members of a chunk, a choice and a JSON body.
        usage_chunk, usage: the members of the chunk with the usage, and of the usage.
        usage_null: whether chunks say ``"usage":null``: where usage is asked for, or always.
        usage_unasked: whether the usage comes without being asked for.
        length_with_text: whether the last token of a text that is cut short tells so; else, as
            for every other reason, a chunk of its own does.
        finish_together: whether one chunk finishes all choices.
        fingerprint_at_end: whether the chunk that finishes has the fingerprint.
        indent: of the JSON body; compact where it is 0.
    """

    id: str
    fingerprint: str | None = None
    chunk: tuple[str, ...] = ("id", "object", "created", "model", "choices", "usage")
    choice: tuple[str, ...] = ("index", "text", "logprobs", "finish_reason")
    body: tuple[str, ...] = ("id", "object", "created", "model", "choices", "usage")
    usage_chunk: tuple[str, ...] = ("id", "object", "created", "model", "choices", "usage")
    usage: tuple[str, ...] = ("prompt_tokens", "total_tokens", "completion_tokens")
    usage_null: bool | None = None  # None: where usage is asked for
    usage_unasked: bool = False
    length_with_text: bool = True
    finish_together: bool = False
    fingerprint_at_end: bool = False
    indent: int = 0
