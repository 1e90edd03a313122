"""The check of sampled values: whether a value conforms to a JSON Schema."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from openai_mockserver.exceptions import ReplyError
from openai_mockserver.generate.regex import Budget, is_found

Schema = Mapping[str, Any]


def list_types(operand: Any) -> list[str]:
    """Return the types that the keyword ``type`` allows."""
    return [operand] if isinstance(operand, str) else list(operand)


def list_patterns(operand: Any) -> tuple[str, ...]:
    """Return the patterns of a keyword ``pattern``; merged schemas have several."""
    return operand if isinstance(operand, tuple) else (str(operand),)


HINTS = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
"""Keywords that imply a type if the schema has none. Without any, the type is string."""

TYPES: dict[str, Callable[[Any], bool]] = {
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


# Checking

STEP = 3  # of the budget: a check takes longer than a character


class Judge:
    """Checks values against schemas, and resolves references."""

    def __init__(self, root: Any, budget: Budget) -> None:
        self.root = root
        self.budget = budget
        self.known_matches: set[tuple[str, str]] = set()  # patterns, and texts generated for them

    def find_violation(self, value: Any, schema: Any, place: str) -> str | None:
        """Return the place of the first keyword that the value violates; None if it conforms."""
        self.budget.spend(STEP)
        if not isinstance(schema, Mapping):
            return place if schema is False else None
        for keyword, operand in schema.items():
            if (check := _CHECKS.get(keyword)) is not None:
                type_name, accepts = check
                if type_name is not None and not TYPES[type_name](value):
                    continue
                if not accepts(self, value, operand, schema):
                    return self._locate_member(value, keyword, operand, f"{place}/{keyword}")
        return None

    def _locate_member(self, value: Any, keyword: str, operand: Any, place: str) -> str:
        """Return the place of the violation: for ``properties``, the place within the member."""
        if keyword == "properties":
            for name, schema in operand.items():
                if name in value and (
                    inner := self.find_violation(value[name], schema, f"{place}/{name}")
                ):
                    return inner
        return place

    def accepts(self, value: Any, schema: Any) -> bool:
        """Return whether the value conforms to the schema."""
        return self.find_violation(value, schema, "") is None

    def matches(self, pattern: str, text: str) -> bool:
        """Return whether the pattern is found in the text."""
        if (pattern, text) in self.known_matches:
            return True
        self.budget.spend(len(text))
        return is_found(pattern, text)

    def list_additional(self, value: Mapping[str, Any], schema: Schema) -> list[str]:
        """Return the members of an object that the schema does not name."""
        return [name for name in value if not self.find_schemas(schema, name)]

    def find_schemas(self, schema: Schema, name: str) -> list[Any]:
        """Return the schemas that apply to a member of this name."""
        members, patterns = schema.get("properties") or {}, schema.get("patternProperties") or {}
        schemas = [members[name]] if name in members else []
        return schemas + [
            inner for pattern, inner in patterns.items() if self.matches(pattern, name)
        ]

    def resolve(self, ref: str) -> Any:
        """Return the schema that a reference names. Raises ReplyError if there is none."""
        document, _, pointer = ref.partition("#")
        pointer = unquote(pointer)
        at = self.root
        own = self.root.get("$id", "") if isinstance(self.root, Mapping) else ""
        if document and document != own.rstrip("#"):
            at = self._find_schema("$id", document)
        if pointer and not pointer.startswith("/"):
            at = self._find_schema("$anchor", pointer)
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

    def _find_schema(self, keyword: str, name: str) -> Any:
        """Return the schema within the root that has this ``$id`` or ``$anchor``."""
        pending = [self.root]
        while pending:
            self.budget.spend(1)
            at = pending.pop()
            if isinstance(at, Mapping):
                if at.get(keyword) == name:
                    return at
                pending += at.values()
            elif isinstance(at, list):
                pending += at
        return None


def is_same_json(one: Any, other: Any) -> bool:
    """Return whether two values are equal in JSON, in which true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same_json, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            is_same_json(one[name], other[name]) for name in one
        )
    return bool(one == other)


def is_multiple(value: Any, step: Any) -> bool:
    """Return whether a number is a multiple of the step."""
    if isinstance(value, float) or isinstance(step, float):
        return float(value / step).is_integer()
    return bool(value % step == 0)


def is_unique(judge: Judge, items: list[Any]) -> bool:
    """Return whether no two items are equal."""
    judge.budget.spend(len(items))
    return len({json.dumps(item, sort_keys=True) for item in items}) == len(items)


def _accepts_items(judge: Judge, value: list[Any], operand: Any, schema: Schema) -> bool:
    if isinstance(operand, list):
        return all(map(judge.accepts, value, operand))
    return all(
        judge.accepts(item, operand) for item in value[len(schema.get("prefixItems") or ()) :]
    )


def _accepts_contains(judge: Judge, value: list[Any], operand: Any, schema: Schema) -> bool:
    count = sum(judge.accepts(item, operand) for item in value)
    return bool(schema.get("minContains", 1) <= count <= schema.get("maxContains", math.inf))


