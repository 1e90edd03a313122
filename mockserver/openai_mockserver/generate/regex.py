"""Texts that a regular expression matches.

Rules of this file: a function of its arguments; what is given matches as it was written or has been
matched; nothing here takes longer than its budget. The expression is read by Python's own parser,
which differs little from JavaScript's, whose syntax JSON Schema has.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from openai_mockserver.exceptions import ReplyError

__all__ = ["Budget", "generate_matching", "is_found"]

TRIES = 400
PATHS = 100_000  # ways through an expression that a search may have to try
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
"""JavaScript's properties of signs: those who have it, and those who do not, of ASCII's."""

# What JavaScript spells otherwise than Python, and what tells where a class begins and ends.
_SPELLED = re.compile(
    r"\\(?P<sense>[pP])\{(?P<property>\w+)\}|\\k<(?P<ref>\w+)>|\\."
    r"|(?P<group>\(\?<(?=[A-Za-z_]))|(?P<open>\[\^?\]?)|(?P<close>\])|(?P<twice>--|&&|\|\||~~)",
    re.DOTALL,
)


@dataclass(slots=True)
class Budget:
    """What one reply may still take: about a character, or a step of the writing, each."""

    left: int = 1_000_000

    def spend(self, amount: float) -> None:
        """Take so much of it. Raises ReplyError where there is not so much left."""
        if amount > self.left:
            raise ReplyError("what is asked for is too large to be made up")
        self.left -= int(amount)


def generate_matching(
    pattern: str,
    rng: Random,
    shortest: int = 0,
    longest: float = math.inf,
    budget: Budget | None = None,
) -> str | None:
    r"""A text in which the pattern is found; None where none was found.

    Args:
        pattern: the regular expression, in Python's syntax or the usual of JavaScript's.
        rng: where chance comes from.
        shortest, longest: bounds of its length, in characters.
        budget: what it may take.

    Raises:
        ReplyError: where it takes more than that, or a search for the pattern would.

    >>> generate_matching(r"^[A-Z]{2}-\d{3}$", Random(1))
    'IP-610'
    """
    budget = budget or Budget()
    try:
        return _tried(pattern, rng, shortest, longest, budget)
    except (re.error, OverflowError, RecursionError):
        return None


def _tried(pattern: str, rng: Random, shortest: int, longest: float, budget: Budget) -> str | None:
    parsed, compiled = _read(pattern)
    low = max(shortest, _span_of(parsed)[0])
    budget.spend(low)
    sure, slow = _is_sure(parsed), False
    bounded = shortest > 0 or longest < math.inf
    more = 5
    for n in range(TRIES):
        writer = _Writer(rng, more, budget)
        if bounded and n % 2:
            text = writer.fitted(parsed, rng.randint(low, max(low, int(min(longest, low + more)))))
        else:
            text = writer.text(parsed)
        padded = bounded and n % 4 in _PADDED and len(text) < shortest
        if padded:  # which is found all the same where nothing anchors it
            text = _PADDED[n % 4](text, shortest, "a")
        if not _is_text(text):
            continue
        if len(text) < shortest:
            more += 1 + more // 4
        elif len(text) > longest:
            more -= min(more, 1 + more // 4)
        elif sure and not padded and not writer.failed:
            return text
        elif _paths(parsed, len(text)) > PATHS:
            slow = True
            more -= min(more, 1)
        elif compiled.search(text):
            return text
        else:
            more += n % 20 == 0  # what is looked for ahead may need more room
    if slow:
        raise ReplyError(f"the pattern {pattern!r} would take too long to match")
    return None


_PADDED = {1: str.ljust, 3: str.rjust}


def is_found(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text.

    Raises:
        ReplyError: for what is no pattern, or would take too long.
    """
    try:
        parsed, compiled = _read(pattern)
        paths = _paths(parsed, len(text))
    except (re.error, OverflowError, RecursionError) as error:
        raise ReplyError(f"the pattern {pattern!r} cannot be read: {error}") from None
    if paths > PATHS:
        raise ReplyError(f"the pattern {pattern!r} would take too long to match")
    return compiled.search(text) is not None


