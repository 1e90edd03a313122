"""Text as a model might write it: prose, lists, markdown, code, JSON, formulas, in many scripts.

Rules of this file: randomness comes from the caller, and nothing else decides: no clock, no set,
no vocabulary. Tables of weights say how frequent a kind of text is. A kind of text is a function
of a `Pen`, which knows the question, the language and how many words are left to write.
"""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from openai_mockserver.generate.english import (
    ASPECTS,
    COLUMNS,
    ROWS,
    SUBJECTS,
    TOPIC_COLUMNS,
    TOPICS,
)
from openai_mockserver.generate.languages import LANGUAGES, find_language, find_script
from openai_mockserver.generate.pen import MOTHER_TONGUE, Pen
from openai_mockserver.generate.phrases import load_phrases
from openai_mockserver.generate.question import NO_QUESTION, Question, read_question
from openai_mockserver.generate.samples import CODE, FORMULAS, SIGNS

__all__ = ["ANSWERS", "FORMS", "KINDS", "make_pen", "write_text"]

T = TypeVar("T")
Kind = Callable[[Pen], str]

FOREIGN = 0.2  # share of other languages, if the question does not tell its own
ANY = 0.04  # share of the answers to questions that are of any kind
LONGEST = 900  # words
LONG = 60  # words, after which an answer does not end with a greeting
FOREIGN_LONGEST = 240  # words in other languages, which have fewer sentences

# Percentiles of the length: a share of the replies in percent, and how many words they have at
# most. Between two entries the length is interpolated, with sums and products only, because their
# results are equal on every machine.
_LENGTHS = ((0, 3), (10, 10), (25, 28), (50, 58), (75, 115), (90, 225), (97, 445), (100, LONGEST))

_FACTORS = {"low": 0.4, "medium": 1.0, "high": 2.5}
"""The factor by which a ``verbosity`` changes the length."""


def write_text(rng: Random, question: str = "", verbosity: str = "medium", result: str = "") -> str:
    """Return a text as a model might write it.

    Args:
        rng: the source of randomness.
        question: the text to answer; the answer is about it, in its language, and in the form that
            it asks for.
        verbosity: ``low``, ``medium`` or ``high``.
        result: what a tool returned, if the question was handed to one.

    >>> write_text(Random(1)) == write_text(Random(1)) != write_text(Random(2))
    True
    """
    pen = make_pen(rng, question, _FACTORS.get(verbosity, 1.0))
    if result and pen.is_english:
        return _write_result(pen, result)
    return _choose_kind(pen)(pen).strip()


def make_pen(rng: Random, question: str = "", factor: float = 1.0) -> Pen:
    """Return a pen that answers a question in its language."""
    tag = _choose_language(rng, question)
    reading = read_question(question) if question else NO_QUESTION
    length = _choose_length(rng, factor)
    if tag != MOTHER_TONGUE:
        if LANGUAGES[tag].script == find_script(question):
            reading = _translate_form(reading, question, tag)
        else:
            reading = NO_QUESTION
        # In languages without spaces, a word counts twice as much.
        length = min(FOREIGN_LONGEST, length) // (1 if LANGUAGES[tag].space else 2)
    return Pen(rng, tag, length, reading)


def _choose_language(rng: Random, question: str) -> str:
    """Return the tag of the language to answer in."""
    found = find_language(question) if question else None
    if found is not None:
        return found
    return rng.choice(list(LANGUAGES)) if rng.random() < FOREIGN else MOTHER_TONGUE


_FOREIGN_FORMS = {
    "table": "tabelle tabla tableau tabella tabulk tabel таблиц 表格 표로 جدول तालिका",
    "list": "liste lista список перелік λίστα 列表 清單 リスト 목록 قائمة सूची",
    "code": "codice código quellcode программ код 代码 程式 コード 코드",
    "poem": "gedicht poema poème poesia wiersz стих вірш 诗 詩 قصيدة कविता",
}
"""Words that ask for a form in other languages."""


