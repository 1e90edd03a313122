"""Conversion of a choice for endpoints that return only text.

Rules of this file: a refusal becomes text; a tool call or audio is an error.
"""

from __future__ import annotations

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import Choice, Text
from openai_mockserver.reply.limits import replace_arguments

__all__ = ["require_text"]


def require_text(choice: Choice, what: str) -> Choice:
    """Return the choice with its refusal as text.

    Args:
        choice: the choice.
        what: the response in error messages, such as ``a completion``.

    Raises:
        ReplyError: if the choice has a tool call or audio.

    >>> require_text(Choice(refusal="I can't."), "a completion").text
    "I can't."
    """
    if choice.tool_calls or choice.function_call is not None:
        raise ReplyError(f"{what} can contain only text, but this reply calls a tool")
    if choice.audio is not None:
        raise ReplyError(f"{what} can contain only text, but this reply has audio")
    if choice.refusal is None:
        return choice
    if choice.text is None:
        return replace_arguments(choice, text=choice.refusal, refusal=None)
    pieces = (*choice.text.pieces, *choice.refusal.pieces)
    return replace_arguments(choice, text=Text(pieces), refusal=None, logprobs=None)
