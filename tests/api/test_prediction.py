"""How much of a predicted output came true."""

from __future__ import annotations

import time

import pytest

from openai_mockserver.api.prediction import outcome
from openai_mockserver.reply import Choice


@pytest.mark.parametrize(
    ("predicted", "said", "counts"),
    [
        ("a red house", "a red house", (3, 0)),
        ("a red house", "a red house by the sea", (3, 0)),
        ("a red house", "I saw a red house", (2, 1)),
        ("a red house", "", (0, 3)),
        ("one two three four", "one 2 three 4", (2, 2)),
        ("a a a", "a", (1, 2)),
    ],
)
def test_what_both_say(predicted: str, said: str, counts: tuple[int, int]) -> None:
    assert outcome([Choice(said)], {"prediction": {"content": predicted}}) == counts


def test_long_texts_are_compared_in_bounded_time() -> None:
    """All of what is alike at both ends counts; what lies between does where it is not too long."""
    words = [f" {n % 97}" for n in range(100_000)]
    other = words[:1000] + words[:0:-1] + words[-1000:]
    began = time.process_time()
    met, missed = outcome([Choice("".join(other))], {"prediction": {"content": "".join(words)}})
    assert met + missed == 200_000
    assert met >= 4000
    assert time.process_time() - began < 5
