"""Cuts texts again into the tokens of the model that answers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

from openai_mockserver import tokens
from openai_mockserver.reply.content import FunctionCall, Message, Reasoning, ToolCall
from openai_mockserver.reply.reply import Choice
from openai_mockserver.reply.text import Text

__all__ = ["retokenize"]

T = TypeVar("T")

_TEXTS: dict[type, tuple[str, ...]] = {
    # the attributes that hold texts, by class
    Choice: ("text", "reasoning", "refusal", "tool_calls", "function_call"),
    FunctionCall: ("arguments",),
    Message: ("text", "refusal"),
    Reasoning: ("summary", "content"),
    ToolCall: ("arguments",),
}


def retokenize(value: T, model: object) -> T:
    """Return the value with its texts cut by the model's vocabulary.

    Only texts that came from plain strings are cut again. A value with log probabilities or
    citations stays unchanged, because these refer to its pieces.

    Args:
        value: a text, a choice, an output item, or a tuple of these.
        model: name of the model.
    """
    return value if tokens.has_default_vocabulary(model) else _retokenize(value, model)


_SHORT = 512  # characters; the pieces of longer texts are cached in `tokens`


def _recut(kind: type[Text], text: str, vocabulary: str) -> Text:
    return kind(*tokens.cut_by(text, vocabulary))


_recut_short = lru_cache(maxsize=256)(_recut)


def _retokenize(value: Any, model: object) -> Any:
    if isinstance(value, Text):
        if not value.is_plain:
            return value
        recut = _recut_short if len(value) <= _SHORT else _recut
        return recut(type(value), str(value), tokens.vocabulary(model))
    if isinstance(value, tuple):
        return tuple(_retokenize(item, model) for item in value)
    names = _TEXTS.get(type(value), ())
    if not names or any(getattr(value, name, None) for name in ("logprobs", "annotations")):
        return value
    kind = type(value)
    result = object.__new__(kind)  # skips the checks, which the members have passed already
    for name in kind.__slots__:
        member = getattr(value, name)
        if name in names:
            member = _retokenize(member, model)
        object.__setattr__(result, name, member)
    return result
