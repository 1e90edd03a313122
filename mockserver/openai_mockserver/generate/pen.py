"""The pen: writes the sentences of an answer, and counts how many words are left to write.

Rules of this file: all randomness is the caller's. The sentences are those of `english` and of
`phrases`; none is repeated before all others of its kind were used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from random import Random

from openai_mockserver.generate.english import (
    ADJECTIVES,
    NAMES,
    NOUNS,
    SENTENCES,
    SUBJECTS,
    fill,
)
from openai_mockserver.generate.languages import LANGUAGES, load_words
from openai_mockserver.generate.phrases import load_phrases
from openai_mockserver.generate.question import FENCES, NO_QUESTION, Question
from openai_mockserver.generate.samples import EMOJI
from openai_mockserver.generate.samples import NAMES as IDENTIFIERS

__all__ = ["MOTHER_TONGUE", "Pen"]

MOTHER_TONGUE = "en"
THIS = 0.6  # share of the sentences that say "this" after the subject was named
WORDS_OF_A_STEP = 10
CHARACTERS = 3  # of a word, in languages without spaces

_MIX = ("", "", " example", "", "", " caution", "")
"""The kinds of sentences in the middle of a text, in turn."""

_PUNCTUATION = "¿¡?!,;:.\"'()«»“”„‘’"

_OF_CODE = (
    *FENCES,
    *("function", "script", "code", "program", "query", "class", "method", "snippet", "return"),
)
"""Words of a question that are no name of a function."""


class Pen:
    """Writes sentences about a subject in a language.

    Args:
        rng: the source of randomness.
        tag: the language's tag, a key of `LANGUAGES`.
        words_left: about how many words to write.
        question: what is answered; without a question the pen chooses a subject.
    """

    def __init__(
        self,
        rng: Random,
        tag: str = MOTHER_TONGUE,
        words_left: int = 60,
        question: Question = NO_QUESTION,
    ) -> None:
        self.rng = rng
        self.tag = tag
        self.is_english = tag == MOTHER_TONGUE
        self.language = LANGUAGES[tag]
        self.words_left = words_left
        self.question = question
        self._decks: dict[str, tuple[int, int]] = {}
        self._mix = rng.randrange(len(_MIX))
        self._mentions = 0
        # Doing something and knowing something are talked about differently.
        self.style = "view" if question.quote and not question.is_deed else "point"
        self._values: dict[str, str] = {}

    # Subjects

    @property
    def subject(self) -> str:
        """What the text is about; it fits after "about"."""
        return self._read_values()["it"]

    def _read_values(self) -> dict[str, str]:
        if not self._values:
            question, who = self.question, self.rng.choice(NAMES)
            subject = question.about
            if not subject and question.keywords:
                subject = " and ".join(f"“{word}”" for word in question.keywords[:2])
            elif not subject and not question.quote:
                subject = self.rng.choice(SUBJECTS)
            self._values = {"it": subject or "your question", "task": question.task, "who": who}
        return self._values

    # Sentences

    def draw(self, kind: str, *, is_first: bool = False) -> str:
        """Write an English text of a kind, a key of `SENTENCES`.

        Args:
            kind: the kind of text.
            is_first: whether it comes before what was written, so that it must name the subject.
        """
        template = self._choose_unused(kind, SENTENCES[kind])
        values = self._read_values()
        if "{it}" in template:
            self._mentions += 1
            if self._mentions > 1 and not is_first and self.rng.random() < THIS:
                values = values | {"it": "this"}
        return self._count(fill(template, self.rng, values))

    def _choose_unused(self, kind: str, texts: Sequence[str]) -> str:
        """Return one of the texts; all others come before it comes again."""
        size = len(texts)
        at, step = self._decks.get(kind, (-1, 0))
        if at < 0:
            at, step = self.rng.randrange(size), self.rng.randrange(size) + 1
            while math.gcd(step, size) > 1:
                step += 1
        self._decks[kind] = ((at + step) % size, step)
        return texts[at]

    def _count(self, text: str) -> str:
        """Subtract the words of a text from those that are left."""
        spaces = text.count(" ") if self.language.space else len(text) // CHARACTERS
        self.words_left -= spaces + 1
        return text

    def opening(self) -> str:
        """Write the sentence that begins an answer."""
        if not self.is_english:
            if not self.question.quote:
                return self.sentence()
            phrases = load_phrases(self.tag)
            quote = phrases.quote(self.question.quote + self.question.mark)
            opening = self._choose_unused("opening", phrases.openings)
            return self._count(opening.replace("{q}", quote))
        if self.question.task and self.rng.random() < 0.7:
            return self.draw("task")
        if self.question.about or not self.question.quote:
            return self.draw("opening")
        opening = self.draw("unknown")
        if self.question.mark and self.rng.random() < 0.6:
            return f"“{self.question.quote}{self.question.mark}” {opening}"
        return opening

    def sentence(self) -> str:
        """Write a sentence of the middle of a text."""
        if self.is_english:
            self._mix += 1
            return self.draw(self.style + _MIX[self._mix % len(_MIX)])
        sentences = load_phrases(self.tag).sentences
        text = self._choose_unused("sentence", sentences)
        if "{w}" in text:
            word = self._choose_keyword()
            if not word:
                text = self._choose_unused("sentence", sentences)
            text = text.replace("{w}", load_phrases(self.tag).quote(word))
        return self._count(text)

    def _choose_keyword(self) -> str:
        """Return a word of the question, else any word; nothing if the question has none."""
        if not self.question.quote:
            return self.word()
        if not self.language.space:
            words = re.findall(r"[\u30a1-\u30fc]{2,}|[A-Za-z]{2,}", self.question.quote)
        else:  # the first word asks or orders, and one such as "est-il" asks too
            words = [word.strip(_PUNCTUATION) for word in self.question.quote.split()[1:]]
            words = [word for word in words if "-" not in word or word[:1].isupper()]
        # A capital letter is that of a noun or a name.
        return max(words, key=lambda word: (word[:1].isupper(), len(word)), default="")

    def closing(self) -> str:
        """Write the sentence that ends a text."""
        if not self.is_english:
            return self.sentence()
        return self.draw("closing" if self.rng.random() < 0.6 else "ask")

    def announcement(self) -> str:
        """Write what is said before a tool is called."""
        return self.draw("announce") if self.is_english else self.opening()

    def paragraph(self, sentences: int) -> str:
        """Write this number of sentences, or fewer if no words are left."""
        return self.join(self.repeat(1, sentences, self.sentence))

    def join(self, sentences: Sequence[str]) -> str:
        """Join sentences to a paragraph."""
        return (" " if self.language.space or self.language.stop == " " else "").join(sentences)

    def repeat(self, least: int, most: int, write: Callable[[], str]) -> list[str]:
        """Write from ``least`` to ``most`` texts; after the least, while words are left."""
        texts: list[str] = []
        while len(texts) < least or (len(texts) < most and self.words_left > 0):
            texts.append(write())
        return texts

    def steps(self, most: int) -> list[str]:
        """Write at least three steps, in an order in which one can do them."""
        if not self.is_english:
            return self.repeat(3, most, self.sentence)
        templates = SENTENCES["step"]
        count = max(3, min(most, self.words_left // WORDS_OF_A_STEP))
        chosen = sorted(self.rng.sample(range(len(templates)), count))
        values = self._read_values()
        return [self._count(fill(templates[at], self.rng, values)) for at in chosen]

    def labelled(self) -> tuple[str, str]:
        """Write a label and a sentence about it."""
        if not self.is_english:
            return self.title(), self.sentence()
        kind = "bullet" if self.style == "point" else "view bullet"
        label, _, text = self.draw(kind).partition(" | ")
        return label, text[:1].upper() + text[1:]

    def pair(self, kind: str) -> tuple[str, str]:
        """Write two lines that belong together."""
        if not self.is_english:
            return self.sentence(), self.sentence()
        first, _, second = self.draw(kind).partition(" / ")
        return first, second[:1].upper() + second[1:]

    # Parts of sentences

    def title(self) -> str:
        """Write a heading."""
        if self.is_english:
            return self.draw("title")
        return self._count(self._choose_unused("title", load_phrases(self.tag).titles))

    def headline(self) -> str:
        """Return the heading of the whole text."""
        if not self.is_english:
            return self.question.quote + self.question.mark or self.title()
        question = self.question
        if question.quote and not question.about:
            return question.quote + question.mark
        subject = self.subject
        return subject[:1].upper() + subject[1:]

    def word(self) -> str:
        """Write a word."""
        self.words_left -= 1
        return self.rng.choice(load_words(self.tag))

    def phrase(self, least: int, most: int) -> str:
        """Write some words, the first with a capital letter if the script has them."""
        count = self.rng.randint(least, most)
        self.words_left -= count
        if self.is_english:
            text = self._write_nouns(count)
        else:
            text = self.language.space.join(self.rng.choices(load_words(self.tag), k=count))
        return text[:1].upper() + text[1:]

    def _write_nouns(self, count: int) -> str:
        """Return a noun with adjectives, and after three words another one."""
        noun = self.rng.choice(NOUNS)
        if count > 3:
            return f"{self._write_nouns(2)} and {self._write_nouns(min(3, count - 3))}"
        return " ".join([*self.rng.sample(ADJECTIVES, count - 1), noun])

    def query(self) -> str:
        """Return what one would search for to answer the question."""
        if self.question.keywords and (self.is_english or self.language.space):
            return " ".join(self.question.keywords)
        return self.question.quote or self.phrase(2, 4)

    def name(self) -> str:
        """Write an identifier as in programs, whatever the language."""
        return self.rng.choice(IDENTIFIERS)

    def identifier(self) -> str:
        """Return a name for a function that the question asks for, or any identifier."""
        words = (word.lower() for word in self.question.keywords)
        parts = [w for w in words if w.isascii() and w.isalpha() and w not in _OF_CODE]
        return "_".join(parts[:3]) or self.name()

    def number(self) -> int:
        """Return a number of at most one to four digits, each limit equally likely."""
        return self.rng.randrange(10 ** self.rng.randint(1, 4))

    def emoji(self) -> str:
        """Write an emoji of one or several code points."""
        return self.rng.choice(EMOJI)
