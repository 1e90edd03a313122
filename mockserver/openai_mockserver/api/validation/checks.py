"""Compile schemas to checks, which report an invalid value in OpenAI's words.

Rules of this file: a check is a function of a value that raises `Invalid` for the first problem; a
valid value costs no more than looking at it. No endpoint is special.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import cache
from typing import Any, NoReturn

from openai_mockserver.api.disk_bytes import DiskBytes
from openai_mockserver.api.validation.schema import Schema, resolve
from openai_mockserver.reply import ApiError

__all__ = [
    "Check",
    "Invalid",
    "Mode",
    "WORDS",
    "compile_check",
    "fits",
    "kind_of",
    "kinds_of",
    "add_article",
]

Check = Callable[[Any], None]


class Invalid(Exception):
    """A value that is invalid, with OpenAI's message and the path to the value.

    Args:
        message: the message; with a prefix, only what follows the path in it.
        code: OpenAI's code of the error.
        path: keys and indices that lead to the value.
        prefix: what precedes the path in the message; None leaves the path out.

    >>> Invalid(": it is {}.", None, "a", prefix="Invalid").within("b").error().message
    "Invalid 'b.a': it is {}."
    """

    def __init__(
        self, message: str, code: str | None, *path: str | int, prefix: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.path = list(path)
        self.prefix = prefix

    def within(self, *outer: str | int) -> Invalid:
        """Put keys or indices in front of the path, and return the exception."""
        self.path[:0] = outer
        return self

    def error(self) -> ApiError:
        """Return the error that OpenAI answers with."""
        place = _format_path(self.path)
        message = self.message if self.prefix is None else f"{self.prefix} '{place}'{self.message}"
        return ApiError(400, message, None, self.code, place or None)


def _format_path(path: Iterable[str | int]) -> str:
    """Return a path as OpenAI writes it.

    >>> _format_path(["tools", 0, "name"])
    'tools[0].name'
    """
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")


# Types of values, and their names

_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}
WORDS = {
    "boolean": "boolean",
    "integer": "integer",
    "number": "decimal",
    "string": "string",
    "array": "array",
    "object": "object",
    "null": "null",
    "file": "file",
}
_ANY = frozenset(WORDS)


def kind_of(value: object) -> str:
    """Return the JSON type of a value, or ``file``."""
    # Files are a subclass of bytes.
    return _KINDS.get(type(value)) or ("file" if isinstance(value, bytes | DiskBytes) else "object")


def add_article(word: str) -> str:
    """Return a word with its article.

    >>> add_article("array"), add_article("string")
    ('an array', 'a string')
    """
    return word if word == "null" else f"an {word}" if word[0] in "aeiou" else f"a {word}"


def kinds_of(schema: Schema) -> frozenset[str]:
    """Return the types of value that a schema allows."""
    schema = resolve(schema)
    null = {"null"} if schema.get("nullable") else frozenset()
    if "enum" in schema:
        return frozenset({_KINDS[type(one)] for one in schema["enum"]} | null)
    if "anyOf" in schema:
        return frozenset(null).union(*map(kinds_of, schema["anyOf"]))
    if schema.get("format") == "binary":
        return frozenset({"file"} | null)
    kind = schema.get("type")
    return _ANY if kind is None else frozenset({kind} | null)


def _describe_types(schema: Schema) -> Iterator[str]:
    """Yield the types that a schema allows, in OpenAI's words, such as ``array of objects``."""
    schema = resolve(schema)
    for branch in schema.get("anyOf", ()):
        yield from _describe_types(branch)
    if "anyOf" in schema:
        return
    for kind in sorted(kinds_of(schema) - {"null"}):
        item_names = dict.fromkeys(_describe_types(schema["items"])) if schema.get("items") else {}
        suffix = (
            f" of {next(iter(item_names))}s" if len(item_names) == 1 and kind == "array" else ""
        )
        yield WORDS[kind] + suffix


