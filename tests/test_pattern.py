"""Texts made for regular expressions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.pattern import matching

PATTERNS = [
    r"^\d{3}-\d{2}-\d{4}$",
    r"^[A-Z]{2}\d{6}[A-Z]?$",
    r"^(?:https?|ftp)://[\w.-]+(?:/\S*)?$",
    r"^#(?:[0-9a-f]{3}){1,2}$",
    r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
    r"^(\w+) \1$",
    r"^(a)?(?(1)b|c)$",
    r"^(?P<year>\d{4})-(?P=year)$",
    r"^(?<year>\d{4})-\k<year>$",
    r"^(?=.*[A-Z])(?=.*\d)(?=.*[^\w\s]).{8,16}$",
    r"^(?!000)\d{3}$",
    r"^[^a-z]{5}$",
    r"^[^\w]{3}$",
    r"^[^\D]{3}$",
    r"\bword\b",
    r"unanchored\d",
    r"^\p{Lu}\p{L}+$",
    r"^a{200}$",
    r"^a++b*?(?>c+)$",
    r"^$",
    r"",
    r"^.*$",
    r"^\s\S\W\w\D\d$",
    r"^[\u4e00-\u9fff]{2}$",
    r"^(?i:yes|no)$",
    r"^(([a-z]+)(,|$)){2,3}",
    r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$",
]
PYTHON = [p for p in PATTERNS if r"\p" not in p and r"\k" not in p]


@pytest.mark.parametrize("pattern", PYTHON)
def test_the_pattern_is_found_in_the_text(pattern: str) -> None:
    made = {matching(pattern, Random(seed)) for seed in range(30)}
    for text in made:
        assert text is not None
        assert re.search(pattern, text)
    assert len(made) > 1 or pattern in (r"^$", r"", r"\bword\b", r"^a{200}$")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_javascripts_spelling_is_understood(pattern: str) -> None:
    text = matching(pattern, Random(0))
    assert text is not None
    text.encode()


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 2**32))
@example(34, 34, 260)
def test_the_length_is_within_bounds(one: int, other: int, seed: int) -> None:
    low, high = sorted((one, other))
    text = matching(r"^[a-z]*$", Random(seed), low, high)
    assert text is not None
    assert low <= len(text) <= high


@pytest.mark.parametrize("pattern", [r"(", r"a{2,1}", r"^(?=a)b$", r"[^\x00-\U0010ffff]"])
def test_what_nothing_matches_has_no_text(pattern: str) -> None:
    assert matching(pattern, Random(0)) is None


def test_what_is_too_short_for_its_length_has_no_text() -> None:
    assert matching("^abc$", Random(0), shortest=4) is None


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_it_is_a_function_of_its_arguments(hash_seed: str) -> None:
    """Also of a set of signs, whose order in Python is another in every process."""
    code = "from mockserver.pattern import matching; from random import Random;"
    code += r"print(matching(r'^[^\s\d]{20}$', Random(5)))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.rstrip("\n") == matching(r"^[^\s\d]{20}$", Random(5))
