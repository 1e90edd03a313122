"""The languages of replies: real words, in their own scripts."""

from __future__ import annotations

import pytest

from openai_mockserver.generate.languages import LANGUAGES, of_script, script_of, words

each_language = pytest.mark.parametrize("tag", LANGUAGES)


@each_language
def test_a_language_has_words_enough(tag: str) -> None:
    assert len(set(words(tag))) >= 40
    assert all(word and word == word.strip() for word in words(tag))


@each_language
def test_its_words_are_of_its_script(tag: str) -> None:
    assert script_of(" ".join(words(tag))) == LANGUAGES[tag].script
    assert tag in of_script(LANGUAGES[tag].script)


def test_there_are_scripts_of_all_kinds() -> None:
    scripts = {language.script for language in LANGUAGES.values()}
    assert scripts >= {"LATIN", "CYRILLIC", "GREEK", "CJK", "HIRAGANA", "HANGUL", "ARABIC"}
    assert scripts >= {"HEBREW", "DEVANAGARI", "THAI"}


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("", "LATIN"),
        ("1 + 1 = ?", "LATIN"),
        ("Was heißt „привет“ auf Deutsch?", "LATIN"),
        ("你好", "CJK"),
        ("漢字仮名交じり文とは", "HIRAGANA"),
        ("カタカナ", "HIRAGANA"),
        ("안녕", "HANGUL"),
        ("\ue000", "LATIN"),  # of private use: no letter
        ("ᏣᎳᎩ", "CHEROKEE"),
    ],
)
def test_a_text_tells_its_script(text: str, script: str) -> None:
    assert script_of(text) == script