def _raise_wrong_type(value: object, *schemas: Schema) -> NoReturn:
    names = list(dict.fromkeys(name for schema in schemas for name in _describe_types(schema)))
    expected_types = add_article(names[0]) if names else "nothing"
    if len(names) > 1:
        expected_types = f"one of {_join_words(names, 'or', expected_types)}"
    actual = add_article(WORDS[kind_of(value)])
    message = f": expected {expected_types}, but got {actual} instead."
    raise Invalid(message, "invalid_type", prefix="Invalid type for")


def _join_words(names: list[str], word: str, first: str | None = None) -> str:
    """Join words with commas and a conjunction; ``first`` replaces the first word.

    >>> _join_words(["'a'", "'b'"], "and"), _join_words(["'a'", "'b'", "'c'"], "and")
    ("'a' and 'b'", "'a', 'b', and 'c'")
    """
    names = [first or names[0], *names[1:]]
    comma = "," if len(names) > 2 else ""
    return f"{', '.join(names[:-1])}{comma} {word} {names[-1]}"


_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_ORDERS = {frozenset(_ROLES): _ROLES}
"""Values that OpenAI lists in another order than the SDK, in OpenAI's order."""


def _raise_wrong_value(value: object, allowed_values: Iterable[Any], *path: str) -> NoReturn:
    unique_values = tuple(dict.fromkeys(allowed_values))
    names = [repr(item) for item in _ORDERS.get(frozenset(unique_values), unique_values)]
    hint = f"Supported values are: {_join_words(names, 'and')}."
    if len(names) == 1:
        hint = f"Value must be {names[0]}."
    raise Invalid(f"Invalid value: '{value}'. {hint}", "invalid_value", *path)


def _build_missing_error(name: str) -> Invalid:
    code = "missing_required_parameter"
    return Invalid(".", code, name, prefix="Missing required parameter:")


def _build_unknown_error(name: str) -> Invalid:
    return Invalid(".", "unknown_parameter", name, prefix="Unknown parameter:")


# Compiling schemas


class Mode(Enum):
    """How strict a check is."""

    STRICT = "refuse unknown members"
    LENIENT = "allow unknown members"
    MODEL = "allow unknown members, and require nullable ones too, as in an answer"


_SCALARS = {"boolean": bool, "integer": int, "string": str}


def compile_check(schema: Schema, mode: Mode) -> Check:
    """Return the check that a schema stands for."""
    if "$ref" in schema:
        name = schema["$ref"]
        inner: Check = lambda value: _compile_definition(name, mode)(value)  # noqa: E731
    elif "enum" in schema:
        inner = _compile_enum(schema)
    elif "anyOf" in schema:
        inner = _compile_any_of(schema["anyOf"], mode)
    elif schema.get("type") == "array":
        inner = _compile_array(schema, mode)
    elif schema.get("type") == "object":
        inner = _compile_object(schema, mode)
    else:
        inner = _compile_scalar(schema)
    if not schema.get("nullable"):
        return inner
    return lambda value: None if value is None else inner(value)


# Members that the SDK's types lack: clients send back a message as they received it, also from the
# SDK's `.parse()`, and name the tool of a tool's result, as OpenAI's cookbook does.
_ALSO_ALLOWED: dict[str, dict[str, Schema]] = {
    "ChatCompletionAssistantMessageParam": {
        "annotations": {},
        "parsed": {},
        "reasoning": {},
        "reasoning_content": {},
    },
    "ChatCompletionToolMessageParam": {"name": {}},
    "Function": {"parsed_arguments": {}},
    # OpenAI ignores these (recorded with status 200): the index of a streamed call that is sent
    # back, and a tool that also has the form of the other API.
    "RequiredActionFunctionToolCall": {"index": {}},
    "FunctionToolParam": {"name": {}},
    "FunctionToolParam2": {"function": {}},
    # An assistant's message may be sent back without its id.
    "EasyInputMessageParam": {
        "content": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "array",
                    "items": {
                        "anyOf": [
                            {"$ref": "ResponseInputTextParam"},
                            {"$ref": "ResponseInputImageParam"},
                            {"$ref": "ResponseInputFileParam"},
                            {"$ref": "ResponseOutputTextParam"},
                            {"$ref": "RefusalContentBlock"},
                        ]
                    },
                },
            ]
        }
    },
}