def _translate_form(reading: Question, question: str, tag: str) -> Question:
    """Return a question in another language: its words are quoted, and its form is found."""
    form = reading.form if reading.form == "json" else ""
    if reading.quote.lower() in load_phrases(tag).greetings:
        form = "greeting"
    text = question[:400].lower()
    form = next(
        (f for f, words in _FOREIGN_FORMS.items() if any(word in text for word in words.split())),
        form,
    )
    return reading._replace(about="", task="", form=form, rest="", options=())


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


def _choose_kind(pen: Pen) -> Kind:
    """Choose the kind of text that the question asks for, or one that suits it."""
    question = pen.question
    if question.form:
        return FORMS[question.form]
    if question == NO_QUESTION or pen.rng.random() < ANY:
        return _choose_weighted(pen.rng, KINDS)
    return _choose_weighted(pen.rng, ANSWERS[_sort_question(question)])


def _sort_question(question: Question) -> str:
    """Return the kind of question: a key of `ANSWERS`."""
    if question.code and question.code != "bash":  # commands are easily taken for the answer
        return "code"
    if question.options:
        return "comparison"
    return "task" if question.task else "other"


# Kinds of text


def _write_short(pen: Pen) -> str:
    pen.words_left = min(pen.words_left, 12)
    if pen.question.quote:
        return _write_brief(pen)
    return _choose_weighted(pen.rng, _SHORT)(pen)


def _write_brief(pen: Pen) -> str:
    """Answer in a sentence."""
    if not pen.is_english:
        return pen.join([pen.opening(), pen.sentence()] if pen.question.quote else [pen.sentence()])
    return pen.draw("short" if pen.rng.random() < 0.6 else pen.style)


def _write_prose(pen: Pen) -> str:
    """Write paragraphs: an opening, what there is to say, and often a last sentence."""
    paragraphs = [[pen.opening()]]
    if pen.is_english and pen.question.is_current and not pen.question.task:
        paragraphs[0].append(pen.draw("current"))
    while pen.words_left > 0 and len(paragraphs) <= 20:
        size = pen.rng.randint(2, 5)
        while len(paragraphs[-1]) < size and pen.words_left > 0:
            paragraphs[-1].append(pen.sentence())
        if pen.words_left > 0:
            paragraphs.append([])
    sentences = sum(map(len, paragraphs))
    if sentences > 2 and pen.rng.random() < 0.6:
        paragraphs[-1].append(pen.closing())
    return "\n\n".join(pen.join(paragraph) for paragraph in paragraphs if paragraph)


def _write_bullets(pen: Pen) -> str:
    mark = pen.rng.choice(("- ", "* ", "• "))
    return _add_introduction(pen, _list_bullets(pen, mark))


def _list_bullets(pen: Pen, mark: str) -> str:
    bold = mark != "• " and pen.rng.random() < 0.6

    def item() -> str:
        if not pen.is_english and not bold:
            return f"{mark}{pen.sentence()}"
        label, text = pen.labelled()
        if bold:
            return f"{mark}**{label}**: {text}"
        if mark != "• " and pen.rng.random() < 0.4:
            return f"{mark}{label}\n  {mark}{text}"
        return f"{mark}{label if pen.style == 'point' else text}"

    return "\n".join(pen.repeat(3, 6 if not pen.is_english else 12, item))


def _write_steps(pen: Pen) -> str:
    items = pen.steps(9)
    text = "\n".join(f"{at}. {item}" for at, item in enumerate(items, 1))
    return _add_introduction(pen, text, "steps")


def _write_markdown(pen: Pen) -> str:
    parts = [f"# {pen.headline()}", pen.join([pen.opening(), pen.sentence()])]
    titles: set[str] = set()
    blocks = _BLOCKS if pen.style == "point" else _VIEW_BLOCKS
    while pen.words_left > 0:
        title = pen.title()
        if title in titles:  # all others were used
            parts.append("---")
            titles.clear()
        titles.add(title)
        parts += [f"## {title}", pen.paragraph(3), _choose_weighted(pen.rng, blocks)(pen)]
    return "\n\n".join(parts)


