"""Whether a value conforms to a JSON Schema: the check of sampled values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.generate.regex import Budget, is_found

Schema = Mapping[str, Any]


def allowed_types(stated: Any) -> list[str]:
    return [stated] if isinstance(stated, str) else list(stated)


def compiled_patterns(told: Any) -> tuple[str, ...]:
    return told if isinstance(told, tuple) else (str(told),)


HINTS = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
"""What tells the type where nothing states it; else it is a string."""

KINDS: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool)
        and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


# Judging

STEP = 3  # of the budget: to judge takes longer than a character


class Judge:
    """Tells where a value fails its schema, and what references refer to."""

    def __init__(self, root: Any, budget: Budget) -> None:
        self.root = root
        self.budget = budget
        self.matched: set[tuple[str, str]] = set()  # patterns, and texts that were made for them

    def wrong(self, value: Any, schema: Any, place: str) -> str | None:
        """The place of the first keyword that the value fails, if there is one."""
        self.budget.spend(STEP)
        if not isinstance(schema, Mapping):
            return place if schema is False else None
        for keyword, told in schema.items():
            if (check := _CHECKS.get(keyword)) is not None:
                kind, passes = check
                if kind is not None and not KINDS[kind](value):
                    continue
                if not passes(self, value, told, schema):
                    return self._within(value, keyword, told, f"{place}/{keyword}")
        return None

    def _within(self, value: Any, keyword: str, told: Any, place: str) -> str:
        """The place within a keyword that names members, where it is one of theirs."""
        if keyword == "properties":
            for name, schema in told.items():
                if name in value and (inner := self.wrong(value[name], schema, f"{place}/{name}")):
                    return inner
        return place

    def fits(self, value: Any, schema: Any) -> bool:
        """Whether the value conforms to the schema."""
        return self.wrong(value, schema, "") is None

    def found(self, pattern: str, text: str) -> bool:
        """Whether the pattern is found in the text."""
        if (pattern, text) in self.matched:
            return True
        self.budget.spend(len(text))
        return is_found(pattern, text)

    def others(self, value: Mapping[str, Any], schema: Schema) -> list[str]:
        """The members of an object that the schema does not name."""
        return [name for name in value if not self.named(schema, name)]

    def named(self, schema: Schema, name: str) -> list[Any]:
        """The schemas that the schema has for a member of this name."""
        members, patterns = schema.get("properties") or {}, schema.get("patternProperties") or {}
        own = [members[name]] if name in members else []
        return own + [inner for pattern, inner in patterns.items() if self.found(pattern, name)]

    def resolve(self, ref: str) -> Any:
        """What the reference refers to. Raises ReplyError where there is no such thing."""
        document, _, pointer = ref.partition("#")
        pointer = unquote(pointer)
        at = self.root
        own = self.root.get("$id", "") if isinstance(self.root, Mapping) else ""
        if document and document != own.rstrip("#"):
            at = self._stated("$id", document)
        if pointer and not pointer.startswith("/"):
            at = self._stated("$anchor", pointer)
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(at, list) and name.isdecimal() and int(name) < len(at):
                at = at[int(name)]
            elif isinstance(at, Mapping) and name in at:
                at = at[name]
            else:
                at = None
        if not isinstance(at, Mapping | bool):
            raise ReplyError(f"the schema refers to {ref!r}, which it does not have")
        return at

    def _stated(self, keyword: str, name: str) -> Any:
        """The schema within the root that states its name thus."""
        ahead = [self.root]
        while ahead:
            self.budget.spend(1)
            at = ahead.pop()
            if isinstance(at, Mapping):
                if at.get(keyword) == name:
                    return at
                ahead += at.values()
            elif isinstance(at, list):
                ahead += at
        return None


def same_json(one: Any, other: Any) -> bool:
    """Whether two values are one in JSON, where true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[name], other[name]) for name in one)
    return bool(one == other)


def is_multiple(value: Any, step: Any) -> bool:
    if isinstance(value, float) or isinstance(step, float):
        return float(value / step).is_integer()
    return bool(value % step == 0)


def is_unique(judge: Judge, items: list[Any]) -> bool:
    judge.budget.spend(len(items))
    return len({json.dumps(item, sort_keys=True) for item in items}) == len(items)


def _items_fit(judge: Judge, value: list[Any], told: Any, schema: Schema) -> bool:
    if isinstance(told, list):
        return all(map(judge.fits, value, told))
    return all(judge.fits(item, told) for item in value[len(schema.get("prefixItems") or ()) :])


