"""Texts that a regular expression matches.

Rules of this file: a function of its arguments; what is given has been matched. The expression is
read by Python's own parser, which differs little from JavaScript's, whose syntax JSON Schema has.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Any

__all__ = ["matching"]

TRIES = 400
PRINTABLE = [chr(code) for code in range(32, 127)]
CATEGORIES: dict[str, Sequence[str]] = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": string.ascii_letters + string.digits,
    "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
    "CATEGORY_NOT_WORD": " -.,:;!?/",
}

# JavaScript's spelling, and Python's.
_SPELLINGS = (
    (re.compile(r"\(\?<(?=[A-Za-z_])"), r"(?P<"),
    (re.compile(r"\\k<(\w+)>"), r"(?P=\1)"),
    (re.compile(r"\\p\{(?:L|Letter|Alphabetic)\}"), "[A-Za-z]"),
    (re.compile(r"\\p\{(?:Lu|Uppercase)\}"), "[A-Z]"),
    (re.compile(r"\\p\{(?:Ll|Lowercase)\}"), "[a-z]"),
    (re.compile(r"\\p\{(?:N|Nd)\}"), "[0-9]"),
)


def matching(
    pattern: str, rng: Random, shortest: int = 0, longest: float = float("inf")
) -> str | None:
    r"""A text in which the pattern is found; None where none was found.

    Args:
        pattern: the regular expression, in Python's syntax or the usual of JavaScript's.
        rng: where chance comes from.
        shortest, longest: bounds of its length, in characters.

    >>> matching(r"^[A-Z]{2}-\d{3}$", Random(1))
    'IP-610'
    """
    try:
        parsed, compiled = _read(pattern)
    except (re.error, OverflowError, RecursionError):
        return None
    more = 5
    for n in range(TRIES):
        # What chance has not met is closed in on, one repetition at a time.
        closing_in = n >= TRIES // 2
        step = 1 if closing_in else 1 + more // 4
        text = _Writer(rng, more, closing_in).text(parsed)
        if len(text) < shortest:
            more += step
        elif len(text) > longest:
            more -= min(more, step)
        elif compiled.search(text) and _is_text(text):
            return text
        else:
            more += n % 20 == 0  # what is looked for ahead may need more room
    return None


@lru_cache(maxsize=256)
def _read(pattern: str) -> tuple[Any, re.Pattern[str]]:
    for theirs, ours in _SPELLINGS:
        pattern = theirs.sub(ours, pattern)
    from re import _parser  # type: ignore[attr-defined]  # the one parser there is

    return _parser.parse(pattern), re.compile(pattern)


def _is_text(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


class _Writer:
    """Writes one text, node by node. Anchors and what is looked for ahead write nothing."""

    def __init__(self, rng: Random, more: int, fully: bool = False) -> None:
        # more: how many times oftener than it must be a thing is repeated at most; or fully so.
        self._rng = rng
        self._more = more
        self._fully = fully
        self._groups: dict[int, str] = {}

    def text(self, nodes: Any) -> str:
        return "".join(self._node(op.name, value) for op, value in nodes)

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
        most = min(int(high), low + self._more)
        times = most if self._fully else self._rng.randint(low, most)
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
