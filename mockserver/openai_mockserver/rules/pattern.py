"""The conditions of a rule: which value of a request each reads, and how it compares a pattern.

Rules of this file: no I/O. A comparison only says yes or no, and is fast. The sentence about a
mismatch is built when someone reads it, which happens only if no rule matches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from openai_mockserver.dialects import locate
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.request import Request
from openai_mockserver.sensitive import is_secret_header, show_header

__all__ = [
    "CONDITIONS",
    "LITERAL_CONDITIONS",
    "NOTHING",
    "Condition",
    "Contains",
    "Mismatch",
    "Pattern",
    "RequestValues",
    "check_pattern",
    "contains",
    "explain",
    "find_literal",
    "list_literal_keys",
    "show_pattern",
    "strip_version",
]


@dataclass(frozen=True, slots=True)
class Contains:
    """Matches a text that contains ``part``."""

    part: str

    def __repr__(self) -> str:
        return f"contains({self.part!r})"


def contains(part: str) -> Contains:
    """Return a pattern that matches any text that contains ``part``.

    Raises MockServerError if ``part`` is not a string.

    >>> explain("user", contains("story"), "Tell me a story") is None
    True
    """
    if not isinstance(part, str):
        raise MockServerError(f"contains({part!r}): the part must be a string")
    return Contains(part)


Pattern = str | int | re.Pattern[str] | Contains | Callable[[Any], object]


# Comparing


def _matches(pattern: Any, value: object) -> bool:
    if isinstance(pattern, re.Pattern):
        return isinstance(value, str) and pattern.search(value) is not None
    if isinstance(pattern, Contains):
        return isinstance(value, str) and pattern.part in value
    if callable(pattern):
        return bool(pattern(value))
    return bool(pattern == value)


NOTHING = object()
"""Returned by a comparison that finds no difference."""


def _compare_value(pattern: Any, value: Any) -> object:
    return NOTHING if _matches(pattern, value) else pattern


def _compare_list(pattern: Any, values: list[Any]) -> object:
    for item in pattern if isinstance(pattern, list | tuple | set) else [pattern]:
        if not any(_matches(item, value) for value in values):
            return item
    return NOTHING


def _compare_headers(pattern: Mapping[str, Any], headers: Mapping[str, str]) -> object:
    for name, expected in pattern.items():
        if not _matches(expected, headers.get(name)):
            return name, expected
    return NOTHING


def _compare_seconds(pattern: float, value: float) -> object:
    return NOTHING if value >= pattern else pattern


def _compare_endpoint(pattern: Any, path: str) -> object:
    if not isinstance(pattern, str):
        return _compare_value(pattern, path)
    # `chat/completions` is one endpoint under any base path; `completions` is a different one.
    is_match = locate(path).path.endswith(f"/v1/{strip_version(pattern)}")
    return NOTHING if is_match or path.lstrip("/") == pattern.lstrip("/") else pattern


def strip_version(path: str) -> str:
    """Return a path without its leading ``/v1/``, if it has one.

    >>> strip_version("/v1/chat/completions"), strip_version("completions")
    ('chat/completions', 'completions')
    """
    return path.lstrip("/").removeprefix("v1/")


# Sentences


def _describe_value(condition: str, difference: object, value: Any) -> str:
    return f"{condition} is {_show(value)}, not {_show(difference)}"


def _describe_list(condition: str, difference: object, value: Any) -> str:
    return f"{condition} {value!r} does not include {difference!r}"


def _describe_headers(condition: str, difference: Any, value: Any) -> str:
    name, expected = difference
    if is_secret_header(name):
        return f"header {name} is {'…' if name in value else None}, not …"
    actual = value.get(name)
    text = None if actual is None else show_header(name, actual)
    shown_pattern = show_header(name, expected) if isinstance(expected, str) else expected
    return f"header {name} is {text!r}, not {shown_pattern!r}"


def _describe_seconds(condition: str, difference: Any, value: Any) -> str:
    return f"it arrived {value:.3f} s after the first request, not {difference:g} s or more"


def _show(value: object) -> str:
    if isinstance(value, re.Pattern):
        return f"re.compile({value.pattern!r})"
    if isinstance(value, str):
        value = value[:80]  # repr() of many megabytes would block all threads for 20 ms
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def show_pattern(pattern: object) -> str:
    """Return a pattern as text, without the values of secret headers."""
    if isinstance(pattern, Mapping):
        pattern = {
            name: show_header(name, expected)
            if isinstance(expected, str)
            else "…"
            if is_secret_header(name)
            else expected
            for name, expected in pattern.items()
        }
    return _show(pattern)


# What may be matched


def _is_pattern(value: object) -> bool:
    if isinstance(value, re.Pattern):
        return isinstance(value.pattern, str)
    return isinstance(value, str | Contains) or callable(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _are_patterns(value: object) -> bool:
    patterns = value if isinstance(value, list | tuple | set) else [value]
    return bool(patterns) and all(map(_is_pattern, patterns))


def _are_headers(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and _is_pattern(expected) for name, expected in value.items()
    )


# The table


class Condition(NamedTuple):
    """One condition that a rule may set, a keyword of `MockOpenAI.on`.

    Args:
        read: returns the value of a request.
        accepts: returns whether an object is a valid pattern.
        expected: what `accepts` accepts, in words.
        compare: returns the part of a pattern that a value does not match, or `NOTHING`.
        describe: returns a sentence about that, from the condition's name, the part, and the value.
    """

    read: Callable[[Request], Any]
    accepts: Callable[[Any], bool]
    expected: str
    compare: Callable[[Any, Any], object] = _compare_value
    describe: Callable[[str, Any, Any], str] = _describe_value


_TEXT = (_is_pattern, "a string, contains(...), a compiled pattern of text, or a function")
_COUNT = (_is_whole_number, "a whole number")
_TOOLS = (_are_patterns, "the name of a tool, or several names")
_HEADERS = (_are_headers, "a mapping of header names to strings or patterns")
_SECONDS = (_is_number, "a number of seconds")

CONDITIONS: dict[str, Condition] = {
    "user": Condition(lambda request: request.user, *_TEXT),
    "system": Condition(lambda request: request.system, *_TEXT),
    "model": Condition(lambda request: request.model, *_TEXT),
    "tools": Condition(lambda request: request.tools, *_TOOLS, _compare_list, _describe_list),
    "tool_result": Condition(
        lambda request: request.tool_results, *_TEXT, _compare_list, _describe_list
    ),
    "turn": Condition(lambda request: request.turn, *_COUNT),
    "endpoint": Condition(lambda request: request.path, *_TEXT, _compare_endpoint),
    "headers": Condition(
        lambda request: request.headers, *_HEADERS, _compare_headers, _describe_headers
    ),
    "stream": Condition(lambda request: request.stream, _is_boolean, "True or False"),
    "attempt": Condition(lambda request: request.attempt, *_COUNT),
    "nth": Condition(lambda request: request.nth, *_COUNT),
    "after": Condition(
        lambda request: request.elapsed, *_SECONDS, _compare_seconds, _describe_seconds
    ),
}
"""The conditions of a rule, by the keyword of `MockOpenAI.on`."""


class RequestValues(dict[str, Any]):
    """The values of one request by condition; each is computed when it is first needed."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request

    def __missing__(self, condition: str) -> Any:
        value = self[condition] = CONDITIONS[condition].read(self.request)
        return value


