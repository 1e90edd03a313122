"""`each` fails if the test fails for any value, and names these values."""

from __future__ import annotations

from pathlib import Path

import pytest

from each import each


def test_it_fails_for_the_values_for_which_the_test_fails() -> None:
    seen: list[tuple[int, str]] = []

    @each([1, 2, 3], "ab")
    def check(number: int, letter: str) -> None:
        seen.append((number, letter))
        assert number == 2, f"{number} is not 2"

    with pytest.raises(AssertionError, match="1 is not 2") as error:
        check()
    assert error.value.__notes__ == ["4 of 6 failed: 1, a; 1, b; 3, a; 3, b"]
    assert len(seen) == 6


@each([1, 2])
def test_other_parameters_are_fixtures(number: int, tmp_path: Path) -> None:
    assert number in (1, 2)
    assert tmp_path.is_dir()


def test_no_values_are_a_mistake() -> None:
    with pytest.raises(AssertionError, match="a test of no value cannot fail"):
        each([])
