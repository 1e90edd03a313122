"""Accepted and rejected tokens of predicted outputs."""

from __future__ import annotations

import time

import pytest

from openai_mockserver.api.prediction import count_prediction_tokens
from openai_mockserver.reply import Choice


@pytest.mark.parametrize(
    ("prediction", "text", "counts"),
    [
        ("a red house", "a red house", (3, 0)),
        ("a red house", "a red house by the sea", (3, 0)),
        ("a red house", "I saw a red house", (2, 1)),
        ("a red house", "", (0, 3)),
        ("one two three four", "one 2 three 4", (2, 2)),
        ("a a a", "a", (1, 2)),
    ],
)
def test_tokens_in_both_texts_are_accepted(
    prediction: str, text: str, counts: tuple[int, int]
) -> None:
    request = {"prediction": {"content": prediction}}
    assert count_prediction_tokens([Choice(text)], request) == counts


def test_long_texts_are_compared_in_bounded_time() -> None:
    """In long texts only a common beginning and a common end count."""
    words = [f" {n % 97}" for n in range(100_000)]
    other = words[:1000] + words[:0:-1] + words[-1000:]
    began = time.process_time()
    request = {"prediction": {"content": "".join(words)}}
    accepted_tokens, rejected_tokens = count_prediction_tokens([Choice("".join(other))], request)
    assert accepted_tokens + rejected_tokens == 200_000
    assert accepted_tokens >= 4000
    assert time.process_time() - began < 5