# Members that the SDK's types require and OpenAI's own guides leave out.
_NOT_REQUIRED = {
    "ImageGenerationCall": {"result", "status"},
    "ResponseFunctionWebSearchParam": {"action"},
    "ResponseInputImageParam": {"detail"},
    "ResponseOutputMessageParam": {"id", "status"},
    "ResponseOutputTextParam": {"annotations"},
    "ResponseReasoningItemParam": {"id"},
}


@cache
def _compile_definition(name: str, mode: Mode) -> Check:
    schema = resolve({"$ref": name})
    if name in _ALSO_ALLOWED:
        schema = schema | {"properties": schema["properties"] | _ALSO_ALLOWED[name]}
    if name in _NOT_REQUIRED and mode is not Mode.MODEL:
        required = [one for one in schema["required"] if one not in _NOT_REQUIRED[name]]
        schema = schema | {"required": required}
    return compile_check(schema, mode)


def _compile_scalar(schema: Schema) -> Check:
    kind = _SCALARS.get(schema.get("type", "")) if "format" not in schema else None
    allowed_kinds = kinds_of(schema) | ({"integer"} if schema.get("type") == "number" else set())

    def check(value: Any) -> None:
        if type(value) is not kind and kind_of(value) not in allowed_kinds:
            _raise_wrong_type(value, schema)

    return check


def _compile_enum(schema: Schema) -> Check:
    allowed_values = schema["enum"]
    kinds = kinds_of(schema)

    def check(value: Any) -> None:
        if value in allowed_values and kind_of(value) in kinds:
            return
        if kind_of(value) not in kinds:
            _raise_wrong_type(value, schema)
        _raise_wrong_value(value, allowed_values)

    return check


def _compile_array(schema: Schema, mode: Mode) -> Check:
    check_item = compile_check(schema["items"], mode) if schema.get("items") else None

    def check(value: Any) -> None:
        if not isinstance(value, list):
            _raise_wrong_type(value, schema)
        if check_item is not None:
            for index, item in enumerate(value):
                try:
                    check_item(item)
                except Invalid as invalid:
                    raise invalid.within(index) from None

    return check


_MANY = 10  # visiting so many members takes as long as sorting those of a request


def _compile_object(schema: Schema, mode: Mode) -> Check:
    properties = schema.get("properties", {})
    members = {name: compile_check(inner, mode) for name, inner in properties.items()}
    required_names = {
        name
        for name in schema.get("required", ())
        # OpenAI takes an absent parameter for null.
        if mode is Mode.MODEL or not properties[name] or "null" not in kinds_of(properties[name])
    }
    others = schema.get("additionalProperties")
    check_other = compile_check(others, mode) if others else None
    refuses_unknown = mode is Mode.STRICT and "properties" in schema and others is None
    positions = {name: position for position, name in enumerate(members)}

    def check(value: Any) -> None:
        if not isinstance(value, dict):
            _raise_wrong_type(value, schema)
        names: Iterable[str] = members
        if len(members) > _MANY:  # a request has few of them: skip the rest
            names = sorted(
                (value.keys() | required_names) & positions.keys(), key=positions.__getitem__
            )
        for name in names:
            check_member = members[name]
            member = value.get(name)
            # OpenAI takes null for an absent parameter, too.
            if member is None and (mode is not Mode.MODEL or name not in value):
                if name in required_names:
                    raise _build_missing_error(name)
                continue
            try:
                check_member(member)
            except Invalid as invalid:
                raise invalid.within(name) from None
        if refuses_unknown:
            for name in value:
                if name not in members:
                    raise _build_unknown_error(name)
        elif check_other is not None:
            for name, member in value.items():
                try:
                    check_other(member)
                except Invalid as invalid:
                    raise invalid.within(name) from None

    return check


