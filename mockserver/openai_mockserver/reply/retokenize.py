"""Text in the tokens of the model that answers."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from openai_mockserver import tokens
from openai_mockserver.reply.content import FunctionCall, Message, Reasoning, ToolCall
from openai_mockserver.reply.reply import Choice
from openai_mockserver.reply.text import Text

__all__ = ["retokenize"]

_Said = TypeVar("_Said")

_TEXTS: dict[type, tuple[str, ...]] = {
    # where texts are, of what holds texts
    Choice: ("text", "reasoning", "refusal", "tool_calls", "function_call"),
    FunctionCall: ("arguments",),
    Message: ("text", "refusal"),
    Reasoning: ("summary", "content"),
    ToolCall: ("arguments",),
}


def retokenize(said: _Said, model: object) -> _Said:
    """The same, cut by the vocabulary of a model, where plain strings are cut by another.

    Log probabilities and citations refer to pieces: what has them keeps its own.
    """
    return said if tokens.vocabulary(model) == tokens.vocabulary() else _retokenize_one(said, model)


def _retokenize_one(said: Any, model: object) -> Any:
    if isinstance(said, Text):
        return type(said)(*tokens.cut(str(said), model)) if said.is_plain else said
    if isinstance(said, tuple):
        return tuple(_retokenize_one(one, model) for one in said)
    names = _TEXTS.get(type(said), ())
    if not names or any(getattr(said, name, None) for name in ("logprobs", "annotations")):
        return said
    same = copy.copy(said)
    for name in names:
        object.__setattr__(same, name, _retokenize_one(getattr(said, name), model))
    return same
