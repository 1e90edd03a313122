"""Text is cut as a model would emit it."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import tokens


@given(st.text())
def test_the_pieces_join_to_the_text(text: str) -> None:
    assert "".join(tokens.pieces(text)) == text
    assert all(tokens.pieces(text)), "no piece is empty"


@given(st.text(), st.lists(st.integers(1, 9), min_size=1).map(tuple))
def test_a_cycle_joins_to_the_text(text: str, lengths: tuple[int, ...]) -> None:
    cut = tokens.cycle(text, lengths)
    assert "".join(cut) == text
    assert all(len(piece) == lengths[i % len(lengths)] for i, piece in enumerate(cut[:-1]))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("Hello, world!", ["Hello", ",", " world", "!"]),
        ("a  b", ["a", " ", " b"]),
        ("line\n\n  indented", ["line", "\n\n ", " indented"]),
        ("你好", ["你", "好"]),
        ("1234567", ["123", "456", "7"]),
        ("Donaudampfschifffahrt", ["Donaudampfsc", "hifffahrt"]),
        ("don't", ["don", "'", "t"]),
    ],
)
def test_pieces(text: str, pieces: list[str]) -> None:
    assert list(tokens.pieces(text)) == pieces


def test_pieces_are_as_long_as_recorded_ones() -> None:
    """WIRE.md §1: content length is 1/4/11 characters at p5/50/95, 28 at most."""
    text = (
        "Streaming lets an application show the first words of an answer while the model is still "
        "writing the rest. It costs nothing extra, but the consumer has to put the pieces together."
    )
    sizes = sorted(map(len, tokens.pieces(text)))
    assert 3 <= median(sizes) <= 6
    assert sizes[-1] <= 13


def test_a_conversation_is_counted() -> None:
    plain = [{"role": "user", "content": "Hello there"}]
    parts = [{"role": "user", "content": [{"type": "text", "text": "Hello there"}]}]
    assert tokens.count_messages(plain) == tokens.count_messages(parts) == 3 + 3 + 2
    assert tokens.count_messages(None) == 0
