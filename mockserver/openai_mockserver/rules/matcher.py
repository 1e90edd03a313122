"""Patterns: what a value is compared with, and how patterns are composed of others.

Rules of this file: pure. A pattern is compared with one or several values, such as the names of all
tools. A simple pattern matches if it matches one of them; `any_of`, `all_of` and `not_` ask their
parts about all values, so that ``not_("search")`` means that no tool is named so.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from openai_mockserver.exceptions import MockServerError

__all__ = [
    "COMPARISONS",
    "NOTHING",
    "AllOf",
    "AnyOf",
    "Comparison",
    "Contains",
    "Matcher",
    "Not",
    "Pattern",
    "all_of",
    "any_of",
    "contains",
    "find_difference",
    "ge",
    "gt",
    "is_composed_of",
    "le",
    "lt",
    "matches",
    "not_",
    "regex",
    "replace_texts",
]


class Matcher:
    """Base class of patterns that are not plain values."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Contains(Matcher):
    """Matches a text that contains ``part``."""

    part: str

    def __repr__(self) -> str:
        return f"contains({self.part!r})"


def contains(part: str) -> Contains:
    """Return a pattern that matches any text that contains ``part``.

    Raises MockServerError if ``part`` is not a string.

    >>> matches(contains("story"), ["Tell me a story"])
    True
    """
    if not isinstance(part, str):
        raise MockServerError(f"contains({part!r}): the part must be a string")
    return Contains(part)


def regex(expression: str) -> re.Pattern[str]:
    """Return a pattern that matches any text in which a regular expression is found.

    It is the compiled pattern; `re.compile` takes flags, too.

    Raises MockServerError if the expression is not valid.

    >>> matches(regex("^Tell"), ["Tell me a story"])
    True
    """
    try:
        return re.compile(expression)
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        raise MockServerError(f"regex({expression!r}): {error}") from None


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
"""The comparisons of numbers, by name."""


@dataclass(frozen=True, slots=True)
class Comparison(Matcher):
    """Matches numbers on one side of a limit; a text that is a number counts as one."""

    name: str
    limit: float

    def __repr__(self) -> str:
        return f"{self.name}({self.limit!r})"

    def accepts(self, value: object) -> bool:
        """Return whether a value is a number on the right side."""
        if isinstance(value, bool):
            return False
        if isinstance(value, str):  # a header, or a parameter of the query
            try:
                value = float(value)
            except ValueError:
                return False
        return isinstance(value, int | float) and COMPARISONS[self.name](value, self.limit)


def _compare(name: str, limit: float) -> Comparison:
    if not isinstance(limit, int | float) or isinstance(limit, bool):
        raise MockServerError(f"{name}({limit!r}): the limit must be a number")
    return Comparison(name, limit)


def gt(limit: float) -> Comparison:
    """Return a pattern that matches numbers greater than a limit.

    >>> matches(gt(1), [1.5])
    True
    """
    return _compare("gt", limit)


def ge(limit: float) -> Comparison:
    """Return a pattern that matches a limit and all greater numbers."""
    return _compare("ge", limit)


def lt(limit: float) -> Comparison:
    """Return a pattern that matches numbers less than a limit."""
    return _compare("lt", limit)


def le(limit: float) -> Comparison:
    """Return a pattern that matches a limit and all lesser numbers."""
    return _compare("le", limit)


@dataclass(frozen=True, slots=True)
class AnyOf(Matcher):
    """Matches if one of its parts does."""

    parts: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"any_of({', '.join(map(repr, self.parts))})"


@dataclass(frozen=True, slots=True)
class AllOf(Matcher):
    """Matches if all its parts do."""

    parts: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"all_of({', '.join(map(repr, self.parts))})"


@dataclass(frozen=True, slots=True)
class Not(Matcher):
    """Matches if its part does not."""

    part: Any

    def __repr__(self) -> str:
        return f"not_({self.part!r})"


Pattern = str | int | re.Pattern[str] | Matcher | Callable[[Any], object]


def any_of(*patterns: object) -> AnyOf:
    """Return a pattern that matches if one of these patterns does.

    Raises MockServerError if there are none.

    >>> matches(any_of("Hi", contains("story")), ["Tell me a story"])
    True
    """
    if not patterns:
        raise MockServerError("any_of() needs at least one pattern")
    return AnyOf(patterns)


def all_of(*patterns: object) -> AllOf:
    """Return a pattern that matches if all these patterns do.

    Raises MockServerError if there are none.

    >>> matches(all_of(contains("story"), not_(contains("sad"))), ["Tell me a sad story"])
    False
    """
    if not patterns:
        raise MockServerError("all_of() needs at least one pattern")
    return AllOf(patterns)


def not_(pattern: object) -> Not:
    """Return a pattern that matches if this pattern does not.

    >>> matches(not_(contains("story")), ["Hi"])
    True
    """
    return Not(pattern)


def matches(pattern: Any, values: Sequence[object]) -> bool:
    """Return whether a pattern matches these values."""
    if isinstance(pattern, AnyOf):
        return any(matches(part, values) for part in pattern.parts)
    if isinstance(pattern, AllOf):
        return all(matches(part, values) for part in pattern.parts)
    if isinstance(pattern, Not):
        return not matches(pattern.part, values)
    return any(_matches_value(pattern, value) for value in values)


def _matches_value(pattern: Any, value: object) -> bool:
    """Return whether a simple pattern matches a value."""
    if isinstance(pattern, re.Pattern):
        return isinstance(value, str) and pattern.search(value) is not None
    if isinstance(pattern, Contains):
        return isinstance(value, str) and pattern.part in value
    if isinstance(pattern, Comparison):
        return pattern.accepts(value)
    if callable(pattern):
        return bool(pattern(value))
    # In JSON, true is not 1.
    return bool(pattern == value) and isinstance(pattern, bool) == isinstance(value, bool)


NOTHING = object()
"""Returned by a comparison that finds no difference."""


def find_difference(pattern: Any, values: Sequence[object]) -> object:
    """Return the part of a pattern that does not match these values; `NOTHING` if it matches."""
    if isinstance(pattern, AllOf):
        differences = (find_difference(part, values) for part in pattern.parts)
        return next((one for one in differences if one is not NOTHING), NOTHING)
    return NOTHING if matches(pattern, values) else pattern


def is_composed_of(is_simple: Callable[[object], bool], pattern: object) -> bool:
    """Return whether a pattern is accepted, or is composed of patterns that are."""
    parts: Iterable[object]
    if isinstance(pattern, AnyOf | AllOf):
        parts = pattern.parts
    elif isinstance(pattern, Not):
        parts = (pattern.part,)
    else:
        return is_simple(pattern)
    return all(is_composed_of(is_simple, part) for part in parts)


def replace_texts(pattern: Any, replace: Callable[[str], Any]) -> Any:
    """Return a pattern in which every literal text is replaced."""
    if isinstance(pattern, AnyOf | AllOf):
        return type(pattern)(tuple(replace_texts(part, replace) for part in pattern.parts))
    if isinstance(pattern, Not):
        return Not(replace_texts(pattern.part, replace))
    return replace(pattern) if isinstance(pattern, str) else pattern
