"""What a rule may look at, and how a pattern is compared with it.

Rules of this file: no I/O. Comparing says yes or no and costs no more than that; the sentence about
a mismatch is made when somebody reads it, which is when no rule matched.
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
    "LITERAL_LOOKS",
    "LOOKS",
    "NOTHING",
    "Contains",
    "Look",
    "Mismatch",
    "Pattern",
    "RequestValues",
    "check_pattern",
    "contains",
    "explain",
    "find_literal",
    "literal_keys",
    "name_endpoint",
    "show_pattern",
]


@dataclass(frozen=True, slots=True)
class Contains:
    """Matches a text that has this in it."""

    part: str

    def __repr__(self) -> str:
        return f"contains({self.part!r})"


def contains(part: str) -> Contains:
    """A pattern that matches a text with this part in it.

    Raises MockServerError where the part is no text.

    >>> explain("user", contains("story"), "Tell me a story") is None
    True
    """
    if not isinstance(part, str):
        raise MockServerError(f"contains({part!r}): a part of a text is a text")
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
"""What is given when no part of a pattern is unmatched."""


def _compare_value(pattern: Any, value: Any) -> object:
    return NOTHING if _matches(pattern, value) else pattern


def _compare_list(pattern: Any, values: list[Any]) -> object:
    for one in pattern if isinstance(pattern, list | tuple | set) else [pattern]:
        if not any(_matches(one, value) for value in values):
            return one
    return NOTHING


def _compare_headers(pattern: Mapping[str, Any], headers: Mapping[str, str]) -> object:
    for name, wanted in pattern.items():
        if not _matches(wanted, headers.get(name)):
            return name, wanted
    return NOTHING


def _compare_seconds(pattern: float, value: float) -> object:
    return NOTHING if value >= pattern else pattern


def _compare_endpoint(pattern: Any, path: str) -> object:
    if not isinstance(pattern, str):
        return _compare_value(pattern, path)
    # `chat/completions` names the endpoint whatever the base path is, `completions` another.
    is_there = locate(path).path.endswith(f"/v1/{name_endpoint(pattern)}")
    return NOTHING if is_there or path.lstrip("/") == pattern.lstrip("/") else pattern


def name_endpoint(path: str) -> str:
    """What comes after the ``/v1/`` that a path begins with.

    >>> name_endpoint("/v1/chat/completions"), name_endpoint("completions")
    ('chat/completions', 'completions')
    """
    return path.lstrip("/").removeprefix("v1/")


# Sentences


def _describe_value(look: str, unmatched: object, value: Any) -> str:
    return f"{look} is {_show(value)}, not {_show(unmatched)}"


def _describe_list(look: str, unmatched: object, value: Any) -> str:
    return f"{look} {value!r} has no {unmatched!r}"


def _describe_headers(look: str, unmatched: Any, value: Any) -> str:
    name, wanted = unmatched
    if is_secret_header(name):
        return f"header {name} is {'…' if name in value else None}, not …"
    had = value.get(name)
    shown = None if had is None else show_header(name, had)
    shown_pattern = show_header(name, wanted) if isinstance(wanted, str) else wanted
    return f"header {name} is {shown!r}, not {shown_pattern!r}"


def _describe_seconds(look: str, unmatched: Any, value: Any) -> str:
    return f"it came {value:.3f} s after the first request, not {unmatched:g} s or more"


def _show(value: object) -> str:
    if isinstance(value, re.Pattern):
        return f"re.compile({value.pattern!r})"
    if isinstance(value, str):
        value = value[:80]  # of many megabytes, repr() takes 20 ms in which no other thread runs
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"


def show_pattern(pattern: object) -> str:
    """A pattern as a rule's own text shows it, without the values of secret headers."""
    if isinstance(pattern, Mapping):
        pattern = {
            name: show_header(name, wanted)
            if isinstance(wanted, str)
            else "…"
            if is_secret_header(name)
            else wanted
            for name, wanted in pattern.items()
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
    several = value if isinstance(value, list | tuple | set) else [value]
    return bool(several) and all(map(_is_pattern, several))


def _are_headers(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and _is_pattern(wanted) for name, wanted in value.items()
    )


# The table


class Look(NamedTuple):
    """One thing of a request that a rule may look at.

    Args:
        read: the request's value.
        accepts: whether something is a pattern for it.
        wanted: what `accepts` accepts, in words.
        compare: what of a pattern a value does not match, or `NOTHING`.
        describe: that in words, by the look's name, what is unmatched, and the value.
    """

    read: Callable[[Request], Any]
    accepts: Callable[[Any], bool]
    wanted: str
    compare: Callable[[Any, Any], object] = _compare_value
    describe: Callable[[str, Any, Any], str] = _describe_value


_TEXT = (_is_pattern, "a text, contains(...), a compiled pattern of text, or a function")
_COUNT = (_is_whole_number, "a whole number")
_TOOLS = (_are_patterns, "the name of a tool, or several")
_HEADERS = (_are_headers, "a mapping of header names to texts or patterns")
_SECONDS = (_is_number, "a number of seconds")

LOOKS: dict[str, Look] = {
    "user": Look(lambda request: request.user, *_TEXT),
    "system": Look(lambda request: request.system, *_TEXT),
    "model": Look(lambda request: request.model, *_TEXT),
    "tools": Look(lambda request: request.tools, *_TOOLS, _compare_list, _describe_list),
    "tool_result": Look(
        lambda request: request.tool_results, *_TEXT, _compare_list, _describe_list
    ),
    "turn": Look(lambda request: request.turn, *_COUNT),
    "endpoint": Look(lambda request: request.path, *_TEXT, _compare_endpoint),
    "headers": Look(
        lambda request: request.headers, *_HEADERS, _compare_headers, _describe_headers
    ),
    "stream": Look(lambda request: request.stream, _is_boolean, "True or False"),
    "attempt": Look(lambda request: request.attempt, *_COUNT),
    "nth": Look(lambda request: request.nth, *_COUNT),
    "after": Look(lambda request: request.elapsed, *_SECONDS, _compare_seconds, _describe_seconds),
}
"""What a rule may look at, by the keyword of `on`."""


class RequestValues(dict[str, Any]):
    """What rules look at of one request, by look; each is found out when it is first needed."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request

    def __missing__(self, look: str) -> Any:
        value = self[look] = LOOKS[look].read(self.request)
        return value


class Mismatch(NamedTuple):
    """What of a pattern a request does not match; as text, a sentence about it."""

    look: str
    unmatched: object
    value: object

    def __str__(self) -> str:
        return LOOKS[self.look].describe(*self)


def explain(look: str, pattern: Any, value: Any) -> str | None:
    """Why a value does not match the pattern; None where it does."""
    unmatched = LOOKS[look].compare(pattern, value)
    return None if unmatched is NOTHING else str(Mismatch(look, unmatched, value))


def check_pattern(look: str, pattern: Any) -> None:
    """Raise MockServerError for what could never match."""
    if look not in LOOKS:
        raise MockServerError(f"a rule can look at {', '.join(LOOKS)}, not at {look!r}")
    if not LOOKS[look].accepts(pattern):
        raise MockServerError(
            f"on({look}={pattern!r}): {look} is matched with {LOOKS[look].wanted}"
        )


# Literal texts, which are found without comparing


def _only(value: object) -> Iterable[object]:
    return (value,)


def _each(values: list[object]) -> Iterable[object]:
    return dict.fromkeys(values)


def _endpoint_names(path: str) -> Iterable[object]:
    """Every text that `_compare_endpoint` takes for the name of this endpoint, and maybe more."""
    parts = locate(path).path.split("/v1/")
    names = {"/v1/".join(parts[at:]) for at in range(1, len(parts))}
    return names | {name_endpoint(path)}


# From the look that tells the most requests apart to the one that tells the fewest apart.
_KEYS: dict[str, tuple[Callable[[str], str], Callable[[Any], Iterable[object]]]] = {
    "user": (str, _only),
    "tool_result": (str, _each),
    "tools": (str, _each),
    "system": (str, _only),
    "model": (str, _only),
    "endpoint": (name_endpoint, _endpoint_names),
}


def literal_keys(look: str, value: Any) -> Iterable[object]:
    """The keys of all literal patterns that a request's value can match."""
    return _KEYS[look][1](value)


def find_literal(patterns: Mapping[str, Any]) -> tuple[str, str] | None:
    """The look and the key of the most telling literal text among patterns, if there is one.

    >>> find_literal({"model": "gpt-4o", "user": contains("Hi")})
    ('model', 'gpt-4o')
    """
    for look, (key, _) in _KEYS.items():
        pattern = patterns.get(look)
        if look == "tools" and isinstance(pattern, list | tuple | set):
            pattern = next((one for one in pattern if type(one) is str), None)
        if type(pattern) is str:  # a subclass may equal what it likes
            return look, key(pattern)
    return None


LITERAL_LOOKS = tuple(_KEYS)
"""The looks whose literal patterns are found by a key."""
