"""The conditions of a scenario's rules: patterns written as YAML or JSON.

Rules of this file: a pattern is a value, or a mapping from one word, the name of the function in
Python, to its argument. An error names the place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from openai_mockserver.declared import describe_kind
from openai_mockserver.exceptions import MockServerError, ScenarioError
from openai_mockserver.json_path import parse_path
from openai_mockserver.rules import all_of, any_of, contains, ge, gt, le, lt, not_, regex

__all__ = ["CONDITION_READERS", "PATTERN_WORDS"]

Reader = Callable[[Any, str], Any]


def _read_text_argument(value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise ScenarioError(f"{at}: expected a string, got {describe_kind(value)}")
    return value


def _read_number_argument(value: Any, at: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ScenarioError(f"{at}: expected a number, got {describe_kind(value)}")
    return value


_SIMPLE: dict[str, tuple[Reader, Callable[[Any], Any]]] = {
    "contains": (_read_text_argument, contains),
    "regex": (_read_text_argument, regex),
    "gt": (_read_number_argument, gt),
    "ge": (_read_number_argument, ge),
    "lt": (_read_number_argument, lt),
    "le": (_read_number_argument, le),
}
_COMPOSED: dict[str, Callable[..., Any]] = {"any_of": any_of, "all_of": all_of}

PATTERN_WORDS = (*_SIMPLE, *_COMPOSED, "not")
"""The words that make a pattern of a mapping."""


def _read_pattern(value: Any, at: str, read_value: Reader) -> Any:
    """Return a pattern; `read_value` reads what is not written with one of the words."""
    if not isinstance(value, dict):
        return read_value(value, at)
    for word in value:
        if word not in PATTERN_WORDS:
            raise ScenarioError(
                f"{at}.{word}: there is no such key; allowed keys are {', '.join(PATTERN_WORDS)}"
            )
    if len(value) != 1:
        raise ScenarioError(
            f"{at}: a pattern must have one of {', '.join(PATTERN_WORDS)}, not {len(value)}"
        )
    ((word, argument),) = value.items()
    place = f"{at}.{word}"
    if word == "not":
        return not_(_read_pattern(argument, place, read_value))
    try:
        if word in _SIMPLE:
            read_argument, make = _SIMPLE[word]
            return make(read_argument(argument, place))
        if not isinstance(argument, list):
            raise ScenarioError(f"{place}: expected a list, got {describe_kind(argument)}")
        parts = [_read_pattern(p, f"{place}[{i}]", read_value) for i, p in enumerate(argument)]
        return _COMPOSED[word](*parts)
    except ScenarioError:
        raise
    except MockServerError as error:
        raise ScenarioError(f"{place}: {error}") from None


def _read_literal_text(value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise ScenarioError(
            f"{at}: expected a string, or a mapping with contains, regex or another pattern, "
            f"got {describe_kind(value)}"
        )
    return value


def _read_text(value: Any, at: str) -> Any:
    return _read_pattern(value, at, _read_literal_text)


def _read_texts(value: Any, at: str) -> Any:
    if isinstance(value, list):
        return [_read_text(one, f"{at}[{index}]") for index, one in enumerate(value)]
    return _read_text(value, at)


def _read_literal_count(value: Any, at: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ScenarioError(
            f"{at}: expected a whole number, or a mapping with gt, any_of or another pattern, "
            f"got {describe_kind(value)}"
        )
    return value


def _read_count(value: Any, at: str) -> Any:
    return _read_pattern(value, at, _read_literal_count)


def _read_named_texts(value: Mapping[str, Any], at: str) -> dict[str, Any]:
    return {name: _read_text(one, f"{at}.{name}") for name, one in value.items()}


def _read_json(value: Mapping[str, Any], at: str) -> dict[str, Any]:
    """Return values and patterns by path; a mapping that is no pattern is an object to equal."""
    patterns: dict[str, Any] = {}
    for path, one in value.items():
        try:
            parse_path(path)
        except MockServerError as error:
            raise ScenarioError(f"{at}: {error}") from None
        patterns[path] = _read_json_value(one, f"{at}.{path}")
    return patterns


def _read_json_value(value: Any, at: str) -> Any:
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in PATTERN_WORDS:
        return _read_pattern(value, at, _read_json_value)
    return value


def _keep(value: Any, at: str) -> Any:
    return value


CONDITION_READERS: dict[str, Reader] = {
    "user": _read_text,
    "system": _read_text,
    "model": _read_text,
    "tools": _read_texts,
    "tool_result": _read_text,
    "tool_content": _read_text,
    "turn": _read_count,
    "endpoint": _read_text,
    "headers": _read_named_texts,
    "query": _read_named_texts,
    "json": _read_json,
    "stream": _keep,
    "attempt": _read_count,
    "nth": _read_count,
    "after": _keep,
}
"""How the pattern of each condition is read, by the condition's name."""
