"""Generated answers hold together: they are about the question, and read like written text."""

from __future__ import annotations

import re
from random import Random

import pytest
from markdown_it import MarkdownIt

from each import each
from openai_mockserver.generate.english import SENTENCES, fill
from openai_mockserver.generate.languages import LANGUAGES, find_language, find_script
from openai_mockserver.generate.phrases import load_phrases
from openai_mockserver.generate.text import FORMS, write_text

SEEDS = range(40)
QUESTIONS = (
    "How do I rename a branch in git?",
    "What is the weather in Paris?",
    "Why is the sky blue?",
    "Compare Rust and Go",
    "Write an essay about the sea",
    "Plan a birthday party, please",
    "",
)


def write(question: str) -> list[str]:
    return [write_text(Random(seed), question) for seed in SEEDS]


def is_english(text: str) -> bool:
    return "```" not in text and find_script(text) == "LATIN" and text.isascii()


@pytest.mark.parametrize("question", QUESTIONS)
def test_sentences_are_whole(question: str) -> None:
    for text in write(question):
        for word, _ in re.findall(r"\b(\w+)((?:,? \1\b)+)", text):
            assert word.isdecimal(), text  # no word is doubled
        if is_english(text):
            assert not re.search(r"[{}]|\S  +\S| [,.;?]", text), text
        if is_english(text) and "|" not in text:
            for paragraph in text.split("\n\n"):
                first = re.sub(r"^[-*#>\d.\s\[\]x“]+", "", paragraph)
                assert not first[:1].islower(), text


@pytest.mark.parametrize("question", [one for one in QUESTIONS if one])
def test_answers_take_up_words_of_the_question(question: str) -> None:
    words = {word.lower() for word in re.findall(r"\w{3,}", question)}
    words -= {"what", "write", "about", "why", "how", "the", "and"}
    texts = [text.lower() for text in write(question) if len(text) > 150]
    assert len(texts) > len(SEEDS) / 3
    about = [text for text in texts if any(word.removesuffix("e") in text for word in words)]
    assert len(about) > 0.8 * len(texts)


@pytest.mark.parametrize("question", QUESTIONS)
def test_markdown_is_markdown(question: str) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    for text in write(question):
        assert text.count("```") % 2 == 0
        tokens = [token.type for token in parser.parse(text)]
        assert "html_block" not in tokens
        assert (re.search(r"^\| --- ", text, re.M) is not None) == ("table_open" in tokens)
        assert bool(re.search(r"^#", text)) == (tokens[:1] == ["heading_open"])


@pytest.mark.parametrize(
    ("question", "token"),
    [
        ("Give me a table of fruits", "table_open"),
        ("Give me a list of fruits", "bullet_list_open"),
        ("Show me code to sort numbers", "fence"),
        ("Step-by-step instructions for tea", "ordered_list_open"),
        ("An article about tea", "heading_open"),
        ("Describe tea in JSON", "fence"),
        ("Eine Tabelle über Tee, bitte", "table_open"),
        ("Сделай список фруктов", "bullet_list_open"),
    ],
)
def test_the_answer_has_the_form_that_is_asked_for(question: str, token: str) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    texts = [text for text in write(question) if "• " not in text]
    assert texts
    for text in texts:
        assert token in [one.type for one in parser.parse(text)]


def test_a_question_without_a_known_subject_is_the_heading() -> None:
    texts = [text for text in write("Does rain fall upwards?") if text.startswith("#")]
    assert texts
    assert all(text.startswith("# Does rain fall upwards?\n") for text in texts)


def test_a_list_names_its_subject_before_the_items() -> None:
    texts = write("Give me a list of fruits")
    assert all("fruits" in text.split("\n", 1)[0] for text in texts)


def test_what_one_asks_about_is_not_a_plan() -> None:
    plan = ("Celebrate progress", "First version", "1. Write down", "```")
    texts = [text for text in write("Who wrote Hamlet?") if "|" in text or "\n- " in text]
    assert texts
    assert not [text for text in texts if any(words in text for words in plan)]


def test_two_sides_are_the_columns_of_a_table() -> None:
    for text in write("Make a table of the pros and cons of trains"):
        assert "| Aspect | Pros | Cons |" in text


def test_a_story_is_about_its_subject() -> None:
    assert all("a dragon" in text for text in write("Tell me a story about a dragon"))


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("Wie backe ich ein gutes Brot?", "Brot"),
        ("¿Cuál es la capital de Perú?", "Perú"),
        ("Explique-moi la photosynthèse.", "photosynthèse"),
        ("Pourquoi le ciel est-il bleu ?", "ciel"),
        ("जापान की राजधानी क्या है?", "राजधानी"),
    ],
)
def test_the_word_that_is_quoted_is_not_the_one_that_asks(question: str, word: str) -> None:
    """Of a question in another language, an answer quotes a telling word."""
    words = {one for text in write(question) for one in re.findall(r"[«„“]\s?(\S+?)\s?[»“”]", text)}
    assert words == {word}