def _accepts_branch(judge: Judge, value: Any, operand: Any, schema: Schema) -> bool:
    return judge.accepts(
        value, schema.get("then" if judge.accepts(value, operand) else "else", True)
    )


def _accepts_exclusive_minimum(judge: Judge, value: Any, operand: Any, schema: Schema) -> bool:
    if isinstance(operand, bool):  # in draft 4, true means that the bound itself is excluded
        return not operand or bool(value > schema.get("minimum", -math.inf))
    return bool(value > operand)


def _accepts_exclusive_maximum(judge: Judge, value: Any, operand: Any, schema: Schema) -> bool:
    if isinstance(operand, bool):
        return not operand or bool(value < schema.get("maximum", math.inf))
    return bool(value < operand)


def _accepts_additional_items(judge: Judge, value: list[Any], operand: Any, schema: Schema) -> bool:
    items = schema.get("items")
    if not isinstance(items, list):
        return True
    return all(judge.accepts(item, operand) for item in value[len(items) :])


def _accepts_properties(judge: Judge, value: dict[str, Any], operand: Any, schema: Schema) -> bool:
    return all(judge.accepts(value[name], operand[name]) for name in operand if name in value)


def _accepts_pattern_properties(
    judge: Judge, value: dict[str, Any], operand: Any, schema: Schema
) -> bool:
    return all(
        judge.accepts(value[name], inner)
        for pattern, inner in operand.items()
        for name in value
        if judge.matches(pattern, name)
    )


def _accepts_dependent_required(
    judge: Judge, value: dict[str, Any], operand: Any, schema: Schema
) -> bool:
    return all(
        name in value for member, names in operand.items() if member in value for name in names
    )


Check = Callable[[Judge, Any, Any, Schema], bool]

_CHECKS: dict[str, tuple[str | None, Check]] = {
    "$ref": (None, lambda judge, value, operand, _: judge.accepts(value, judge.resolve(operand))),
    "type": (
        None,
        lambda judge, value, operand, _: any(TYPES[k](value) for k in list_types(operand)),
    ),
    "const": (None, lambda judge, value, operand, _: is_same_json(value, operand)),
    "enum": (
        None,
        lambda judge, value, operand, _: any(is_same_json(value, one) for one in operand),
    ),
    "allOf": (
        None,
        lambda judge, value, operand, _: all(judge.accepts(value, one) for one in operand),
    ),
    "anyOf": (
        None,
        lambda judge, value, operand, _: any(judge.accepts(value, one) for one in operand),
    ),
    "oneOf": (
        None,
        lambda judge, value, operand, _: sum(judge.accepts(value, o) for o in operand) == 1,
    ),
    "not": (None, lambda judge, value, operand, _: not judge.accepts(value, operand)),
    "if": (None, _accepts_branch),
    "minLength": ("string", lambda judge, value, operand, _: len(value) >= operand),
    "maxLength": ("string", lambda judge, value, operand, _: len(value) <= operand),
    "pattern": (
        "string",
        lambda judge, value, operand, _: all(
            judge.matches(one, value) for one in list_patterns(operand)
        ),
    ),
    "minimum": ("number", lambda judge, value, operand, _: value >= operand),
    "maximum": ("number", lambda judge, value, operand, _: value <= operand),
    "exclusiveMinimum": ("number", _accepts_exclusive_minimum),
    "exclusiveMaximum": ("number", _accepts_exclusive_maximum),
    "multipleOf": ("number", lambda judge, value, operand, _: is_multiple(value, operand)),
    "minItems": ("array", lambda judge, value, operand, _: len(value) >= operand),
    "maxItems": ("array", lambda judge, value, operand, _: len(value) <= operand),
    "uniqueItems": (
        "array",
        lambda judge, value, operand, _: not operand or is_unique(judge, value),
    ),
    "prefixItems": (
        "array",
        lambda judge, value, operand, _: all(map(judge.accepts, value, operand)),
    ),
    "items": ("array", _accepts_items),
    "additionalItems": ("array", _accepts_additional_items),
    "contains": ("array", _accepts_contains),
    "required": ("object", lambda judge, value, operand, _: all(name in value for name in operand)),
    "minProperties": ("object", lambda judge, value, operand, _: len(value) >= operand),
    "maxProperties": ("object", lambda judge, value, operand, _: len(value) <= operand),
    "propertyNames": (
        "object",
        lambda judge, value, operand, _: all(judge.accepts(name, operand) for name in value),
    ),
    "properties": ("object", _accepts_properties),
    "patternProperties": ("object", _accepts_pattern_properties),
    "additionalProperties": (
        "object",
        lambda judge, value, operand, schema: all(
            judge.accepts(value[name], operand) for name in judge.list_additional(value, schema)
        ),
    ),
    "dependentRequired": ("object", _accepts_dependent_required),
}
"""The keywords that are checked: the type of value that each applies to, and its check."""


def guess_type(schema: Schema) -> str:
    """Return the type that a schema without ``type`` implies."""
    for name, hints in HINTS.items():
        if any(hint in schema for hint in hints):
            return name
    return "string"
