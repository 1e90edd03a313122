"""Text as a model might write it: prose, lists, markdown, code, JSON, formulas, in many scripts.

Rules of this file: randomness comes from the caller, and nothing else decides: no clock, no library
of mathematics, no set, no vocabulary. Tables of weights say how frequent a kind of text is. A kind
of text is a function of a `Pen`, which knows the language and how many words are left to write.
"""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from openai_mockserver.generate.languages import LANGUAGES, find_languages, find_script, load_words

__all__ = ["KINDS", "Pen", "write_text"]

T = TypeVar("T")

MOTHER_TONGUE = "en"
FOREIGN = 0.2  # share of the replies to questions in Latin letters
LONGEST = 900  # words

# Percentiles of the length: a share of the replies in percent, and how many words they have at
# most. Between two entries the length is interpolated, with sums and products only, because their
# results are equal on every machine.
_LENGTHS = ((0, 3), (10, 14), (25, 32), (50, 62), (75, 120), (90, 230), (97, 450), (100, LONGEST))

_FACTORS = {"low": 0.4, "medium": 1.0, "high": 2.5}
"""The factor by which a ``verbosity`` changes the length."""


def write_text(rng: Random, question: str = "", verbosity: str = "medium") -> str:
    """Return a text as a model might write it.

    Args:
        rng: the source of randomness.
        question: the text to answer; the answer is in the same script.
        verbosity: ``low``, ``medium`` or ``high``.

    >>> write_text(Random(1)) == write_text(Random(1)) != write_text(Random(2))
    True
    """
    tag, length = _choose_language(rng, question), _choose_length(rng, _FACTORS.get(verbosity, 1.0))
    # In languages without spaces, a word counts twice as much.
    pen = Pen(rng, tag, length if LANGUAGES[tag].space else length // 2)
    return _choose_weighted(rng, KINDS)(pen).strip()


def _choose_language(rng: Random, question: str) -> str:
    """Return the tag of the language to answer in."""
    script = find_script(question)
    languages = find_languages(script)
    if languages and script != LANGUAGES[MOTHER_TONGUE].script:
        return rng.choice(languages)
    return rng.choice(list(LANGUAGES)) if rng.random() < FOREIGN else MOTHER_TONGUE


def _choose_length(rng: Random, factor: float) -> int:
    """Return how many words a reply has."""
    percent = rng.random() * 100
    upper = bisect([share for share, _ in _LENGTHS], percent)
    (below, least), (above, most) = _LENGTHS[upper - 1], _LENGTHS[upper]
    length = least + (most - least) * (percent - below) / (above - below)
    return max(2, min(LONGEST, int(length * factor)))


def _choose_weighted(rng: Random, table: Sequence[tuple[int, T]]) -> T:
    """Return an entry of a table, as often as its weight says."""
    at = rng.randrange(sum(weight for weight, _ in table))
    for weight, one in table:
        at -= weight
        if at < 0:
            return one
    raise AssertionError("a number below the sum of the weights selects an entry")


class Pen:
    """Writes words of a language, and counts how many are left to write.

    Args:
        rng: the source of randomness.
        tag: the language's tag, a key of `LANGUAGES`.
        words_left: about how many words to write.
    """

    def __init__(self, rng: Random, tag: str = MOTHER_TONGUE, words_left: int = 60) -> None:
        self.rng = rng
        self.language = LANGUAGES[tag]
        self.words_left = words_left
        self._words = load_words(tag)

    def word(self) -> str:
        """Write a word."""
        self.words_left -= 1
        return self.rng.choice(self._words)

    def phrase(self, least: int, most: int) -> str:
        """Write some words, the first with a capital letter if the script has them."""
        count = self.rng.randint(least, most)
        self.words_left -= count
        text = self.language.space.join(self.rng.choices(self._words, k=count))
        return text[:1].upper() + text[1:]

    def sentence(self) -> str:
        """Write a sentence or a question of one or two clauses."""
        least = 3 if self.language.space else 2
        text = self.phrase(least, 3 * least)
        if self.rng.random() < 0.4:
            clause = self.phrase(least, 3 * least)
            text += self.language.comma + clause[:1].lower() + clause[1:]
        is_question = self.rng.random() < 0.08
        return text + (self.language.ask if is_question else self.language.stop)

    def paragraph(self, sentences: int) -> str:
        """Write so many sentences, or fewer if no words are left."""
        texts = [self.sentence()]
        while len(texts) < sentences and self.words_left > 0:
            texts.append(self.sentence())
        return (" " if self.language.space else "").join(texts).strip()

    def repeat(self, least: int, most: int, write: Callable[[], str]) -> list[str]:
        """Write at least so many texts, and more while words are left."""
        texts: list[str] = []
        while len(texts) < least or (len(texts) < most and self.words_left > 0):
            texts.append(write())
        return texts

    def name(self) -> str:
        """Write an identifier as in programs, whatever the language."""
        return self.rng.choice(_NAMES)

    def number(self) -> int:
        """Return a number of at most one to four digits, each limit equally likely."""
        return self.rng.randrange(10 ** self.rng.randint(1, 4))

    def emoji(self) -> str:
        """Write an emoji of one or several code points."""
        return self.rng.choice(EMOJI)


# Kinds of text


def _write_short(pen: Pen) -> str:
    pen.words_left = min(pen.words_left, 12)
    return _choose_weighted(pen.rng, _SHORT)(pen)


def _write_prose(pen: Pen) -> str:
    return "\n\n".join(pen.repeat(1, 20, lambda: pen.paragraph(pen.rng.randint(2, 5))))


def _write_bullets(pen: Pen) -> str:
    mark = pen.rng.choice(("- ", "* ", "• "))
    bold = pen.rng.random() < 0.5

    def item() -> str:
        if bold:
            return f"{mark}**{pen.phrase(1, 3)}**: {pen.sentence()}"
        text = f"{mark}{pen.phrase(2, 7)}"
        return text + (f"\n  {mark}{pen.phrase(2, 5)}" if pen.rng.random() < 0.15 else "")

    return _add_introduction(pen, "\n".join(pen.repeat(3, 12, item)))


def _write_steps(pen: Pen) -> str:
    items = pen.repeat(3, 10, pen.sentence)
    return _add_introduction(pen, "\n".join(f"{at}. {item}" for at, item in enumerate(items, 1)))


def _write_markdown(pen: Pen) -> str:
    parts = [f"# {pen.phrase(2, 4)}", pen.paragraph(2)]
    while pen.words_left > 0:
        parts += [
            f"## {pen.phrase(1, 4)}",
            pen.paragraph(3),
            _choose_weighted(pen.rng, _BLOCKS)(pen),
        ]
    return "\n\n".join(parts)


def _write_table(pen: Pen) -> str:
    columns = pen.rng.randint(2, 4)

    def row(cells: list[str]) -> str:
        return f"| {' | '.join(cells)} |"

    def cells() -> str:
        numbers = [str(pen.number()) for _ in range(columns - 2)]
        return row([pen.phrase(1, 2), *numbers, pen.phrase(1, 3)])

    head = row([pen.phrase(1, 2) for _ in range(columns)])
    return _add_introduction(
        pen, "\n".join([head, row(["---"] * columns), *pen.repeat(2, 12, cells)])
    )


def _write_quote(pen: Pen) -> str:
    return f"> {pen.sentence()}\n>\n> — *{pen.phrase(2, 2)}*"


def _write_links(pen: Pen) -> str:
    def item() -> str:
        return f"- [{pen.phrase(1, 3)}](https://example.com/{pen.name()}?id={pen.number()}#top)"

    return "\n".join(pen.repeat(2, 4, item))


def _write_tasks(pen: Pen) -> str:
    return "\n".join(
        pen.repeat(2, 5, lambda: f"- [{pen.rng.choice(' x')}] {pen.phrase(2, 5)} `{pen.name()}`")
    )


def _write_code(pen: Pen) -> str:
    tongue = pen.rng.choice(list(CODE))

    def block() -> str:
        pen.words_left -= 30
        text = CODE[tongue].replace("‹a›", pen.name()).replace("‹b›", pen.name())
        return f"```{tongue}\n{text.replace('‹n›', str(pen.number()))}\n```"

    blocks = pen.repeat(1, 3, lambda: f"{block()}\n\n{pen.paragraph(2)}")
    return _add_introduction(pen, "\n\n".join(blocks))


def _write_json(pen: Pen) -> str:
    value = {
        pen.name(): pen.phrase(1, 3),
        pen.name(): pen.number(),
        "tags": pen.repeat(1, 4, pen.word),
        "nested": {pen.name(): None, pen.name(): pen.rng.random() < 0.5, "emoji": pen.emoji()},
        "items": [{"id": at, "text": pen.sentence()} for at in range(pen.rng.randint(1, 4))],
    }
    text = json.dumps(value, ensure_ascii=pen.rng.random() < 0.2, indent=pen.rng.choice((2, 4)))
    return _add_introduction(pen, f"```json\n{text}\n```")


def _write_formulas(pen: Pen) -> str:
    def step() -> str:
        formula = pen.rng.choice(FORMULAS).replace("‹n›", str(pen.number()))
        return f"{pen.sentence()}\n\n\\[\n{formula}\n\\]"

    last = pen.rng.choice(FORMULAS).replace("‹n›", str(pen.number()))
    return "\n\n".join([*pen.repeat(1, 6, step), f"{pen.sentence()} \\({last}\\)"])


def _write_dialogue(pen: Pen) -> str:
    names = [pen.phrase(1, 1), pen.phrase(1, 1)]
    lines = pen.repeat(2, 20, lambda: pen.paragraph(pen.rng.randint(1, 2)))
    return "\n\n".join(f"**{names[at % 2]}:** {line}" for at, line in enumerate(lines))


def _write_poem(pen: Pen) -> str:
    def verse() -> str:
        return ",\n".join(pen.phrase(3, 5) for _ in range(4)) + pen.language.stop

    return "\n\n".join(pen.repeat(1, 5, verse))


def _write_cheerful(pen: Pen) -> str:
    lines = pen.repeat(1, 8, lambda: f"{pen.emoji()} {pen.sentence()} {pen.emoji()}{pen.emoji()}")
    return "\n".join(lines)


def _write_mixed(pen: Pen) -> str:
    """Mix both writing directions in a line, as in a text about another language."""

    def line() -> str:
        pen.words_left -= 12
        other = Pen(pen.rng, pen.rng.choice(("ar", "he", "fa")))
        quotation = f"{other.phrase(1, 3)} ({pen.number()})"
        isolation = pen.rng.choice(("{}", "\u2068{}\u2069", "\u200f{}\u200e", "\u202b{}\u202c"))
        return f"{pen.phrase(2, 4)}: “{isolation.format(quotation)}” = {pen.phrase(1, 3)}."

    return "\n".join(pen.repeat(1, 6, line))


def _write_scripts(pen: Pen) -> str:
    """Write words in many scripts, with characters of several code points."""

    def line() -> str:
        pen.words_left -= 6
        tag = pen.rng.choice(list(LANGUAGES))
        return f"- {tag}: {Pen(pen.rng, tag).phrase(2, 4)} {pen.rng.choice(SIGNS)}"

    return _add_introduction(pen, "\n".join(pen.repeat(4, 20, line)))


def _add_introduction(pen: Pen, text: str) -> str:
    """Put a sentence before the text in most cases, and sometimes one after it."""
    before = f"{pen.phrase(2, 6)}:\n\n" if pen.rng.random() < 0.8 else ""
    after = f"\n\n{pen.sentence()}" if pen.rng.random() < 0.4 else ""
    return f"{before}{text}{after}"


KINDS: tuple[tuple[int, Callable[[Pen], str]], ...] = (
    (34, _write_prose),
    (16, _write_short),
    (11, _write_bullets),
    (8, _write_steps),
    (8, _write_markdown),
    (7, _write_code),
    (3, _write_table),
    (3, _write_json),
    (2, _write_formulas),
    (2, _write_dialogue),
    (2, _write_poem),
    (2, _write_cheerful),
    (1, _write_mixed),
    (1, _write_scripts),
)
"""Kinds of text, with the percentage of replies that are of each kind."""

_SHORT: tuple[tuple[int, Callable[[Pen], str]], ...] = (
    (6, Pen.sentence),
    (2, lambda pen: pen.phrase(1, 3)),
    (1, lambda pen: f"{pen.number()}"),
    (1, lambda pen: f"**{pen.phrase(1, 2)}**"),
)
"""Kinds of short answers, with their weights."""

_BLOCKS: tuple[tuple[int, Callable[[Pen], str]], ...] = (
    (3, _write_bullets),
    (2, _write_steps),
    (2, _write_table),
    (2, _write_code),
    (2, _write_quote),
    (1, _write_links),
    (1, _write_tasks),
    (1, lambda pen: "---"),
    (1, lambda pen: f"![{pen.phrase(1, 2)}](https://example.com/{pen.name()}.png)"),
)
"""Kinds of blocks between the paragraphs of markdown, with their weights."""

_NAMES = (
    "user",
    "order",
    "total",
    "count",
    "items",
    "parse",
    "fetch_all",
    "load_config",
    "retry",
    "is_valid",
    "createdAt",
    "maxRetries",
    "_cache",
    "node",
    "result",
    "index",
    "response_id",
    "café",
    "naïve",
)

EMOJI = (
    "😀",
    "🎉",
    "✅",
    "🚀",
    "💡",
    "🔥",
    "❤️",
    "☺️",
    "⚠️",
    "👍🏽",
    "👋🏿",
    "🧑🏻‍💻",
    "👩🏾‍🚀",
    "👨‍👩‍👧‍👦",
    "👩‍❤️‍💋‍👨",
    "🧑🏽‍🤝‍🧑🏼",
    "🏳️‍🌈",
    "🏴‍☠️",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "🇩🇪",
    "🇯🇵",
    "🇧🇷",
    "1️⃣",
    "#️⃣",
    "🐻‍❄️",
    "🫱🏻‍🫲🏿",
    "🧔🏽‍♀️",
    "🪿",
)
"""Emoji of one code point, and with variation selectors, skin tones, joiners, flags and keycaps."""

SIGNS = (
    "e\u0301",  # é of two code points
    "A\u030a\u0323",
    "Z\u0351\u036b\u0343a\u0334\u0361lgo\u0336",
    "\u1112\u1161\u11ab",  # 한 of three
    "क्\u200dष",
    "می\u200cخواهم",
    "ง\u0e49\u0e33",
    "ﬁ",
    "𝒳",
    "𠮷",
    "葛\U000e0100",
    "½ ≠ ½\u0338",
    "\u00a0\u2003\u3000|",
    "“„«»”",
    "co\u00adoperate",
    "a\u200bb",
)
"""Characters that programs cut, count or show wrongly if they take code points for characters."""

FORMULAS = (
    r"\int_0^{‹n›} x^2 \, dx = \frac{‹n›^3}{3}",
    r"e^{i\pi} + 1 = 0",
    r"\sum_{k=1}^{n} k = \frac{n(n+1)}{2} < ‹n›",
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}^{-1} = \frac{1}{ad - bc} M",
    r"x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}",
    r"P(A \mid B) = \frac{P(B \mid A)\,P(A)}{P(B)} \approx 0.‹n›",
    r"\lim_{n \to \infty} \left(1 + \frac{1}{n}\right)^n = e",
    r"\nabla \cdot \mathbf{E} = \rho / \varepsilon_0 \quad \text{for } r \geq ‹n›",
)