def test_long_answers_have_paragraphs() -> None:
    long_texts = [text for text in write(QUESTIONS[0]) if len(text) > 800]
    assert long_texts
    assert all("\n\n" in text for text in long_texts)


def test_a_sentence_is_repeated_only_after_all_others() -> None:
    for text in write(QUESTIONS[1]):
        sentences = re.findall(r"[A-Z][^.!?]{30,}[.!?]", text)
        assert len(set(sentences)) >= 0.9 * len(sentences)


# Golden texts: what changes them changes what users see


@pytest.mark.parametrize(
    ("seed", "question", "verbosity", "text"),
    [
        (1, "Say this is a test", "medium", "This is a test."),
        (1, "Count to 5", "medium", "1, 2, 3, 4, 5."),
        (6, "Hi", "low", "Hello! How can I help you today?"),
        (
            10,
            "How do I rename a branch in git?",
            "low",
            "The short answer: rename a branch in git in small steps, and check "
            "each one. Order matters less than you might think, as long as each "
            "step is small.",
        ),
        (
            7,
            "What is the weather in Paris?",
            "low",
            "Let's go through the weather in Paris step by step. For the latest "
            "details on this, a live source is the best place to look.",
        ),
        (
            10,
            "Wie benenne ich einen Branch um?",
            "low",
            "Zur Frage „Wie benenne ich einen Branch um?“ hier ein kurzer Überblick. "
            "Ein einfaches Beispiel sagt oft mehr als eine lange Erklärung. Prüfen "
            "Sie am Ende das Ergebnis. Ändern Sie immer nur eine Sache auf einmal.",
        ),
        (
            9,
            "東京の天気は？",
            "low",
            "「東京の天気は？」について、簡単にまとめます。最初から完璧である必要はありません。",
        ),
        (
            16,
            "Tell me a story",
            "low",
            "Long ago, at the edge of a forest, there lived a baker called Noah. It "
            "was quieter than usual, and the wind seemed to listen. By noon, half "
            "the village had come to look. Noah took a deep breath and took one "
            "more step. At last, something clicked where nothing had been before. "
            "Noah went home, and slept very well indeed.",
        ),
        (
            8,
            "Give me a table of fruits",
            "low",
            "Here is an overview of fruits as a table:\n\n| Topic | Enough when |\n| --- | "
            "--- |\n| Meaning | the words are clear |\n| Examples | there is one to look at |",
        ),
    ],
)
def test_golden_texts(seed: int, question: str, verbosity: str, text: str) -> None:
    assert write_text(Random(seed), question, verbosity) == text


# The tables


@pytest.mark.parametrize("kind", SENTENCES)
def test_a_template_is_filled_in(kind: str) -> None:
    values = {"it": "tea", "task": "make tea", "who": "Ada"}
    for template in SENTENCES[kind]:
        assert template.count("[") == template.count("]")
        for seed in range(4):
            text = fill(template, Random(seed), values)
            assert not re.search(r"[\[\]{}]|  | [.,?!]", text), template


@each([tag for tag in LANGUAGES if tag != "en"])
def test_a_language_has_whole_sentences(tag: str) -> None:
    phrases = load_phrases(tag)
    texts = (*phrases.sentences, *phrases.openings, phrases.welcome)
    assert len(set(phrases.sentences)) >= 9
    assert all(find_script(text) == LANGUAGES[tag].script for text in texts)
    end = LANGUAGES[tag].stop.strip()
    assert all(text.endswith(end) for text in phrases.sentences)
    assert any("{w}" in text for text in phrases.sentences)
    assert all("{q}" in text for text in phrases.openings)


@pytest.mark.parametrize(
    ("question", "tag"),
    [
        ("Wie wird das Wetter?", "de"),
        ("¿Cómo está el tiempo en Madrid?", "es"),
        ("Où est la gare ?", "fr"),
        ("Come posso arrivare a Roma?", "it"),
        ("Jak się masz?", "pl"),
        ("Як справи?", "uk"),
        ("這個怎麼說？", "zh-Hant"),
        ("حال شما چطور است؟", "fa"),
        ("How are you?", "en"),
        ("Paris", "en"),
        ("12", None),
    ],
)
def test_the_language_of_a_question_is_found(question: str, tag: str | None) -> None:
    assert find_language(question) == tag


def test_an_answer_is_in_the_language_of_the_question() -> None:
    for text in write("Wie benenne ich einen Branch um?"):
        if "```" not in text and len(text) > 40:
            assert find_language(text) == "de"


def test_every_form_is_written() -> None:
    assert {"table", "list", "code", "poem", "say"} <= set(FORMS)