def _write_table(pen: Pen) -> str:
    return _add_introduction(pen, _draw_table(pen), "table")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _draw_table(pen: Pen) -> str:
    """Draw a table that compares two things, or one of steps or topics."""
    if pen.is_english and pen.question.options:
        head = ["Aspect", *pen.question.options, "How to find out"]
        first = pen.rng.randrange(3)
        rows = [[aspect, "☐", "☐", way] for aspect, way in ASPECTS[first : first + 5]]
        pen.words_left -= 40
    else:
        columns = pen.rng.randint(2, 4)
        names, table = (COLUMNS, ROWS) if pen.style == "point" else (TOPIC_COLUMNS, TOPICS)
        head = [*names[: columns - 1], names[-1]]
        size = max(2, min(len(table), pen.words_left // 6))
        first = pen.rng.randrange(min(3, len(table) - size + 1))
        rows = [[*row[: columns - 1], row[-1]] for row in table[first : first + size]]
        if not pen.is_english:
            titles = load_phrases(pen.tag).titles
            head = [titles[at % len(titles)] for at in range(columns)]
            rows = [[pen.title(), *_count_up(pen, columns - 2), pen.sentence()] for _ in rows]
        pen.words_left -= 4 * size
    return "\n".join(map(_row, [head, ["---"] * len(head), *rows]))


def _count_up(pen: Pen, count: int) -> list[str]:
    return [str(pen.number()) for _ in range(count)]


def _write_quote(pen: Pen) -> str:
    return f"> {pen.sentence()}\n>\n> — *{pen.title()}*"


def _write_links(pen: Pen) -> str:
    def item() -> str:
        return f"- [{pen.title()}](https://example.com/{pen.name()}?id={pen.number()}#top)"

    return "\n".join(pen.repeat(2, 4, item))


def _write_tasks(pen: Pen) -> str:
    steps = pen.steps(7)
    done = pen.rng.randrange(len(steps))
    return "\n".join(
        f"- [{'x' if at < done else ' '}] {step.rstrip('.')}" for at, step in enumerate(steps)
    )


def _write_checklist(pen: Pen) -> str:
    return _add_introduction(pen, _write_tasks(pen))


def _write_code(pen: Pen) -> str:
    """Show code in the language of the question, or in any."""
    tongue = pen.question.code or pen.rng.choice(list(CODE))

    def block() -> str:
        pen.words_left -= 30
        name, other = pen.identifier(), pen.name()
        text = CODE[tongue].replace("‹a›", name).replace("‹b›", other)
        return f"```{tongue}\n{text.replace('‹n›', str(pen.number()))}\n```"

    remark = pen.draw("remark") if pen.is_english else pen.sentence()
    text = f"{block()}\n\n{remark}"
    if pen.words_left > 80:
        text += f"\n\n{pen.paragraph(4)}"
    return f"{pen.draw('code') if pen.is_english else pen.opening()}\n\n{text}"


def _write_json(pen: Pen) -> str:
    value = {
        "topic": pen.headline(),
        pen.name(): pen.number(),
        "tags": list(pen.question.keywords[:4]) or pen.repeat(1, 4, pen.word),
        "nested": {pen.name(): None, pen.name(): pen.rng.random() < 0.5, "emoji": pen.emoji()},
        "items": [{"id": at, "text": pen.sentence()} for at in range(pen.rng.randint(1, 4))],
    }
    text = json.dumps(value, ensure_ascii=pen.rng.random() < 0.2, indent=pen.rng.choice((2, 4)))
    return _add_introduction(pen, f"```json\n{text}\n```")


def _write_formulas(pen: Pen) -> str:
    def write() -> str:
        return pen.draw("fact") if pen.is_english else pen.sentence()

    def step() -> str:
        formula = pen.rng.choice(FORMULAS).replace("‹n›", str(pen.number()))
        return f"{write()}\n\n\\[\n{formula}\n\\]"

    last = pen.rng.choice(FORMULAS).replace("‹n›", str(pen.number()))
    steps = pen.repeat(1, 4, step)
    return "\n\n".join([*steps, f"{write()} \\({last}\\)"])


def _write_dialogue(pen: Pen) -> str:
    names = ("A", "B")
    if pen.is_english:
        names = ("Mira", "Tom")

    def exchange() -> str:
        question, answer = pen.pair("say")
        return f"**{names[0]}:** {question}\n\n**{names[1]}:** {answer}"

    return "\n\n".join(pen.repeat(1, 6, exchange))


def _write_story(pen: Pen) -> str:
    """Tell a story with a beginning, a middle and an end."""
    if not pen.is_english:
        return _write_prose(pen)
    first = [pen.draw("begin"), pen.draw("rumour" if pen.question.about else "middle")]
    pen.words_left -= 60
    middle = pen.repeat(1, 6, lambda: pen.draw("middle"))
    turn = pen.repeat(2, 5, lambda: pen.draw("turn"))
    end = pen.draw("end")
    if len(middle) < 3:
        return pen.join([*first, *middle, *turn, end])
    return "\n\n".join([pen.join(part) for part in (first, middle, turn)] + [end])


def _write_poem(pen: Pen) -> str:
    def verse() -> str:
        (a, b), (c, d) = pen.pair("couplet"), pen.pair("couplet")
        return "  \n".join((a, b, c, d))

    verses = "\n\n".join(pen.repeat(1, 3, verse))
    is_titled = pen.is_english and pen.question.about
    return f"**{pen.headline()}**\n\n{verses}" if is_titled else verses


def _write_cheerful(pen: Pen) -> str:
    def write() -> str:
        return pen.draw("cheer") if pen.is_english else pen.sentence()

    lines = pen.repeat(1, 6, lambda: f"{pen.emoji()} {write()} {pen.emoji()}{pen.emoji()}")
    return "\n".join(lines)


def _write_mixed(pen: Pen) -> str:
    """Mix both writing directions in a line, as in a text about another language."""

    def line() -> str:
        pen.words_left -= 12
        other = Pen(pen.rng, pen.rng.choice(("ar", "he", "fa")))
        quotation = f"{other.title()} ({pen.number()})"
        isolation = pen.rng.choice(("{}", "\u2068{}\u2069", "\u200f{}\u200e", "\u202b{}\u202c"))
        return f"{pen.title()}: “{isolation.format(quotation)}” = {pen.title()}."

    return "\n".join(pen.repeat(1, 6, line))


def _write_scripts(pen: Pen) -> str:
    """Write words in many scripts, with characters of several code points."""

    def line() -> str:
        pen.words_left -= 6
        tag = pen.rng.choice(list(LANGUAGES))
        return f"- {tag}: {Pen(pen.rng, tag).title()} {pen.rng.choice(SIGNS)}"

    return _add_introduction(pen, "\n".join(pen.repeat(4, 20, line)))


def _write_result(pen: Pen, result: str) -> str:
    """Tell what a tool returned: the members of an object as a list, anything else as it is."""
    try:
        value = json.loads(result)
    except ValueError:
        value = result
    if isinstance(value, dict) and value:
        members = list(value.items())[:8]
        text = "\n".join(f"- **{_clip(name)}**: {_clip(member)}" for name, member in members)
    else:
        text = f"> {_clip(value)}"
    end = f"\n\n{pen.draw('ask')}" if pen.rng.random() < 0.3 else ""
    return f"{pen.draw('found')}\n\n{text}{end}"


def _clip(value: object) -> str:
    """Return a value on one line, without what Markdown or HTML would read."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text[:200].translate(_PLAIN).split())
    return text if len(text) <= 120 else f"{text[:119]}…"


_PLAIN = dict.fromkeys(map(ord, "`*<>|~\\"), " ")


def _add_introduction(pen: Pen, text: str, kind: str = "lead") -> str:
    """Put a sentence before the text, at least if it answers a question; sometimes one after it."""
    before = after = ""
    if pen.rng.random() < 0.85 or pen.question.quote:
        lead = pen.draw(kind, is_first=True) if pen.is_english else pen.opening()
        before = f"{lead}\n\n"
    if pen.rng.random() < 0.35:
        after = f"\n\n{pen.closing()}"
    return f"{before}{text}{after}"


def _write_greeting(pen: Pen) -> str:
    """Greet, and if the answer is to be long, go on."""
    if not pen.is_english:
        greeting = load_phrases(pen.tag).welcome
        return f"{greeting}\n\n{pen.paragraph(9)}" if pen.words_left > LONG else greeting
    greeting = pen.draw("hello")
    if pen.words_left <= LONG:
        return greeting
    subjects = pen.rng.sample(SUBJECTS, min(8, pen.words_left // 15))
    items = "\n".join(f"- {subject[:1].upper()}{subject[1:]}" for subject in subjects)
    return f"{greeting}\n\n{pen.draw('topics')}\n\n{items}"


def _say(pen: Pen) -> str:
    """Say what the question asks to say."""
    text = pen.question.rest
    return text[:1].upper() + text[1:] + ("" if text[-1:] in "!?…" else ".")


def _count(pen: Pen) -> str:
    return ", ".join(map(str, range(1, int(pen.question.rest) + 1))) + "."


KINDS: tuple[tuple[int, Kind], ...] = (
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
"""Kinds of text, with the percentage of replies that are of each kind, if nothing is asked."""

ANSWERS: dict[str, tuple[tuple[int, Kind], ...]] = {
    "task": (
        (40, _write_prose),
        (10, _write_brief),
        (25, _write_steps),
        (12, _write_bullets),
        (10, _write_markdown),
        (3, _write_checklist),
    ),
    "code": (
        (30, _write_prose),
        (8, _write_brief),
        (15, _write_steps),
        (10, _write_bullets),
        (12, _write_markdown),
        (25, _write_code),
    ),
    "comparison": (
        (40, _write_prose),
        (10, _write_brief),
        (10, _write_bullets),
        (30, _write_table),
        (10, _write_markdown),
    ),
    "other": (
        (54, _write_prose),
        (14, _write_brief),
        (16, _write_bullets),
        (10, _write_markdown),
        (3, _write_table),
        (3, _write_cheerful),
    ),
}
"""Kinds of answers by the kind of question, with their weights."""

FORMS: dict[str, Kind] = {
    "greeting": _write_greeting,
    "thanks": lambda pen: pen.draw("welcome"),
    "say": _say,
    "count": _count,
    "joke": lambda pen: pen.draw("joke"),
    "short": _write_brief,
    "table": _write_table,
    "json": _write_json,
    "poem": _write_poem,
    "story": _write_story,
    "dialogue": _write_dialogue,
    "code": _write_code,
    "tasks": _write_checklist,
    "steps": _write_steps,
    "list": _write_bullets,
    "markdown": _write_markdown,
    "formulas": _write_formulas,
}
"""Kinds of answers that a question can ask for."""

_SHORT: tuple[tuple[int, Kind], ...] = (
    (6, _write_brief),
    (2, lambda pen: pen.phrase(1, 3)),
    (1, lambda pen: f"{pen.number()}"),
    (1, lambda pen: f"**{pen.title()}**"),
)
"""Kinds of short answers, with their weights."""

_VIEW_BLOCKS: tuple[tuple[int, Kind], ...] = (
    (3, lambda pen: _list_bullets(pen, "- ")),
    (2, _write_table),
    (2, _write_quote),
    (1, _write_links),
    (1, lambda pen: "---"),
    (1, lambda pen: f"![{pen.title()}](https://example.com/{pen.name()}.png)"),
)
"""Kinds of blocks between the paragraphs of markdown, with their weights."""

_BLOCKS: tuple[tuple[int, Kind], ...] = (
    *_VIEW_BLOCKS,
    (2, _write_steps),
    (2, _write_code),
    (1, _write_tasks),
)
"""Kinds of blocks if something is to be done."""
