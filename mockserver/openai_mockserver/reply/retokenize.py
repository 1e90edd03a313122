"""Text in the tokens of the model that answers."""

from __future__ import annotations

from functools import lru_cache
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
    return said if tokens.has_default_vocabulary(model) else _retokenize_one(said, model)


_SHORT = 512  # characters; of longer texts it is the pieces that are kept, in `tokens`


def _recut(kind: type[Text], text: str, vocabulary: str) -> Text:
    return kind(*tokens.cut_by(text, vocabulary))


_recut_short = lru_cache(maxsize=256)(_recut)


def _retokenize_one(said: Any, model: object) -> Any:
    if isinstance(said, Text):
        if not said.is_plain:
            return said
        recut = _recut_short if len(said) <= _SHORT else _recut
        return recut(type(said), str(said), tokens.vocabulary(model))
    if isinstance(said, tuple):
        return tuple(_retokenize_one(one, model) for one in said)
    names = _TEXTS.get(type(said), ())
    if not names or any(getattr(said, name, None) for name in ("logprobs", "annotations")):
        return said
    kind = type(said)
    same = object.__new__(kind)  # what was checked is not checked again
    for name in kind.__slots__:
        value = getattr(said, name)
        if name in names:
            value = _retokenize_one(value, model)
        object.__setattr__(same, name, value)
    return same
