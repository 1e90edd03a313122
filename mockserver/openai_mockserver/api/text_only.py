"""Endpoints where a model says nothing but text: what becomes of a choice there.

Rules of this file: a refusal is said as text; what cannot be said, a call or speech, is an error.
"""

from __future__ import annotations

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import Choice, Text
from openai_mockserver.reply.limits import replace_arguments

__all__ = ["require_text"]


def require_text(choice: Choice, what: str) -> Choice:
    """The choice with a refusal as its text.

    Raises:
        ReplyError: for a call of a tool or speech, where ``what`` is text alone.

    >>> require_text(Choice(refusal="I can't."), "a completion").text
    "I can't."
    """
    if choice.tool_calls or choice.function_call is not None:
        raise ReplyError(f"{what} is text alone: this reply calls a tool, as only a chat can")
    if choice.audio is not None:
        raise ReplyError(f"{what} is text alone: this reply is speech, as only a chat's can be")
    if choice.refusal is None:
        return choice
    if choice.text is None:
        return replace_arguments(choice, text=choice.refusal, refusal=None)
    pieces = (*choice.text.pieces, *choice.refusal.pieces)
    return replace_arguments(choice, text=Text(pieces), refusal=None, logprobs=None)
