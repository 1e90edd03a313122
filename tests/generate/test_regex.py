"""Texts generated from regular expressions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.generate.regex import Budget, generate_matching, is_found

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
    texts = {generate_matching(pattern, Random(seed)) for seed in range(30)}
    for text in texts:
        assert text is not None
        assert re.search(pattern, text)
    assert len(texts) > 1 or pattern in (r"^$", r"", r"\bword\b", r"^a{200}$")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_javascripts_spelling_is_understood(pattern: str) -> None:
    text = generate_matching(pattern, Random(0))
    assert text is not None
    text.encode()


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 2**32))
@example(34, 34, 260)
def test_the_length_is_within_bounds(one: int, other: int, seed: int) -> None:
    low, high = sorted((one, other))
    text = generate_matching(r"^[a-z]*$", Random(seed), low, high)
    assert text is not None
    assert low <= len(text) <= high


@pytest.mark.parametrize("pattern", [r"^[a-z]+-[0-9]*$", r"^(?:ab|c)+(\d{2}|x)*$", "[aeiou]{2}"])
@given(size=st.integers(3, 60), seed=st.integers(0, 2**32))
def test_an_exact_length_is_met(pattern: str, size: int, seed: int) -> None:
    text = generate_matching(pattern, Random(seed), size, size)
    assert text is not None
    assert len(text) == size
    assert re.search(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        (r"^[\p{L}\d]+$", r"[A-Za-z0-9]+"),
        (r"^\P{L}+$", r"[^A-Za-z]+"),
        (r"^[\P{L}x]+$", r"[^A-Za-wyz]+"),
        (r"^[^\p{Lu}\s]+$", r"[^A-Z\s]+"),
        (r"^[[\]a-]+[^&&]$", r"[\[\]a-]+[^&]"),
    ],
)
def test_character_properties_work_within_classes(pattern: str, matching: str) -> None:
    for seed in range(30):
        text = generate_matching(pattern, Random(seed))
        assert text is not None
        assert re.fullmatch(matching, text)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("^a{200000000}$", "too large"),
        ("((((a{99}){99}){99}){99}){99}", "too large"),
        ("(?:){200000000}", "too large"),
        ("^(?=(.+)+!$)[a-z]{18}$", "too long"),
        ("^(?=.*.*.*.*.*.*!)[a-z]{100}$", "too long"),
    ],
)
def test_a_pattern_that_takes_too_long_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(ReplyError, match=message):
        generate_matching(pattern, Random(0))


def test_one_budget_is_for_several_texts() -> None:
    budget = Budget(250)
    assert generate_matching("^a{60}$", Random(0), budget=budget)
    with pytest.raises(ReplyError, match="too large"):
        generate_matching("^a{60}$", Random(0), budget=budget)


def test_a_text_is_searched_unless_that_takes_too_long() -> None:
    assert is_found("b+$", "abb")
    assert not is_found(r"^\p{L}$", "1")
    with pytest.raises(ReplyError, match="cannot be read"):
        is_found("(", "a")
    with pytest.raises(ReplyError, match="too long"):
        is_found("^(a+)+$", "a" * 40 + "!")


@pytest.mark.parametrize("pattern", [r"(", r"a{2,1}", r"^(?=a)b$", r"[^\x00-\U0010ffff]"])
def test_a_pattern_that_nothing_matches_has_no_text(pattern: str) -> None:
    assert generate_matching(pattern, Random(0)) is None


def test_a_pattern_that_matches_only_shorter_texts_has_no_text() -> None:
    assert generate_matching("^abc$", Random(0), shortest=4) is None


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_it_is_a_function_of_its_arguments(hash_seed: str) -> None:
    """Sets of characters included, whose order differs from process to process."""
    code = "from random import Random; "
    code += "from openai_mockserver.generate.regex import generate_matching; "
    code += r"print(generate_matching(r'^[^\s\d]{20}$', Random(5)))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.rstrip("\n") == generate_matching(r"^[^\s\d]{20}$", Random(5))
