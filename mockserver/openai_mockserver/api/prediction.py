"""Predicted outputs: what the client says that the answer will be, and how much of it came true.

Rules of this file: pure functions; tokens are those that `openai_mockserver.tokens` cuts text into.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    text = predicted(request) if "prediction" in request else ""
    if not text:
        return 0, 0
    model = request.get("model")
    (expected, sizes), accepted, rejected = tokens.cut(text, model), 0, 0
    for choice in choices:
        said = tokens.pieces(str(choice.text or ""), model)
        met = sum(sum(sizes[at : at + size]) for at, size in _common(expected, said))
        accepted, rejected = accepted + met, rejected + sum(sizes) - met
    return accepted, rejected


_COMPARED = 100_000_000
"""Pairs of pieces that are compared at most: of more, what lies between is told as different."""


def _common(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[int, int]]:
    """What two texts have in common: where a run of pieces is in the first, and how many it has."""
    from difflib import SequenceMatcher

    shorter = min(len(one), len(other))
    begin = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    rest = range(shorter - begin)
    end = next((at for at in rest if one[-1 - at] != other[-1 - at]), len(rest))
    yield 0, begin
    yield len(one) - end, end
    middle, said = one[begin : len(one) - end], other[begin : len(other) - end]
    if len(middle) * len(said) <= _COMPARED:
        for block in SequenceMatcher(None, middle, said).get_matching_blocks():
            yield begin + block.a, block.size