class Mismatch(NamedTuple):
    """The part of a pattern that a request does not match; `str` makes a sentence of it."""

    condition: str
    difference: object
    value: object

    def __str__(self) -> str:
        return CONDITIONS[self.condition].describe(*self)


def explain(condition: str, pattern: Any, value: Any) -> str | None:
    """Return why a value does not match a pattern; None if it does."""
    difference = CONDITIONS[condition].compare(pattern, value)
    return None if difference is NOTHING else str(Mismatch(condition, difference, value))


def check_pattern(condition: str, pattern: Any) -> None:
    """Raise MockServerError for an unknown condition, or a pattern that could never match."""
    if condition not in CONDITIONS:
        raise MockServerError(
            f"unknown condition {condition!r}: a rule can match {', '.join(CONDITIONS)}"
        )
    if not CONDITIONS[condition].accepts(pattern):
        raise MockServerError(
            f"on({condition}={pattern!r}): {condition} must be {CONDITIONS[condition].expected}"
        )


# Literal texts, whose rules are looked up by a key instead of being compared


def _single_key(value: object) -> Iterable[object]:
    return (value,)


def _unique_keys(values: list[object]) -> Iterable[object]:
    return dict.fromkeys(values)


def _list_endpoint_names(path: str) -> Iterable[object]:
    """Return every text that `_compare_endpoint` accepts for a path, and possibly others."""
    parts = locate(path).path.split("/v1/")
    names = {"/v1/".join(parts[index:]) for index in range(1, len(parts))}
    return names | {strip_version(path)}


# The most selective condition first.
_LITERAL_KEYS: dict[str, tuple[Callable[[str], str], Callable[[Any], Iterable[object]]]] = {
    "user": (str, _single_key),
    "tool_result": (str, _unique_keys),
    "tools": (str, _unique_keys),
    "system": (str, _single_key),
    "model": (str, _single_key),
    "endpoint": (strip_version, _list_endpoint_names),
}


def list_literal_keys(condition: str, value: Any) -> Iterable[object]:
    """Return the keys of all literal patterns that a request's value can match."""
    return _LITERAL_KEYS[condition][1](value)


def find_literal(patterns: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the condition and the key of the most selective literal text among patterns.

    None if no pattern is a literal text.

    >>> find_literal({"model": "gpt-4o", "user": contains("Hi")})
    ('model', 'gpt-4o')
    """
    for condition, (key, _) in _LITERAL_KEYS.items():
        pattern = patterns.get(condition)
        if condition == "tools" and isinstance(pattern, list | tuple | set):
            pattern = next((item for item in pattern if type(item) is str), None)
        if type(pattern) is str:  # a subclass may redefine equality
            return condition, key(pattern)
    return None


LITERAL_CONDITIONS = tuple(_LITERAL_KEYS)
"""The conditions whose literal patterns are looked up by a key."""