def _contains(judge: Judge, value: list[Any], told: Any, schema: Schema) -> bool:
    count = sum(judge.fits(item, told) for item in value)
    return bool(schema.get("minContains", 1) <= count <= schema.get("maxContains", math.inf))


def _branch_fits(judge: Judge, value: Any, told: Any, schema: Schema) -> bool:
    return judge.fits(value, schema.get("then" if judge.fits(value, told) else "else", True))


Check = Callable[[Judge, Any, Any, Schema], bool]

_CHECKS: dict[str, tuple[str | None, Check]] = {
    "$ref": (None, lambda judge, value, told, _: judge.fits(value, judge.resolve(told))),
    "type": (None, lambda judge, value, told, _: any(KINDS[k](value) for k in allowed_types(told))),
    "const": (None, lambda judge, value, told, _: same_json(value, told)),
    "enum": (None, lambda judge, value, told, _: any(same_json(value, one) for one in told)),
    "allOf": (None, lambda judge, value, told, _: all(judge.fits(value, one) for one in told)),
    "anyOf": (None, lambda judge, value, told, _: any(judge.fits(value, one) for one in told)),
    "oneOf": (None, lambda judge, value, told, _: sum(judge.fits(value, o) for o in told) == 1),
    "not": (None, lambda judge, value, told, _: not judge.fits(value, told)),
    "if": (None, _branch_fits),
    "minLength": ("string", lambda judge, value, told, _: len(value) >= told),
    "maxLength": ("string", lambda judge, value, told, _: len(value) <= told),
    "pattern": (
        "string",
        lambda judge, value, told, _: all(
            judge.found(one, value) for one in compiled_patterns(told)
        ),
    ),
    "minimum": ("number", lambda judge, value, told, _: value >= told),
    "maximum": ("number", lambda judge, value, told, _: value <= told),
    # Old schemas only say whether the bound itself is excluded.
    "exclusiveMinimum": (
        "number",
        lambda judge, value, told, schema: (
            told is False or value > (schema.get("minimum", -math.inf) if told is True else told)
        ),
    ),
    "exclusiveMaximum": (
        "number",
        lambda judge, value, told, schema: (
            told is False or value < (schema.get("maximum", math.inf) if told is True else told)
        ),
    ),
    "multipleOf": ("number", lambda judge, value, told, _: is_multiple(value, told)),
    "minItems": ("array", lambda judge, value, told, _: len(value) >= told),
    "maxItems": ("array", lambda judge, value, told, _: len(value) <= told),
    "uniqueItems": ("array", lambda judge, value, told, _: not told or is_unique(judge, value)),
    "prefixItems": ("array", lambda judge, value, told, _: all(map(judge.fits, value, told))),
    "items": ("array", _items_fit),
    "additionalItems": (
        "array",
        lambda judge, value, told, schema: (
            not isinstance(schema.get("items"), list)
            or all(judge.fits(item, told) for item in value[len(schema["items"]) :])
        ),
    ),
    "contains": ("array", _contains),
    "required": ("object", lambda judge, value, told, _: all(name in value for name in told)),
    "minProperties": ("object", lambda judge, value, told, _: len(value) >= told),
    "maxProperties": ("object", lambda judge, value, told, _: len(value) <= told),
    "propertyNames": (
        "object",
        lambda judge, value, told, _: all(judge.fits(name, told) for name in value),
    ),
    "properties": (
        "object",
        lambda judge, value, told, _: all(
            judge.fits(value[n], told[n]) for n in told if n in value
        ),
    ),
    "patternProperties": (
        "object",
        lambda judge, value, told, _: all(
            judge.fits(value[name], inner)
            for pattern, inner in told.items()
            for name in value
            if judge.found(pattern, name)
        ),
    ),
    "additionalProperties": (
        "object",
        lambda judge, value, told, schema: all(
            judge.fits(value[name], told) for name in judge.others(value, schema)
        ),
    ),
    "dependentRequired": (
        "object",
        lambda judge, value, told, _: all(
            name in value for given, names in told.items() if given in value for name in names
        ),
    ),
}
"""The keywords that are known: of which kind of value they tell, and whether one passes."""


def kind_of(schema: Schema) -> str:
    for kind, hints in HINTS.items():
        if any(hint in schema for hint in hints):
            return kind
    return "string"
