"""Predicted outputs: the text that the client expects, and how much of it the reply contains.

Rules of this file: pure functions; tokens are those of `openai_mockserver.tokens`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from openai_mockserver import tokens
from openai_mockserver.reply import Choice

__all__ = ["count_prediction_tokens", "read_prediction"]


def read_prediction(request: Mapping[str, Any]) -> str:
    """Return the text of the request's ``prediction``; empty if there is none.

    >>> read_prediction({"prediction": {"content": [{"type": "text", "text": "a"}]}})
    'a'
    """
    prediction = request.get("prediction")
    content = prediction.get("content") if isinstance(prediction, Mapping) else None
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, Mapping))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def count_prediction_tokens(
    choices: Iterable[Choice], request: Mapping[str, Any]
) -> tuple[int, int]:
    """Return the numbers of accepted and rejected prediction tokens.

    A predicted token is accepted if the choice contains it, else rejected.

    >>> request = {"prediction": {"content": "a blue house"}}
    >>> count_prediction_tokens([Choice("a red house")], request)
    (2, 1)
    """
    text = read_prediction(request) if "prediction" in request else ""
    if not text:
        return 0, 0
    model = request.get("model")
    prediction, sizes = tokens.cut(text, model)
    accepted_tokens = rejected_tokens = 0
    for choice in choices:
        pieces = tokens.pieces(str(choice.text or ""), model)
        hits = sum(sum(sizes[at : at + size]) for at, size in _find_common(prediction, pieces))
        accepted_tokens += hits
        rejected_tokens += sum(sizes) - hits
    return accepted_tokens, rejected_tokens


_MOST_PAIRS = 100_000_000
"""Pairs of pieces to compare at most; in longer texts, only a common beginning and end count."""


def _find_common(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Return the runs of pieces that two texts share: index in the first text, and length."""
    from difflib import SequenceMatcher

    shorter = min(len(one), len(other))
    begin = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    rest = range(shorter - begin)
    end = next((at for at in rest if one[-1 - at] != other[-1 - at]), len(rest))
    yield 0, begin
    yield len(one) - end, end
    middle, other_middle = one[begin : len(one) - end], other[begin : len(other) - end]
    if len(middle) * len(other_middle) <= _MOST_PAIRS:
        for block in SequenceMatcher(None, middle, other_middle).get_matching_blocks():
            yield begin + block.a, block.size