@lru_cache(maxsize=256)
def _read(pattern: str) -> tuple[Any, re.Pattern[str]]:
    from re import _parser  # type: ignore[attr-defined]  # the one parser there is

    pattern = _in_python(pattern)
    return _parser.parse(pattern), re.compile(pattern)


def _in_python(pattern: str) -> str:
    """The expression as Python spells it."""
    inside = False

    def spelled(match: re.Match[str]) -> str:
        nonlocal inside
        if match["property"] in PROPERTIES:
            signs = PROPERTIES[match["property"]][match["sense"] == "P"]
            return signs if inside else f"[{signs}]"
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
            return f"{match[0][0]}\\{match[0][1]}"  # which Python means to use one day
        return match[0]

    return _SPELLED.sub(spelled, pattern)


# What is known of an expression

_ENDLESS = 2**32 - 1  # how Python's parser writes no bound
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_WIDE = ("LITERAL", "NOT_LITERAL", "ANY", "IN")  # one character each
_SURE = frozenset({*_WIDE, "MAX_REPEAT", "MIN_REPEAT", "BRANCH", "SUBPATTERN"})


def _inner(op: str, value: Any) -> list[Any]:
    """The expressions within a node."""
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
    """Whether what is written for it matches it, whatever chance says."""
    ends = {"AT_BEGINNING": 0, "AT_END": len(nodes) - 1} if outermost else {}
    return all(
        (op.name == "AT" and ends.get(value.name) == at)
        or (op.name in _SURE and all(_is_sure(one, False) for one in _inner(op.name, value)))
        for at, (op, value) in enumerate(nodes)
    )


def _span_of(nodes: Any) -> tuple[int, float]:
    """The least and the greatest length of its texts."""
    spans = [_span(op.name, value) for op, value in nodes]
    return sum(low for low, _ in spans), sum(high for _, high in spans)


def _span(op: str, value: Any) -> tuple[int, float]:
    if op in _WIDE:
        return 1, 1
    if op in ("ASSERT", "ASSERT_NOT"):
        return 0, 0
    spans = [_span_of(one) for one in _inner(op, value)]
    if not spans:
        return 0, 0
    least, most = min(low for low, _ in spans), max(high for _, high in spans)
    if op in _REPEATS:
        times = math.inf if value[1] >= _ENDLESS else value[1]
        return least * value[0], most * times if most and times else 0
    return least, most


def _paths(nodes: Any, size: int) -> float:
    """In how many ways a search goes through it at most, in a text of this size."""
    ways, aside = 1.0, 0.0
    for op, value in nodes:
        within = [_paths(one, size) for one in _inner(op.name, value)]
        if op.name in ("ASSERT", "ASSERT_NOT"):
            aside += sum(within)
        elif op.name in _REPEATS:
            most = min(int(value[1]), size)
            # A thing that is repeated in several ways multiplies them.
            log = math.log(max(1.0, within[0])) * most
            if log > 50:
                return math.inf
            ways *= math.exp(log) * (most - min(value[0], most) + 1)
        elif within:
            ways *= sum(within)
    return ways * max(1.0, aside)


