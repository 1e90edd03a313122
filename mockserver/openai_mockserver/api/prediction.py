"""Predicted outputs: what the client says that the answer will be, and how much of it came true.

Rules of this file: pure functions; tokens are those that `openai_mockserver.tokens` cuts text into.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openai_mockserver import tokens
from openai_mockserver.reply import Choice

__all__ = ["outcome", "predicted"]


def predicted(request: Mapping[str, Any]) -> str:
    """The text of the request's ``prediction``; empty where there is none.

    >>> predicted({"prediction": {"type": "content", "content": [{"type": "text", "text": "a"}]}})
    'a'
    """
    prediction = request.get("prediction")
    content = prediction.get("content") if isinstance(prediction, Mapping) else None
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, Mapping))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def outcome(choices: Iterable[Choice], request: Mapping[str, Any]) -> tuple[int, int]:
    """How many predicted tokens the choices have, and how many they do not.

    >>> outcome([Choice("a red house")], {"prediction": {"content": "a blue house"}})
    (2, 1)
    """
    text = predicted(request)
    if not text:
        return 0, 0
    from difflib import SequenceMatcher

    model = request.get("model")
    (expected, sizes), accepted, rejected = tokens.cut(text, model), 0, 0
    for choice in choices:
        said = tokens.pieces(str(choice.text or ""), model)
        same = SequenceMatcher(None, expected, said).get_matching_blocks()
        met = sum(sum(sizes[block.a : block.a + block.size]) for block in same)
        accepted, rejected = accepted + met, rejected + sum(sizes) - met
    return accepted, rejected