def _compile_any_of(branches: list[Schema], mode: Mode) -> Check:
    by_kind: dict[str, list[Schema]] = {}
    for branch in branches:
        for kind in kinds_of(branch):
            by_kind.setdefault(kind, []).append(branch)
    if "number" in by_kind and "integer" not in by_kind:
        by_kind["integer"] = by_kind["number"]
    checks: dict[str, Check] = {}

    def check(value: Any) -> None:
        kind = kind_of(value)
        check_kind = checks.get(kind)
        if check_kind is None:
            if kind not in by_kind:
                _raise_wrong_type(value, *branches)
            check_kind = checks[kind] = _compile_alternatives(by_kind[kind], kind, mode)
        check_kind(value)

    return check


def _compile_alternatives(
    schemas: list[Schema], kind: str, mode: Mode, tags: frozenset[str] = frozenset()
) -> Check:
    """Return the check of schemas that all allow this type; ``tags`` have already been compared."""
    if len(schemas) == 1:
        return compile_check(schemas[0], mode)
    if kind == "object" and (name := _choose_tag(schemas, tags)):
        return _compile_tagged(schemas, name, mode, tags | {name})
    checks = [compile_check(schema, mode) for schema in schemas]

    def check(value: Any) -> None:
        deepest: Invalid | None = None
        for check_one in checks:
            try:
                return check_one(value)
            except Invalid as invalid:
                if deepest is None or len(invalid.path) > len(deepest.path):
                    deepest = invalid
        assert deepest is not None
        raise deepest

    return check


def _choose_tag(schemas: list[Schema], used_tags: frozenset[str]) -> str | None:
    """Return the member whose value best distinguishes these objects; None if none does."""
    counts: dict[str, int] = {}
    names = {name for schema in schemas for name in resolve(schema).get("properties", {})}
    for name in names - used_tags:
        values = [
            tuple(tag_values) for schema in schemas if (tag_values := _list_values(schema, name))
        ]
        if len(set(values)) > 1 or 0 < len(values) < len(schemas):
            counts[name] = len(values)
    return max(sorted(counts), key=lambda name: counts[name], default=None)


def _list_values(schema: Schema, name: str) -> list[Any]:
    """Return the values that a member may have; empty if the schema does not list them."""
    member = resolve(schema).get("properties", {}).get(name, {})
    values: list[Any] = resolve(member).get("enum", [])
    return values


def _compile_tagged(schemas: list[Schema], name: str, mode: Mode, tags: frozenset[str]) -> Check:
    by_value: dict[Any, list[Schema]] = {}
    untagged_schemas = [schema for schema in schemas if not _list_values(schema, name)]
    schemas_without_tag = [s for s in schemas if name not in resolve(s).get("required", ())]
    for schema in schemas:
        for value in _list_values(schema, name):
            by_value.setdefault(value, []).append(schema)
    tag_values = list(by_value)
    # An object with this member matches no schema that lacks it.
    fallback = [
        schema for schema in untagged_schemas if name in resolve(schema).get("properties", {})
    ]
    for alternatives in by_value.values():
        alternatives += untagged_schemas
    checks: dict[Any, Check] = {}

    def check(value: Any) -> None:
        tag = value.get(name)
        check_tag = checks.get(tag) if isinstance(tag, str | None) else None
        if check_tag is None:
            if tag is None:
                candidates = schemas_without_tag
                if not candidates:
                    raise _build_missing_error(name)
            else:
                candidates = by_value.get(tag, fallback) if isinstance(tag, str) else fallback
                if not candidates:
                    if not isinstance(tag, str):
                        _raise_wrong_tag_type(tag, name)
                    _raise_wrong_value(tag, tag_values, name)
            check_tag = _compile_alternatives(candidates, "object", mode, tags)
            if tag is None or (isinstance(tag, str) and tag in by_value):
                checks[tag] = check_tag
        check_tag(value)

    return check


def _raise_wrong_tag_type(value: object, name: str) -> NoReturn:
    try:
        _raise_wrong_type(value, {"type": "string"})
    except Invalid as invalid:
        raise invalid.within(name) from None


def fits(schema: Schema, value: object) -> bool:
    """Return whether a value matches a schema; objects may have members that it does not know."""
    try:
        compile_check(schema, Mode.MODEL)(value)
    except Invalid:
        return False
    return True
