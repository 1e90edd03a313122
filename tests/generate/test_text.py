"""Generated text: its kinds, languages and lengths are as frequent as the tables say."""

from __future__ import annotations

import ast
import functools
import itertools
import json
import re
import unicodedata
from collections import Counter
from random import Random

import pytest
import yaml

from openai_mockserver import tokens
from openai_mockserver.generate.languages import LANGUAGES, find_script
from openai_mockserver.generate.pen import Pen
from openai_mockserver.generate.samples import CODE, EMOJI, SIGNS
from openai_mockserver.generate.text import KINDS, LONGEST, write_text


@functools.cache
def texts() -> list[str]:
    """Write two thousand texts."""
    return [write_text(Random(seed)) for seed in range(2000)]


def blocks(language: str) -> list[str]:
    """Return all blocks of code in this language."""
    return [
        block for text in texts() for block in re.findall(rf"```{language}\n(.*?)\n```", text, re.S)
    ]


def share(pattern: str) -> float:
    """Return the share of the texts in which a pattern is found."""
    return sum(bool(re.search(pattern, text, re.M)) for text in texts()) / len(texts())


def test_a_text_is_a_function_of_chance() -> None:
    assert texts()[:50] == [write_text(Random(seed)) for seed in range(50)]
    long_texts = [text for text in texts() if len(text) > 200]
    assert len(set(long_texts)) > 0.99 * len(long_texts) > 0.5 * len(texts())
    assert len(set(texts())) > 0.95 * len(texts())


def test_a_text_can_be_sent() -> None:
    for text in texts():
        assert text == text.strip()
        assert text.encode().decode() == text


@pytest.mark.parametrize("kind", [kind for _, kind in KINDS], ids=lambda kind: kind.__name__)
def test_every_kind_of_text_is_written_in_every_language(kind: object) -> None:
    assert callable(kind)
    for tag, words_left in itertools.product(LANGUAGES, (1, 80)):
        text = kind(Pen(Random(1), tag, words_left))
        assert text.strip(), tag
        assert "‹" not in text, tag


# Frequency


def test_most_texts_are_as_long_as_answers_are() -> None:
    lengths = sorted(map(tokens.count, texts()))
    tenth, median, most = (lengths[len(lengths) * at // 100] for at in (10, 50, 99))
    assert tenth < 15
    assert 60 <= median <= 120
    assert 400 <= most <= 4 * LONGEST
    assert lengths[-1] <= 4 * LONGEST


def test_most_texts_are_english() -> None:
    assert 0.1 < share(r"[^\W\d_a-zA-Zéï]") < 0.25


def test_other_scripts_are_among_them() -> None:
    count = Counter(map(find_script, texts()))
    assert count.keys() >= {language.script for language in LANGUAGES.values()}


@pytest.mark.parametrize(
    ("pattern", "least"),
    [
        (r"^[-*•] ", 0.08),
        (r"^\d+\. ", 0.06),
        (r"^#{1,2} ", 0.05),
        (r"\*\*.+\*\*", 0.05),
        (r"^\| --- \|", 0.02),
        (r"^> ", 0.005),
        (r"\[.+\]\(https://", 0.005),
        (r"^- \[[ x]\] ", 0.002),
        (r"^```\w+$", 0.08),
        (r"^\\\[$", 0.01),
        (r"\n\n", 0.3),
    ],
)
def test_every_form_of_text_is_there(pattern: str, least: float) -> None:
    assert share(pattern) >= least


# Content


def test_code_is_code() -> None:
    assert {name for name in CODE if name and not blocks(name)} == set()
    for block in blocks("python"):
        ast.parse(block)
    for block in blocks("yaml"):
        assert yaml.safe_load(block)


def test_json_is_json() -> None:
    assert len(blocks("json")) > 20
    for block in blocks("json"):
        assert json.loads(block)["items"]


def test_emoji_are_of_every_making() -> None:
    signs = "".join(EMOJI)
    joiner, variation, keycap = "\u200d", "\ufe0f", "\u20e3"
    assert all(sign in signs for sign in (joiner, variation, keycap, "🇩", "🏽", "\U000e007f"))
    # Each is one character to a reader, and ends as one.
    assert all(not emoji.endswith(joiner) for emoji in EMOJI)
    assert any(len(emoji) >= 7 for emoji in EMOJI)
    used_emoji = {emoji for emoji in EMOJI if any(emoji in text for text in texts())}
    assert len(used_emoji) >= len(EMOJI) - 1  # some are beginnings of others


def test_signs_of_several_code_points_are_there() -> None:
    assert share(r"[\u0300-\u036f]") > 0
    for sign in SIGNS:
        assert any(sign in text for text in texts()), ascii(sign)


def test_directions_are_mixed_within_a_line() -> None:
    def directions(line: str) -> set[str]:
        return {unicodedata.bidirectional(sign) for sign in line}

    mixed_lines = [
        line
        for text in texts()
        for line in text.splitlines()
        if {"L"} < directions(line) and directions(line) & {"R", "AL"}
    ]
    assert len(mixed_lines) > 20
    assert all(any(sign in line for line in mixed_lines) for sign in "\u2068\u200f\u202b")


# What decides the text


@pytest.mark.parametrize(
    ("question", "script"),
    [
        ("Как дела?", "CYRILLIC"),
        ("元気ですか？", "HIRAGANA"),
        ("你好，怎么写信？", "CJK"),
        ("מה נשמע?", "HEBREW"),
    ],
)
def test_the_answer_is_in_the_script_of_the_question(question: str, script: str) -> None:
    texts = [write_text(Random(seed), question) for seed in range(60)]
    prose = [text for text in texts if len(text) > 60 and "```" not in text]
    assert len(prose) > 20
    assert sum(find_script(text) == script for text in prose) > 0.9 * len(prose)


def test_a_question_in_an_unknown_script_is_answered_all_the_same() -> None:
    assert write_text(Random(1), "ᏣᎳᎩ")


def test_verbosity_decides_how_long_it_is() -> None:
    length = {
        verbosity: sum(len(write_text(Random(seed), "", verbosity)) for seed in range(200))
        for verbosity in ("low", "medium", "high")
    }
    assert length["low"] < 0.7 * length["medium"] < 0.5 * length["high"]
    assert write_text(Random(1), "", "None") == write_text(Random(1), "", "medium")
