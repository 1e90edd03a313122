"""The languages of replies: real words, in their own scripts."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from each import each
from openai_mockserver import MockOpenAI
from openai_mockserver.generate import generate
from openai_mockserver.generate.languages import LANGUAGES, find_languages, find_script, load_words

each_language = each(LANGUAGES)


@each_language
def test_a_language_has_enough_words(tag: str) -> None:
    assert len(set(load_words(tag))) >= 40
    assert all(word and word == word.strip() for word in load_words(tag))


@each_language
def test_the_words_of_a_language_are_in_its_script(tag: str) -> None:
    assert find_script(" ".join(load_words(tag))) == LANGUAGES[tag].script
    assert tag in find_languages(LANGUAGES[tag].script)


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
        ("\ue000", "LATIN"),  # private use, not a letter
        ("ᏣᎳᎩ", "CHEROKEE"),
    ],
)
def test_the_script_of_a_text_is_found(text: str, script: str) -> None:
    assert find_script(text) == script


LOCALES = [language.source for language in LANGUAGES.values() if "_" in language.source]
"""The locales of Faker."""


@pytest.mark.parametrize("tag", [t for t, one in LANGUAGES.items() if one.source in LOCALES])
def test_words_come_from_faker_if_it_has_any(tag: str) -> None:
    module = pytest.importorskip(f"faker.providers.lorem.{LANGUAGES[tag].source}")
    faker_words = module.Provider.word_list
    assert [word for word in faker_words if word in load_words(tag)] == list(load_words(tag))
    assert len(load_words(tag)) > 0.95 * len(faker_words)


@pytest.fixture
def without_faker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide Faker, as in an installation without the extra ``server``."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "faker"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "faker", None)
    load_words.cache_clear()
    yield
    load_words.cache_clear()


@pytest.mark.usefixtures("without_faker")
@each_language
def test_each_language_has_words_without_faker(tag: str) -> None:
    all_words = load_words(tag)
    assert len(set(all_words)) >= 30
    assert find_script(" ".join(all_words)) == LANGUAGES[tag].script


@pytest.mark.usefixtures("without_faker")
def test_replies_are_generated_without_faker() -> None:
    with MockOpenAI(default=lambda request: generate(request.json)) as mock:
        client = mock.client()
        for prompt in ("Hi", "Привет", "你好"):
            text = client.responses.create(model="gpt-4o", input=prompt).output_text
            assert find_script(text) == find_script(prompt)
    assert sys.modules["faker"] is None