CODE = {
    "python": '''def ‹a›(‹b›: list[str], limit: int = ‹n›) -> dict[str, int]:
    """Count what is there."""
    found = {}
    for at, one in enumerate(‹b›[:limit]):
        found[f"{one}\\t{at}"] = found.get(one, 0) + 1
    return found  # {'a': 1}''',
    "javascript": """export async function ‹a›(url, { ‹b› = ‹n›, ...rest } = {}) {
  const response = await fetch(`${url}/items?limit=${‹b›}`, rest);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.json()).map(({ id }) => id ?? null);
}""",
    "typescript": """type ‹a›<T> = { readonly [K in keyof T]?: T[K] | null };

export const ‹b› = (‹a›: string): number => ‹a›.split(/\\s+/u).length % ‹n›;""",
    "go": """func ‹a›(ctx context.Context, ‹b› []byte) (int, error) {
\tfor i := 0; i < len(‹b›); i++ {
\t\tif ‹b›[i] == '\\n' {
\t\t\treturn i, nil
\t\t}
\t}
\treturn ‹n›, fmt.Errorf("no line in %q", ‹b›)
}""",
    "rust": """fn ‹a›<'a>(‹b›: &'a [u8]) -> Result<&'a str, std::str::Utf8Error> {
    let end = ‹b›.len().min(‹n›);
    std::str::from_utf8(&‹b›[..end])
}""",
    "java": """public record ‹a›(String ‹b›, int count) {
    public boolean isLarge() {
        return count > ‹n› && !‹b›.isBlank();
    }
}""",
    "sql": """SELECT ‹a›, COUNT(*) AS "‹b›"
FROM orders
WHERE created_at >= '2025-01-01' AND note LIKE '%it''s%'
GROUP BY 1 HAVING COUNT(*) > ‹n›;""",
    "bash": """for ‹a› in "$@"; do
  grep -c -- '^data: ' "$‹a›" | awk '{ sum += $1 } END { print sum > ‹n› }'
done 2>/dev/null || exit 1""",
    "html": """<!doctype html>
<ul class="‹a›" data-‹b›="‹n›">
  <li>&lt;b&gt; &amp; &quot;quotes&quot;</li>
</ul>""",
    "css": """.‹a› > li:nth-child(2n + 1)::before {
  content: "\\201C";
  --‹b›: calc(100% - ‹n›px);
}""",
    "yaml": """‹a›:
  ‹b›: &default { retries: ‹n› }
  text: |
    first line

    last line""",
    "diff": """--- a/‹a›.py
+++ b/‹a›.py
@@ -1,2 +1,2 @@
-‹b› = ‹n›
+‹b› = "\\u00e9"
 print(‹b›)""",
    "": """data: {"‹a›": ‹n›}

data: [DONE]
event: ‹b›""",
}
"""Code by language, with quotes, braces, tabs and escapes. ‹a› and ‹b› become identifiers."""
