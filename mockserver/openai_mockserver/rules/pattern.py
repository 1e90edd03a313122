"""The conditions of a rule: which value of a request each reads, and how it compares a pattern.

Rules of this file: no I/O. A comparison only says yes or no, and is fast. The sentence about a
mismatch is built when someone reads it, which happens only if no rule matches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from openai_mockserver.dialects import locate
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.json_path import find_members, parse_path
from openai_mockserver.request import Request
from openai_mockserver.rules.matcher import (
    NOTHING,
    Comparison,
    Contains,
    Not,
    find_difference,
    is_composed_of,
    matches,
    replace_texts,
)
from openai_mockserver.seed import draw_lot
from openai_mockserver.sensitive import (
    is_secret_header,
    is_secret_member,
    is_secret_parameter,
    show_header,
)

__all__ = [
    "CONDITIONS",
    "LITERAL_CONDITIONS",
    "Condition",
    "Mismatch",
    "RequestValues",
    "check_pattern",
    "explain",
    "find_literal",
    "list_literal_keys",
    "show_pattern",
    "strip_version",
]


# Comparing


def _compare_value(pattern: Any, value: Any) -> object:
    return find_difference(pattern, (value,))


def _compare_list(pattern: Any, values: list[Any]) -> object:
    for item in pattern if isinstance(pattern, list | tuple | set) else (pattern,):
        difference = find_difference(item, values)
        if difference is not NOTHING:
            return difference
    return NOTHING


def _compare_headers(pattern: Mapping[str, Any], headers: Mapping[str, str]) -> object:
    for name, expected in pattern.items():
        difference = find_difference(expected, (headers.get(name),))
        if difference is not NOTHING:
            return name, difference
    return NOTHING


def _compare_query(pattern: Mapping[str, Any], query: Mapping[str, list[str]]) -> object:
    for name, expected in pattern.items():
        difference = find_difference(expected, query.get(name, ()))
        if difference is not NOTHING:
            return name, difference
    return NOTHING


_parse_path = lru_cache(maxsize=1024)(parse_path)


def _compare_json(pattern: Mapping[str, Any], body: Mapping[str, Any]) -> object:
    for path, expected in pattern.items():
        difference = find_difference(expected, tuple(find_members(body, _parse_path(path))))
        if difference is not NOTHING:
            return path, difference
    return NOTHING


def _compare_seconds(pattern: float, value: float) -> object:
    return NOTHING if value >= pattern else pattern


def _compare_endpoint(pattern: Any, path: str) -> object:
    def is_endpoint(name: str) -> Callable[[str], bool]:
        # `chat/completions` is one endpoint under any base path; `completions` is another.
        return lambda path: (
            locate(path).path.endswith(f"/v1/{strip_version(name)}")
            or path.lstrip("/") == name.lstrip("/")
        )

    resolved = replace_texts(pattern, is_endpoint)
    return NOTHING if matches(resolved, (path,)) else pattern


def strip_version(path: str) -> str:
    """Return a path without its leading ``/v1/``, if it has one.

    >>> strip_version("/v1/chat/completions"), strip_version("completions")
    ('chat/completions', 'completions')
    """
    return path.lstrip("/").removeprefix("v1/")


# Sentences


def _describe_value(condition: str, difference: object, value: Any) -> str:
    if isinstance(difference, Not):
        return f"{condition} is {_show(value)}, which {_show(difference)} excludes"
    return f"{condition} is {_show(value)}, not {_show(difference)}"


def _describe_values(condition: str, difference: object, values: Sequence[Any]) -> str:
    """Describe a difference from several values, which are usually one."""
    if len(values) == 1:
        return _describe_value(condition, difference, values[0])
    texts = ", ".join(map(_show, values))
    verb = "which" if isinstance(difference, Not) else "none of which"
    end = "excludes" if isinstance(difference, Not) else "matches"
    return f"{condition} has {texts}, {verb} {_show(difference)} {end}"


def _describe_list(condition: str, difference: object, value: Any) -> str:
    if isinstance(difference, Not):
        return f"{condition} {value!r} has what {difference!r} excludes"
    return f"{condition} {value!r} does not include {difference!r}"


def _describe_query(condition: str, difference: Any, query: Mapping[str, list[str]]) -> str:
    name, expected = difference
    if name not in query:
        return f"query has no {name}, which must be {_show(expected)}"
    if is_secret_parameter(name):
        return f"query {name} is …, not …"
    return _describe_values(f"query {name}", expected, query[name])


def _describe_json(condition: str, difference: Any, body: Mapping[str, Any]) -> str:
    path, expected = difference
    values = list(find_members(body, _parse_path(path)))
    if _is_secret_path(path):
        return f"json {path} is {'…' if values else None}, not …"
    if not values:
        return f"json has no {path}, which must be {_show(expected)}"
    return _describe_values(f"json {path}", expected, values)


def _is_secret_path(path: str) -> bool:
    """Whether a path leads to, or through, a member whose text is secret."""
    return any(map(is_secret_member, re.findall(r"[\w-]+", path)))


def _describe_headers(condition: str, difference: Any, value: Any) -> str:
    name, expected = difference
    if is_secret_header(name):
        return f"header {name} is {'…' if name in value else None}, not …"
    actual = value.get(name)
    text = None if actual is None else show_header(name, actual)
    if isinstance(expected, Not):
        return f"header {name} is {text!r}, which {expected!r} excludes"
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
    """Return a pattern as text, without the values of secret headers and members."""
    if isinstance(pattern, Mapping):
        pattern = {
            name: show_header(name, expected)
            if isinstance(expected, str) and not _is_secret_path(name)
            else "…"
            if is_secret_header(name) or _is_secret_path(name)
            else expected
            for name, expected in pattern.items()
        }
    return _show(pattern)


# What may be matched


def _is_simple_pattern(value: object) -> bool:
    if isinstance(value, re.Pattern):
        return isinstance(value.pattern, str)
    return isinstance(value, str | Contains | Comparison) or callable(value)


def _is_pattern(value: object) -> bool:
    return is_composed_of(_is_simple_pattern, value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole or isinstance(value, Comparison)


def _are_counts(value: object) -> bool:
    return is_composed_of(_is_count, value)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _are_patterns(value: object) -> bool:
    patterns = value if isinstance(value, list | tuple | set) else [value]
    return bool(patterns) and all(map(_is_pattern, patterns))


def _are_paths(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    for path in value:
        parse_path(path)  # whose error says where the mistake is
    return True


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


_TEXT = (_is_pattern, "a string, a pattern such as contains(...), or a function")
_COUNT = (_are_counts, "a whole number, or a pattern such as gt(1)")
_TOOLS = (_are_patterns, "the name of a tool, or several names")
_HEADERS = (_are_headers, "a mapping of header names to strings or patterns")
_QUERY = (_are_headers, "a mapping of parameters of the query to strings or patterns")
_JSON = (_are_paths, "a mapping of paths in the JSON body to values or patterns")
_SECONDS = (_is_number, "a number of seconds")

CONDITIONS: dict[str, Condition] = {
    "user": Condition(lambda request: request.user, *_TEXT),
    # A function of the text is called with None if there is no such message.
    "system": Condition(
        lambda request: request.system_texts or [None], *_TEXT, _compare_list, _describe_values
    ),
    "model": Condition(lambda request: request.model, *_TEXT),
    "tools": Condition(lambda request: request.tools, *_TOOLS, _compare_list, _describe_list),
    "tool_result": Condition(
        lambda request: request.tool_results, *_TEXT, _compare_list, _describe_list
    ),
    "tool_content": Condition(
        lambda request: request.tool_contents, *_TEXT, _compare_list, _describe_list
    ),
    "turn": Condition(lambda request: request.turn, *_COUNT),
    "endpoint": Condition(lambda request: request.path, *_TEXT, _compare_endpoint),
    "headers": Condition(
        lambda request: request.headers, *_HEADERS, _compare_headers, _describe_headers
    ),
    "query": Condition(
        lambda request: request.query_values, *_QUERY, _compare_query, _describe_query
    ),
    "json": Condition(lambda request: request.json, *_JSON, _compare_json, _describe_json),
    "stream": Condition(lambda request: request.stream, _is_boolean, "True or False"),
    "attempt": Condition(lambda request: request.attempt, *_COUNT),
    "nth": Condition(lambda request: request.nth, *_COUNT),
    "after": Condition(
        lambda request: request.elapsed, *_SECONDS, _compare_seconds, _describe_seconds
    ),
}
"""The conditions of a rule, by the keyword of `MockOpenAI.on`."""


class RequestValues(dict[str, Any]):
    """The values of one request by condition; each is computed when it is first needed.

    Args:
        request: the request.
        draw: returns a number from 0 to 1 for a rule by its number, to compare with its chance.
    """

    def __init__(
        self, request: Request, draw: Callable[[int], float] = lambda number: draw_lot(None)
    ) -> None:
        super().__init__()
        self.request = request
        self.draw = draw

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
    place = locate(path).path
    ends = [match.start() + len("/v1/") for match in re.finditer("(?=/v1/)", place)]
    return {place[end:] for end in ends} | {strip_version(path)}


# The most selective condition first.
_LITERAL_KEYS: dict[str, tuple[Callable[[str], str], Callable[[Any], Iterable[object]]]] = {
    "user": (str, _single_key),
    "tool_result": (str, _unique_keys),
    "tools": (str, _unique_keys),
    "system": (str, _unique_keys),
    "model": (str, _single_key),
    "endpoint": (strip_version, _list_endpoint_names),
}


def list_literal_keys(condition: str, value: Any) -> Iterable[object]:
    """Return the keys of all literal patterns that a request's value can match."""
    return _LITERAL_KEYS[condition][1](value)


def find_literal(patterns: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the condition and the key of the most selective literal text among patterns.

    None if no pattern is a literal text.

    >>> find_literal({"model": "gpt-4o", "user": Contains("Hi")})
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
