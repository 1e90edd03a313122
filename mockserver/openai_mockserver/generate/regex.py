"""Texts that a regular expression matches.

Rules of this file: a text is a function of the arguments, and is returned only if the pattern
matches it, by construction or because a search found it. Nothing takes longer than the budget
allows. Python's own parser reads the expression; its syntax differs little from JavaScript's, which
JSON Schema uses.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from random import Random
from typing import Any

from openai_mockserver.exceptions import ReplyError

__all__ = ["Budget", "generate_matching", "is_found"]

TRIES = 400
PATHS = 100_000  # ways through an expression that a search may try
PRINTABLE = [chr(code) for code in range(32, 127)]
CATEGORIES: dict[str, Sequence[str]] = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": string.ascii_letters + string.digits,
    "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
    "CATEGORY_NOT_WORD": " -.,:;!?/",
}

PROPERTIES = {
    **dict.fromkeys(("L", "Letter", "Alphabetic"), ("A-Za-z", r" -@\[-`{-~")),
    **dict.fromkeys(("Lu", "Uppercase", "Uppercase_Letter"), ("A-Z", r" -@\[-~")),
    **dict.fromkeys(("Ll", "Lowercase", "Lowercase_Letter"), ("a-z", r" -`{-~")),
    **dict.fromkeys(("N", "Nd", "Number", "Decimal_Number"), ("0-9", r" -/:-~")),
}
"""JavaScript's character properties: the ASCII characters that have one, and those that do not."""

# What JavaScript spells differently from Python, and where a character class begins and ends.
_DIALECT = re.compile(
    r"\\(?P<sense>[pP])\{(?P<property>\w+)\}|\\k<(?P<ref>\w+)>|\\."
    r"|(?P<group>\(\?<(?=[A-Za-z_]))|(?P<open>\[\^?\]?)|(?P<close>\])|(?P<twice>--|&&|\|\||~~)",
    re.DOTALL,
)


@dataclass(slots=True)
class Budget:
    """How much work one reply may still take; one unit is about one character or step."""

    remaining: int = 1_000_000

    def spend(self, amount: float) -> None:
        """Take an amount of it. Raises ReplyError if less is left."""
        if amount > self.remaining:
            raise ReplyError("the request asks for a reply that is too large to generate")
        self.remaining -= int(amount)


def generate_matching(
    pattern: str,
    rng: Random,
    shortest: int = 0,
    longest: float = math.inf,
    budget: Budget | None = None,
) -> str | None:
    r"""Return a text in which the pattern is found; None if none was found.

    Args:
        pattern: the regular expression, in Python's syntax or the common part of JavaScript's.
        rng: the source of randomness.
        shortest, longest: bounds of the length, in characters.
        budget: what it may take.

    Raises:
        ReplyError: if generating or searching exceeds the budget.

    >>> generate_matching(r"^[A-Z]{2}-\d{3}$", Random(1))
    'IP-610'
    """
    budget = budget or Budget()
    try:
        return _search_text(pattern, rng, shortest, longest, budget)
    except (re.error, OverflowError, RecursionError):
        return None


