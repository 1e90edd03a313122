"""What a model might say: prose, lists, markdown, code, JSON, formulas, in many scripts.

Rules of this file: chance comes from the caller, and nothing else decides: no clock, no library of
mathematics, no set, no vocabulary. What is frequent stands in tables of weights. A kind of text is
a function of a `Pen`, which knows the language and how much is still to be said.
"""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from openai_mockserver.generate.languages import LANGUAGES, of_script, script_of, words

__all__ = ["KINDS", "Pen", "write_text"]

T = TypeVar("T")

MOTHER_TONGUE = "en"
FOREIGN = 0.2  # of the replies to what is asked in Latin letters
LONGEST = 900  # words

# Words of a reply, by how many of a hundred replies are shorter. What is between is as likely as
# what is beside it; sums and products alone, which every machine has alike.
_LENGTHS = ((0, 3), (10, 14), (25, 32), (50, 62), (75, 120), (90, 230), (97, 450), (100, LONGEST))

_FACTORS = {"low": 0.4, "medium": 1.0, "high": 2.5}
"""What a ``verbosity`` makes of the length."""


def write_text(rng: Random, asked: str = "", verbosity: str = "medium") -> str:
    """A text as a model might write it.

    Args:
        rng: where all chance comes from.
        asked: what it answers, whose script it is written in.
        verbosity: ``low``, ``medium`` or ``high``.

    >>> write_text(Random(1)) == write_text(Random(1)) != write_text(Random(2))
    True
    """
    tag, length = _language(rng, asked), _length(rng, _FACTORS.get(verbosity, 1.0))
    # Where signs are whole words or syllables, a word is more of a text.
    pen = Pen(rng, tag, length if LANGUAGES[tag].space else length // 2)
    return _weighed(rng, KINDS)(pen).strip()


def _language(rng: Random, asked: str) -> str:
    """The tag of the language to answer in."""
    script = script_of(asked)
    known = of_script(script)
    if known and script != LANGUAGES[MOTHER_TONGUE].script:
        return rng.choice(known)
    return rng.choice(list(LANGUAGES)) if rng.random() < FOREIGN else MOTHER_TONGUE


def _length(rng: Random, factor: float) -> int:
    at = rng.random() * 100
    upper = bisect([share for share, _ in _LENGTHS], at)
    (before, least), (share, most) = _LENGTHS[upper - 1], _LENGTHS[upper]
    length = least + (most - least) * (at - before) / (share - before)
    return max(2, min(LONGEST, int(length * factor)))


def _weighed(rng: Random, table: Sequence[tuple[int, T]]) -> T:
    """One of a table, as often as its weight says."""
    at = rng.randrange(sum(weight for weight, _ in table))
    for weight, one in table:
        at -= weight
        if at < 0:
            return one
    raise AssertionError("a number below the sum of the weights is below one of their sums")


class Pen:
    """Writes words of a language, and knows how many are left to write.

    Args:
        rng: where all chance comes from.
        tag: of the language, as in `LANGUAGES`.
        left: how many words there are to be, about.
    """

    def __init__(self, rng: Random, tag: str = MOTHER_TONGUE, left: int = 60) -> None:
        self.rng = rng
        self.language = LANGUAGES[tag]
        self.left = left
        self._words = words(tag)

    def word(self) -> str:
        """A word as its table has it."""
        self.left -= 1
        return self.rng.choice(self._words)

    def phrase(self, least: int, most: int) -> str:
        """Some words, the first with a capital where there are any."""
        count = self.rng.randint(least, most)
        self.left -= count
        text = self.language.space.join(self.rng.choices(self._words, k=count))
        return text[:1].upper() + text[1:]

    def sentence(self) -> str:
        """A sentence, which may have two clauses, or ask."""
        least = 3 if self.language.space else 2
        text = self.phrase(least, 3 * least)
        if self.rng.random() < 0.4:
            clause = self.phrase(least, 3 * least)
            text += self.language.comma + clause[:1].lower() + clause[1:]
        asks = self.rng.random() < 0.08
        return text + (self.language.ask if asks else self.language.stop)

    def paragraph(self, sentences: int) -> str:
        """Sentences, fewer where no more is to be said."""
        said = [self.sentence()]
        while len(said) < sentences and self.left > 0:
            said.append(self.sentence())
        return (" " if self.language.space else "").join(said).strip()

    def several(self, least: int, most: int, make: Callable[[], str]) -> list[str]:
        """At least so many texts, and more until no more is to be said."""
        made: list[str] = []
        while len(made) < least or (len(made) < most and self.left > 0):
            made.append(make())
        return made

    def name(self) -> str:
        """A name as programs have them, whatever the language."""
        return self.rng.choice(_NAMES)

    def number(self) -> int:
        """A number of one to four digits, each as likely as the others."""
        return self.rng.randrange(10 ** self.rng.randint(1, 4))

    def emoji(self) -> str:
        """One sign, of one code point or many."""
        return self.rng.choice(EMOJI)


# Kinds of text


def _short(pen: Pen) -> str:
    pen.left = min(pen.left, 12)
    return _weighed(pen.rng, _SHORT)(pen)


def _prose(pen: Pen) -> str:
    return "\n\n".join(pen.several(1, 20, lambda: pen.paragraph(pen.rng.randint(2, 5))))


def _bullets(pen: Pen) -> str:
    mark = pen.rng.choice(("- ", "* ", "• "))
    bold = pen.rng.random() < 0.5

    def item() -> str:
        if bold:
            return f"{mark}**{pen.phrase(1, 3)}**: {pen.sentence()}"
        text = f"{mark}{pen.phrase(2, 7)}"
        return text + (f"\n  {mark}{pen.phrase(2, 5)}" if pen.rng.random() < 0.15 else "")

    return _introduced(pen, "\n".join(pen.several(3, 12, item)))


def _steps(pen: Pen) -> str:
    items = pen.several(3, 10, pen.sentence)
    return _introduced(pen, "\n".join(f"{at}. {item}" for at, item in enumerate(items, 1)))


def _markdown(pen: Pen) -> str:
    parts = [f"# {pen.phrase(2, 4)}", pen.paragraph(2)]
    while pen.left > 0:
        parts += [f"## {pen.phrase(1, 4)}", pen.paragraph(3), _weighed(pen.rng, _BLOCKS)(pen)]
    return "\n\n".join(parts)


def _table(pen: Pen) -> str:
    columns = pen.rng.randint(2, 4)

    def row(cells: list[str]) -> str:
        return f"| {' | '.join(cells)} |"

    def cells() -> str:
        numbers = [str(pen.number()) for _ in range(columns - 2)]
        return row([pen.phrase(1, 2), *numbers, pen.phrase(1, 3)])

    head = row([pen.phrase(1, 2) for _ in range(columns)])
    return _introduced(pen, "\n".join([head, row(["---"] * columns), *pen.several(2, 12, cells)]))


def _quote(pen: Pen) -> str:
    return f"> {pen.sentence()}\n>\n> — *{pen.phrase(2, 2)}*"


def _links(pen: Pen) -> str:
    def item() -> str:
        return f"- [{pen.phrase(1, 3)}](https://example.com/{pen.name()}?id={pen.number()}#top)"

    return "\n".join(pen.several(2, 4, item))


def _tasks(pen: Pen) -> str:
    return "\n".join(
        pen.several(2, 5, lambda: f"- [{pen.rng.choice(' x')}] {pen.phrase(2, 5)} `{pen.name()}`")
    )


def _code(pen: Pen) -> str:
    tongue = pen.rng.choice(list(CODE))

    def block() -> str:
        pen.left -= 30
        text = CODE[tongue].replace("‹a›", pen.name()).replace("‹b›", pen.name())
        return f"```{tongue}\n{text.replace('‹n›', str(pen.number()))}\n```"

    blocks = pen.several(1, 3, lambda: f"{block()}\n\n{pen.paragraph(2)}")
    return _introduced(pen, "\n\n".join(blocks))


def _json(pen: Pen) -> str:
    value = {
        pen.name(): pen.phrase(1, 3),
        pen.name(): pen.number(),
        "tags": pen.several(1, 4, pen.word),
        "nested": {pen.name(): None, pen.name(): pen.rng.random() < 0.5, "emoji": pen.emoji()},
        "items": [{"id": at, "text": pen.sentence()} for at in range(pen.rng.randint(1, 4))],
    }
    text = json.dumps(value, ensure_ascii=pen.rng.random() < 0.2, indent=pen.rng.choice((2, 4)))
    return _introduced(pen, f"```json\n{text}\n```")


def _formulas(pen: Pen) -> str:
    def step() -> str:
        formula = pen.rng.choice(FORMULAS).replace("‹n›", str(pen.number()))
        return f"{pen.sentence()}\n\n\\[\n{formula}\n\\]"

    last = pen.rng.choice(FORMULAS).replace("‹n›", str(pen.number()))
    return "\n\n".join([*pen.several(1, 6, step), f"{pen.sentence()} \\({last}\\)"])


def _dialogue(pen: Pen) -> str:
    names = [pen.phrase(1, 1), pen.phrase(1, 1)]
    lines = pen.several(2, 20, lambda: pen.paragraph(pen.rng.randint(1, 2)))
    return "\n\n".join(f"**{names[at % 2]}:** {line}" for at, line in enumerate(lines))


def _poem(pen: Pen) -> str:
    def verse() -> str:
        return ",\n".join(pen.phrase(3, 5) for _ in range(4)) + pen.language.stop

    return "\n\n".join(pen.several(1, 5, verse))


def _cheerful(pen: Pen) -> str:
    lines = pen.several(1, 8, lambda: f"{pen.emoji()} {pen.sentence()} {pen.emoji()}{pen.emoji()}")
    return "\n".join(lines)


def _mixed(pen: Pen) -> str:
    """Left to right and right to left in one line, as in a text about another language."""

    def line() -> str:
        pen.left -= 12
        other = Pen(pen.rng, pen.rng.choice(("ar", "he", "fa")))
        quoted = f"{other.phrase(1, 3)} ({pen.number()})"
        isolated = pen.rng.choice(("{}", "\u2068{}\u2069", "\u200f{}\u200e", "\u202b{}\u202c"))
        return f"{pen.phrase(2, 4)}: “{isolated.format(quoted)}” = {pen.phrase(1, 3)}."

    return "\n".join(pen.several(1, 6, line))


def _scripts(pen: Pen) -> str:
    """A word in each of many scripts, and signs that are several code points."""

    def line() -> str:
        pen.left -= 6
        tag = pen.rng.choice(list(LANGUAGES))
        return f"- {tag}: {Pen(pen.rng, tag).phrase(2, 4)} {pen.rng.choice(SIGNS)}"

    return _introduced(pen, "\n".join(pen.several(4, 20, line)))


def _introduced(pen: Pen, text: str) -> str:
    """With a sentence before it, as a rule, and sometimes one after it."""
    before = f"{pen.phrase(2, 6)}:\n\n" if pen.rng.random() < 0.8 else ""
    after = f"\n\n{pen.sentence()}" if pen.rng.random() < 0.4 else ""
    return f"{before}{text}{after}"


KINDS: tuple[tuple[int, Callable[[Pen], str]], ...] = (
    (34, _prose),
    (16, _short),
    (11, _bullets),
    (8, _steps),
    (8, _markdown),
    (7, _code),
    (3, _table),
    (3, _json),
    (2, _formulas),
    (2, _dialogue),
    (2, _poem),
    (2, _cheerful),
    (1, _mixed),
    (1, _scripts),
)
"""Kinds of text, and how many of a hundred replies are of each."""

_SHORT: tuple[tuple[int, Callable[[Pen], str]], ...] = (
    (6, Pen.sentence),
    (2, lambda pen: pen.phrase(1, 3)),
    (1, lambda pen: f"{pen.number()}"),
    (1, lambda pen: f"**{pen.phrase(1, 2)}**"),
)
"""What is a short answer."""

_BLOCKS: tuple[tuple[int, Callable[[Pen], str]], ...] = (
    (3, _bullets),
    (2, _steps),
    (2, _table),
    (2, _code),
    (2, _quote),
    (1, _links),
    (1, _tasks),
    (1, lambda pen: "---"),
    (1, lambda pen: f"![{pen.phrase(1, 2)}](https://example.com/{pen.name()}.png)"),
)
"""What stands between the paragraphs of markdown."""

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
"""Of one code point, with a variation selector, skin tones and joiners, flags, keycaps."""

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
"""What is cut, counted or shown wrong where code points are taken for characters."""

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
"""A block in each of some languages, with quotes, braces, tabs and escapes; ‹a›, ‹b› are names."""
