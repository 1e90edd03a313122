"""The conditions of a scenario's rules: patterns written as YAML or JSON.

Rules of this file: a pattern is a value, or a mapping from one word, the name of the function in
Python, to its argument. An error names the place. What is read stands beside its JSON Schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from openai_mockserver.declared import describe_kind
from openai_mockserver.exceptions import MockServerError, ScenarioError
from openai_mockserver.json_path import parse_path
from openai_mockserver.rules import all_of, any_of, contains, ge, gt, le, lt, not_, regex
from openai_mockserver.scenario.descriptions import describe

__all__ = ["CONDITION_SHAPES", "PATTERN_WORDS", "describe_patterns"]

Reader = Callable[[Any, str], Any]
Schema = dict[str, Any]


def _read_text_argument(value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise ScenarioError(f"{at}: expected a string, got {describe_kind(value)}")
    return value


def _read_number_argument(value: Any, at: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ScenarioError(f"{at}: expected a number, got {describe_kind(value)}")
    return value


class _Word(NamedTuple):
    """A word that makes a pattern of one value."""

    make: Callable[[Any], Any]
    read: Reader
    argument: Schema


_COMPARISONS = {
    compare.__name__: _Word(compare, _read_number_argument, {"type": "number"})
    for compare in (gt, ge, lt, le)
}
_TEXT_WORDS = {
    word.__name__: _Word(word, _read_text_argument, {"type": "string"})
    for word in (contains, regex)
} | _COMPARISONS
_COMPOSED: dict[str, Callable[..., Any]] = {"any_of": any_of, "all_of": all_of}
_NOT = "not"


class _Kind(NamedTuple):
    """A kind of pattern.

    Args:
        name: its name in the JSON Schema.
        words: the words that make a pattern of one value.
        read_literal: reads what is not written with a word.
        literal: the JSON Schema of that.
    """

    name: str
    words: Mapping[str, _Word]
    read_literal: Reader
    literal: Schema

    @property
    def all_words(self) -> tuple[str, ...]:
        return (*self.words, *_COMPOSED, _NOT)


def _read_pattern(value: Any, at: str, kind: _Kind) -> Any:
    if not isinstance(value, dict):
        return kind.read_literal(value, at)
    for word in value:
        if word not in kind.all_words:
            raise ScenarioError(
                f"{at}.{word}: there is no such key; allowed keys are {', '.join(kind.all_words)}"
            )
    if len(value) != 1:
        raise ScenarioError(
            f"{at}: a pattern must have one of {', '.join(kind.all_words)}, not {len(value)}"
        )
    ((word, argument),) = value.items()
    place = f"{at}.{word}"
    if word == _NOT:
        return not_(_read_pattern(argument, place, kind))
    try:
        if word in kind.words:
            return kind.words[word].make(kind.words[word].read(argument, place))
        if not isinstance(argument, list):
            raise ScenarioError(f"{place}: expected a list, got {describe_kind(argument)}")
        parts = [_read_pattern(p, f"{place}[{i}]", kind) for i, p in enumerate(argument)]
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


def _read_literal_count(value: Any, at: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ScenarioError(
            f"{at}: expected a whole number, or a mapping with gt, any_of or another pattern, "
            f"got {describe_kind(value)}"
        )
    return value


def _keep(value: Any, at: str) -> Any:
    return value


_NO_MAPPING = {"type": ["array", "boolean", "null", "number", "string"]}

_TEXT = _Kind("text_pattern", _TEXT_WORDS, _read_literal_text, {"type": "string"})
_COUNT = _Kind("count_pattern", _COMPARISONS, _read_literal_count, {"type": "integer"})
_JSON = _Kind("json_pattern", _TEXT_WORDS, _keep, _NO_MAPPING)

PATTERN_WORDS = _JSON.all_words
"""The words that make a pattern of a mapping."""


def _read_text(value: Any, at: str) -> Any:
    return _read_pattern(value, at, _TEXT)


def _read_texts(value: Any, at: str) -> Any:
    if isinstance(value, list):
        return [_read_text(one, f"{at}[{index}]") for index, one in enumerate(value)]
    return _read_text(value, at)


def _read_count(value: Any, at: str) -> Any:
    return _read_pattern(value, at, _COUNT)


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
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in _JSON.all_words:
        return _read_pattern(value, at, _JSON)
    return value


# The JSON Schema


def _refer(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _describe_kind_of_pattern(kind: _Kind) -> Schema:
    """Return the schema of a literal, or of a mapping with one of the words."""
    pattern = _refer(kind.name)
    arguments: dict[str, tuple[Callable[..., Any], Schema]] = {
        **{name: (word.make, word.argument) for name, word in kind.words.items()},
        **{
            name: (make, {"type": "array", "items": pattern, "minItems": 1})
            for name, make in _COMPOSED.items()
        },
        _NOT: (not_, pattern),
    }
    words = {
        name: schema | {"description": describe(make).summary}
        for name, (make, schema) in arguments.items()
    }
    mapping = {
        "type": "object",
        "properties": words,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [kind.literal, mapping]}


def describe_patterns() -> dict[str, Schema]:
    """Return the definitions that `CONDITION_SHAPES` refers to, as JSON Schema."""
    is_pattern = {
        "type": "object",
        "propertyNames": {"enum": list(_JSON.all_words)},
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {
        **{kind.name: _describe_kind_of_pattern(kind) for kind in (_TEXT, _COUNT, _JSON)},
        "json_value": {"if": is_pattern, "then": _refer(_JSON.name)},
    }


# The conditions


class _Shape(NamedTuple):
    """How the pattern of a condition is read, and its JSON Schema."""

    read: Reader
    schema: Schema


def _name(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


_ONE_TEXT = _Shape(_read_text, _refer(_TEXT.name))
_NAMED_TEXTS = _Shape(_read_named_texts, _name(_refer(_TEXT.name)))
_ONE_COUNT = _Shape(_read_count, _refer(_COUNT.name))
_TEXTS: Schema = {"type": "array", "items": _refer(_TEXT.name), "minItems": 1}

CONDITION_SHAPES: dict[str, _Shape] = {
    "user": _ONE_TEXT,
    "system": _ONE_TEXT,
    "model": _ONE_TEXT,
    "tools": _Shape(_read_texts, {"anyOf": [_refer(_TEXT.name), _TEXTS]}),
    "tool_result": _ONE_TEXT,
    "tool_content": _ONE_TEXT,
    "turn": _ONE_COUNT,
    "endpoint": _ONE_TEXT,
    "headers": _NAMED_TEXTS,
    "query": _NAMED_TEXTS,
    "json": _Shape(_read_json, _name(_refer("json_value"))),
    "stream": _Shape(_keep, {"type": "boolean"}),
    "attempt": _ONE_COUNT,
    "nth": _ONE_COUNT,
    "after": _Shape(_keep, {"type": "number"}),
}
"""How the pattern of each condition is read, by the condition's name."""