def _search_text(
    pattern: str, rng: Random, shortest: int, longest: float, budget: Budget
) -> str | None:
    tree, expression = _read(pattern)
    low = max(shortest, _measure_sequence(tree)[0])
    budget.spend(low)
    is_sure, is_slow = _is_sure(tree), False
    is_bounded = shortest > 0 or longest < math.inf
    more = 5
    for n in range(TRIES):
        writer = _Writer(rng, more, budget)
        if is_bounded and n % 2:
            high = max(low, int(min(longest, low + more)))
            text = writer.write_fitting(tree, rng.randint(low, high))
        else:
            text = writer.write(tree)
        is_padded = is_bounded and n % 4 in _PADDING and len(text) < shortest
        if is_padded:  # the pattern is still found, unless it is anchored
            text = _PADDING[n % 4](text, shortest, "a")
        if not _is_valid_text(text):
            continue
        if len(text) < shortest:
            more += 1 + more // 4
        elif len(text) > longest:
            more -= min(more, 1 + more // 4)
        elif is_sure and not is_padded and not writer.has_failed:
            return text
        elif _count_paths(tree, len(text)) > PATHS:
            is_slow = True
            more -= min(more, 1)
        elif expression.search(text):
            return text
        else:
            more += n % 20 == 0  # a lookahead may need more characters
    if is_slow:
        raise ReplyError(f"the pattern {pattern!r} would take too long to match")
    return None


_PADDING = {1: str.ljust, 3: str.rjust}


def is_found(pattern: str, text: str) -> bool:
    """Return whether the pattern is found in the text.

    Raises:
        ReplyError: if the pattern cannot be read or would take too long to match.
    """
    try:
        tree, expression = _read(pattern)
        paths = _count_paths(tree, len(text))
    except (re.error, OverflowError, RecursionError) as error:
        raise ReplyError(f"the pattern {pattern!r} cannot be read: {error}") from None
    if paths > PATHS:
        raise ReplyError(f"the pattern {pattern!r} would take too long to match")
    return expression.search(text) is not None


@lru_cache(maxsize=256)
def _read(pattern: str) -> tuple[Any, re.Pattern[str]]:
    parser = import_module("re._parser")  # the only parser there is
    pattern = _translate_pattern(pattern)
    return parser.parse(pattern), re.compile(pattern)


def _translate_pattern(pattern: str) -> str:
    """Return the expression in Python's syntax."""
    inside = False

    def translate(match: re.Match[str]) -> str:
        nonlocal inside
        if match["property"] in PROPERTIES:
            characters = PROPERTIES[match["property"]][match["sense"] == "P"]
            return characters if inside else f"[{characters}]"
        if match["ref"]:
            return f"(?P={match['ref']})"
        if match["open"]:
            if inside:
                ends = match[0].endswith("]")
                inside = not ends
                return "\\" + match[0]
            inside = True
        elif match["close"]:
            inside = False
        elif match["group"] and not inside:
            return "(?P<"
        elif match["twice"] and inside:
            return f"{match[0][0]}\\{match[0][1]}"  # Python reserves them for set operations
        return match[0]

    return _DIALECT.sub(translate, pattern)


# Properties of an expression

_ENDLESS = 2**32 - 1  # how Python's parser writes "no bound"
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_WIDE = ("LITERAL", "NOT_LITERAL", "ANY", "IN")  # one character each
_SURE = frozenset({*_WIDE, "MAX_REPEAT", "MIN_REPEAT", "BRANCH", "SUBPATTERN"})


def _list_inner(op: str, value: Any) -> list[Any]:
    """Return the expressions within a node."""
    if op in _REPEATS:
        return [value[2]]
    if op == "BRANCH":
        return list(value[1])
    if op == "SUBPATTERN":
        return [value[-1]]
    if op == "ATOMIC_GROUP":
        return [value]
    if op in ("ASSERT", "ASSERT_NOT"):
        return [value[1]]
    if op == "GROUPREF_EXISTS":
        return [value[1], value[2] or ()]
    return []


def _is_sure(nodes: Any, outermost: bool = True) -> bool:
    """Return whether every text that is written for it matches it."""
    ends = {"AT_BEGINNING": 0, "AT_END": len(nodes) - 1} if outermost else {}
    return all(
        (op.name == "AT" and ends.get(value.name) == at)
        or (op.name in _SURE and all(_is_sure(one, False) for one in _list_inner(op.name, value)))
        for at, (op, value) in enumerate(nodes)
    )


def _measure_sequence(nodes: Any) -> tuple[int, float]:
    """Return the least and the greatest length of the texts of several nodes."""
    spans = [_measure_node(op.name, value) for op, value in nodes]
    return sum(low for low, _ in spans), sum(high for _, high in spans)


def _measure_node(op: str, value: Any) -> tuple[int, float]:
    if op in _WIDE:
        return 1, 1
    if op in ("ASSERT", "ASSERT_NOT"):
        return 0, 0
    spans = [_measure_sequence(one) for one in _list_inner(op, value)]
    if not spans:
        return 0, 0
    least, most = min(low for low, _ in spans), max(high for _, high in spans)
    if op in _REPEATS:
        times = math.inf if value[1] >= _ENDLESS else value[1]
        return least * value[0], most * times if most and times else 0
    return least, most


def _count_paths(nodes: Any, size: int) -> float:
    """Return in how many ways at most a search may go through it, in a text of this size."""
    ways, aside = 1.0, 0.0
    for op, value in nodes:
        within = [_count_paths(one, size) for one in _list_inner(op.name, value)]
        if op.name in ("ASSERT", "ASSERT_NOT"):
            aside += sum(within)
        elif op.name in _REPEATS:
            most = min(int(value[1]), size)
            # Each repetition multiplies the ways through the part.
            log = math.log(max(1.0, within[0])) * most
            if log > 50:
                return math.inf
            ways *= math.exp(log) * (most - min(value[0], most) + 1)
        elif within:
            ways *= sum(within)
    return ways * max(1.0, aside)


def _is_valid_text(text: str) -> bool:
    """Return whether a text has no lone surrogates."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


class _Writer:
    """Writes one text, node by node. Anchors and lookarounds write nothing."""

    def __init__(self, rng: Random, more: int, budget: Budget) -> None:
        # more: how many more times than it must a part is repeated at most
        self._rng = rng
        self._more = more
        self._budget = budget
        self._groups: dict[int, str] = {}
        self.has_failed = False  # whether some class contains no character

    def write(self, nodes: Any) -> str:
        self._budget.spend(1 + len(nodes))
        return "".join(self._write_node(op.name, value) for op, value in nodes)

    def write_fitting(self, nodes: Any, length: int) -> str:
        """Return a text, of this length if one is easily found."""
        self._budget.spend(1 + len(nodes))
        spans = [_measure_node(op.name, value) for op, value in nodes]
        lengths = self._share_length(spans, length)
        return "".join(
            self._fit_node(op.name, value, size)
            for (op, value), size in zip(nodes, lengths, strict=True)
        )

    def _share_length(self, spans: Sequence[tuple[int, float]], length: int) -> list[int]:
        """Share the length among the parts, each within its span."""
        shares = [low for low, _ in spans]
        spare = max(0, length - sum(shares))
        room = sum(high - low for low, high in spans if high < math.inf)
        endless = sum(high == math.inf for _, high in spans)
        order = list(range(len(spans)))
        self._rng.shuffle(order)
        for at in order:
            low, high = spans[at]
            endless -= high == math.inf
            room -= high - low if high < math.inf else 0
            least = 0 if endless else max(0, spare - room)
            most = min(spare, high - low)
            extra = self._rng.randint(int(min(least, most)), int(most))
            shares[at] += extra
            spare -= extra
        return shares

    def _fit_node(self, op: str, value: Any, length: int) -> str:
        if op in _REPEATS:
            return self._fit_repeat(value, length)
        if op == "BRANCH":
            spans = [_measure_sequence(option) for option in value[1]]
            fitting = [
                option
                for option, (low, high) in zip(value[1], spans, strict=True)
                if low <= length <= high
            ]
            return self.write_fitting(self._rng.choice(fitting or value[1]), length)
        if op == "SUBPATTERN":
            text = self.write_fitting(value[-1], length)
            if value[0] is not None:
                self._groups[value[0]] = text
            return text
        return self._write_node(op, value)

    def _fit_repeat(self, value: Any, length: int) -> str:
        low, high, nodes = value
        span = least, most = _measure_sequence(nodes)
        fewest = max(low, math.ceil(length / most) if most else 0)
        times = min(int(high), length // least if least else max(low, length))
        times = self._rng.randint(min(fewest, times), times)
        self._budget.spend(times)
        if span == (1, 1):
            return "".join(self.write(nodes) for _ in range(times))
        return "".join(
            self.write_fitting(nodes, size) for size in self._share_length([span] * times, length)
        )

    def _write_node(self, op: str, value: Any) -> str:
        write = getattr(self, f"_{op.lower()}", None)
        return "" if write is None else write(value)

    def _literal(self, code: int) -> str:
        return chr(code)

    def _not_literal(self, code: int) -> str:
        return self._rng.choice([char for char in PRINTABLE if char != chr(code)])

    def _any(self, _: None) -> str:
        return self._rng.choice(PRINTABLE)

    def _in(self, items: Any) -> str:
        if items[0][0].name == "NEGATE":
            characters = [s for s in PRINTABLE if not any(_contains(i, s) for i in items[1:])]
            self.has_failed |= not characters
            return self._rng.choice(characters or ["\u00e9"])
        op, value = self._rng.choice(items)
        if op.name == "RANGE":
            return chr(self._rng.randint(*value))
        if op.name == "CATEGORY":
            return self._rng.choice(CATEGORIES[value.name])
        return chr(value)

    def _branch(self, value: Any) -> str:
        return self.write(self._rng.choice(value[1]))

    def _subpattern(self, value: Any) -> str:
        number, *_, nodes = value
        text = self.write(nodes)
        if number is not None:
            self._groups[number] = text
        return text

    def _atomic_group(self, nodes: Any) -> str:
        return self.write(nodes)

    def _groupref(self, number: int) -> str:
        return self._groups.get(number, "")

    def _groupref_exists(self, value: Any) -> str:
        number, yes, no = value
        return self.write(yes if number in self._groups else no or ())

    def _max_repeat(self, value: Any) -> str:
        low, high, nodes = value
        times = self._rng.randint(low, min(int(high), low + self._more))
        self._budget.spend(times)
        return "".join(self.write(nodes) for _ in range(times))

    _min_repeat = _possessive_repeat = _max_repeat


def _contains(item: Any, char: str) -> bool:
    """Return whether an item of a character class contains a character."""
    op, value = item
    if op.name == "RANGE":
        return bool(value[0] <= ord(char) <= value[1])
    if op.name == "CATEGORY":
        name = value.name.replace("NOT_", "")
        matches = bool(_CATEGORY[name].match(char))
        return matches != ("NOT_" in value.name)
    return bool(ord(char) == value)


_CATEGORY = {
    "CATEGORY_DIGIT": re.compile(r"\d"),
    "CATEGORY_SPACE": re.compile(r"\s"),
    "CATEGORY_WORD": re.compile(r"\w"),
}