def _is_text(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


class _Writer:
    """Writes one text, node by node. Anchors and what is looked for ahead write nothing."""

    def __init__(self, rng: Random, more: int, budget: Budget) -> None:
        # more: how many times oftener than it must be a thing is repeated at most.
        self._rng = rng
        self._more = more
        self._budget = budget
        self._groups: dict[int, str] = {}
        self.failed = False  # whether some class has no sign

    def text(self, nodes: Any) -> str:
        self._budget.spend(1 + len(nodes))
        return "".join(self._node(op.name, value) for op, value in nodes)

    def fitted(self, nodes: Any, length: int) -> str:
        """A text of this length, where there is one of the nodes that is easily found."""
        self._budget.spend(1 + len(nodes))
        spans = [_span(op.name, value) for op, value in nodes]
        lengths = self._shares(spans, length)
        return "".join(
            self._fitted(op.name, value, size)
            for (op, value), size in zip(nodes, lengths, strict=True)
        )

    def _shares(self, spans: Sequence[tuple[int, float]], length: int) -> list[int]:
        """The length, shared out."""
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

    def _fitted(self, op: str, value: Any, length: int) -> str:
        if op in _REPEATS:
            return self._repeated(value, length)
        if op == "BRANCH":
            spans = [_span_of(one) for one in value[1]]
            fit = [
                one
                for one, (low, high) in zip(value[1], spans, strict=True)
                if low <= length <= high
            ]
            return self.fitted(self._rng.choice(fit or value[1]), length)
        if op == "SUBPATTERN":
            text = self.fitted(value[-1], length)
            if value[0] is not None:
                self._groups[value[0]] = text
            return text
        return self._node(op, value)

    def _repeated(self, value: Any, length: int) -> str:
        low, high, nodes = value
        span = least, most = _span_of(nodes)
        fewest = max(low, math.ceil(length / most) if most else 0)
        times = min(int(high), length // least if least else max(low, length))
        times = self._rng.randint(min(fewest, times), times)
        self._budget.spend(times)
        if span == (1, 1):
            return "".join(self.text(nodes) for _ in range(times))
        return "".join(self.fitted(nodes, size) for size in self._shares([span] * times, length))

    def _node(self, op: str, value: Any) -> str:
        write = getattr(self, f"_{op.lower()}", None)
        return "" if write is None else write(value)

    def _literal(self, code: int) -> str:
        return chr(code)

    def _not_literal(self, code: int) -> str:
        return self._rng.choice([sign for sign in PRINTABLE if sign != chr(code)])

    def _any(self, _: None) -> str:
        return self._rng.choice(PRINTABLE)

    def _in(self, items: Any) -> str:
        if items[0][0].name == "NEGATE":
            allowed = [s for s in PRINTABLE if not any(_holds(i, s) for i in items[1:])]
            self.failed |= not allowed
            return self._rng.choice(allowed or ["\u00e9"])
        op, value = self._rng.choice(items)
        if op.name == "RANGE":
            return chr(self._rng.randint(*value))
        if op.name == "CATEGORY":
            return self._rng.choice(CATEGORIES[value.name])
        return chr(value)

    def _branch(self, value: Any) -> str:
        return self.text(self._rng.choice(value[1]))

    def _subpattern(self, value: Any) -> str:
        number, *_, nodes = value
        text = self.text(nodes)
        if number is not None:
            self._groups[number] = text
        return text

    def _atomic_group(self, nodes: Any) -> str:
        return self.text(nodes)

    def _groupref(self, number: int) -> str:
        return self._groups.get(number, "")

    def _groupref_exists(self, value: Any) -> str:
        number, yes, no = value
        return self.text(yes if number in self._groups else no or ())

    def _max_repeat(self, value: Any) -> str:
        low, high, nodes = value
        times = self._rng.randint(low, min(int(high), low + self._more))
        self._budget.spend(times)
        return "".join(self.text(nodes) for _ in range(times))

    _min_repeat = _possessive_repeat = _max_repeat


def _holds(item: Any, sign: str) -> bool:
    op, value = item
    if op.name == "RANGE":
        return bool(value[0] <= ord(sign) <= value[1])
    if op.name == "CATEGORY":
        name = value.name.replace("NOT_", "")
        found = bool(_CATEGORY[name].match(sign))
        return found != ("NOT_" in value.name)
    return bool(ord(sign) == value)


_CATEGORY = {
    "CATEGORY_DIGIT": re.compile(r"\d"),
    "CATEGORY_SPACE": re.compile(r"\s"),
    "CATEGORY_WORD": re.compile(r"\w"),
}
