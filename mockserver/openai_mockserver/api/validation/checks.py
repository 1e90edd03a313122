"""Schemas as checks: whether a value is as wanted, and OpenAI's words where it is not.

Rules of this file: a check is a function of a value that raises `Invalid`; what is right costs no
more than looking at it. The first fault is told. Nothing is known here of endpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import cache
from typing import Any, NoReturn

from openai_mockserver.api.disk_bytes import DiskBytes
from openai_mockserver.api.validation.schema import Schema, resolved
from openai_mockserver.reply import ApiError

__all__ = [
    "Check",
    "Invalid",
    "Mode",
    "WORDS",
    "checked",
    "fits",
    "kind_of",
    "kinds_of",
    "with_article",
]

Check = Callable[[Any], None]


class Invalid(Exception):
    """A value that is not as wanted: what is said of it, and where it is.

    Args:
        message: what is said, after the place if that is told.
        code: OpenAI's for it.
        path: the place.
        before: what is said before the place; the place is not told without it.

    >>> Invalid(": it is {}.", None, "a", before="Invalid").within("b").error().message
    "Invalid 'b.a': it is {}."
    """

    def __init__(
        self, message: str, code: str | None, *path: str | int, before: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.path = list(path)
        self.before = before

    def within(self, *outer: str | int) -> Invalid:
        """The same, of a value further out."""
        self.path[:0] = outer
        return self

    def error(self) -> ApiError:
        """What OpenAI answers."""
        at = _place(self.path)
        told = self.message if self.before is None else f"{self.before} '{at}'{self.message}"
        return ApiError(400, told, None, self.code, at or None)


def _place(path: Iterable[str | int]) -> str:
    """
    >>> _place(["tools", 0, "name"])
    'tools[0].name'
    """
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")


# What a value is, and what it is called

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
    """What kind of JSON value it is, or that it is a file."""
    # Files are bytes of a class of their own.
    return _KINDS.get(type(value)) or ("file" if isinstance(value, bytes | DiskBytes) else "object")


def with_article(word: str) -> str:
    """
    >>> with_article("array"), with_article("string")
    ('an array', 'a string')
    """
    return word if word == "null" else f"an {word}" if word[0] in "aeiou" else f"a {word}"


def kinds_of(schema: Schema) -> frozenset[str]:
    """The kinds of value that a schema takes."""
    schema = resolved(schema)
    null = {"null"} if schema.get("nullable") else frozenset()
    if "enum" in schema:
        return frozenset({_KINDS[type(one)] for one in schema["enum"]} | null)
    if "anyOf" in schema:
        return frozenset(null).union(*map(kinds_of, schema["anyOf"]))
    if schema.get("format") == "binary":
        return frozenset({"file"} | null)
    kind = schema.get("type")
    return _ANY if kind is None else frozenset({kind} | null)


def _names(schema: Schema) -> Iterator[str]:
    """What a schema takes, in OpenAI's words: ``array of objects``."""
    schema = resolved(schema)
    for branch in schema.get("anyOf", ()):
        yield from _names(branch)
    if "anyOf" in schema:
        return
    for kind in sorted(kinds_of(schema) - {"null"}):
        inner = dict.fromkeys(_names(schema["items"])) if schema.get("items") else {}
        of = f" of {next(iter(inner))}s" if len(inner) == 1 and kind == "array" else ""
        yield WORDS[kind] + of


def _wrong_type(value: object, *schemas: Schema) -> NoReturn:
    names = list(dict.fromkeys(name for schema in schemas for name in _names(schema)))
    wanted = with_article(names[0]) if names else "nothing"
    if len(names) > 1:
        wanted = f"one of {_listed(names, 'or', wanted)}"
    got = with_article(WORDS[kind_of(value)])
    message = f": expected {wanted}, but got {got} instead."
    raise Invalid(message, "invalid_type", before="Invalid type for")


def _listed(names: list[str], word: str, first: str | None = None) -> str:
    """
    >>> _listed(["'a'", "'b'"], "and"), _listed(["'a'", "'b'", "'c'"], "and")
    ("'a' and 'b'", "'a', 'b', and 'c'")
    """
    names = [first or names[0], *names[1:]]
    comma = "," if len(names) > 2 else ""
    return f"{', '.join(names[:-1])}{comma} {word} {names[-1]}"


_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_ORDERS = {frozenset(_ROLES): _ROLES}
"""The order in which OpenAI lists what the SDK orders otherwise."""


def _wrong_value(value: object, allowed: Iterable[Any], *path: str) -> NoReturn:
    listed = tuple(dict.fromkeys(allowed))
    quoted = [repr(one) for one in _ORDERS.get(frozenset(listed), listed)]
    supported = f"Supported values are: {_listed(quoted, 'and')}."
    if len(quoted) == 1:
        supported = f"Value must be {quoted[0]}."
    raise Invalid(f"Invalid value: '{value}'. {supported}", "invalid_value", *path)


def _missing(name: str) -> Invalid:
    code = "missing_required_parameter"
    return Invalid(".", code, name, before="Missing required parameter:")


def _unknown(name: str) -> Invalid:
    return Invalid(".", "unknown_parameter", name, before="Unknown parameter:")


# Schemas as checks


class Mode(Enum):
    """How far a check goes."""

    STRICT = "what is not known is refused"
    LENIENT = "what is not known may pass"
    MODEL = "so may it, but what is required is there, be it null: an answer"


_SCALARS = {"boolean": bool, "integer": int, "string": str}


def checked(schema: Schema, mode: Mode) -> Check:
    """The check that a schema means."""
    if "$ref" in schema:
        name = schema["$ref"]
        inner: Check = lambda value: _definition(name, mode)(value)  # noqa: E731
    elif "enum" in schema:
        inner = _one_of(schema)
    elif "anyOf" in schema:
        inner = _any_of(schema["anyOf"], mode)
    elif schema.get("type") == "array":
        inner = _array(schema, mode)
    elif schema.get("type") == "object":
        inner = _object(schema, mode)
    else:
        inner = _scalar(schema)
    if not schema.get("nullable"):
        return inner
    return lambda value: None if value is None else inner(value)


# Members of a definition that the SDK does not tell of: people send back the message they got, also
# from its `.parse()`, and a tool's result under its name, as OpenAI's cookbook does.
_ALSO: dict[str, dict[str, Schema]] = {
    "ChatCompletionAssistantMessageParam": {
        "annotations": {},
        "parsed": {},
        "reasoning": {},
        "reasoning_content": {},
    },
    "ChatCompletionToolMessageParam": {"name": {}},
    "Function": {"parsed_arguments": {}},
    # What OpenAI ignores, as recorded with an answer of 200: the index of a streamed call given
    # back, and a tool in the form of the other API beside its own.
    "RequiredActionFunctionToolCall": {"index": {}},
    "FunctionToolParam": {"name": {}},
    "FunctionToolParam2": {"function": {}},
    # What an assistant said may be given back without its id.
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

# Members that the SDK's types want and OpenAI's own guides leave out.
_LEFT_OUT = {
    "ImageGenerationCall": {"result", "status"},
    "ResponseFunctionWebSearchParam": {"action"},
    "ResponseInputImageParam": {"detail"},
    "ResponseOutputMessageParam": {"id", "status"},
    "ResponseOutputTextParam": {"annotations"},
    "ResponseReasoningItemParam": {"id"},
}


@cache
def _definition(name: str, mode: Mode) -> Check:
    schema = resolved({"$ref": name})
    if name in _ALSO:
        schema = schema | {"properties": schema["properties"] | _ALSO[name]}
    if name in _LEFT_OUT and mode is not Mode.MODEL:
        required = [one for one in schema["required"] if one not in _LEFT_OUT[name]]
        schema = schema | {"required": required}
    return checked(schema, mode)


def _scalar(schema: Schema) -> Check:
    kind = _SCALARS.get(schema.get("type", "")) if "format" not in schema else None
    takes = kinds_of(schema) | ({"integer"} if schema.get("type") == "number" else set())

    def check(value: Any) -> None:
        if type(value) is not kind and kind_of(value) not in takes:
            _wrong_type(value, schema)

    return check


def _one_of(schema: Schema) -> Check:
    allowed = schema["enum"]
    kinds = kinds_of(schema)

    def check(value: Any) -> None:
        if value in allowed and kind_of(value) in kinds:
            return
        if kind_of(value) not in kinds:
            _wrong_type(value, schema)
        _wrong_value(value, allowed)

    return check


def _array(schema: Schema, mode: Mode) -> Check:
    item = checked(schema["items"], mode) if schema.get("items") else None

    def check(value: Any) -> None:
        if not isinstance(value, list):
            _wrong_type(value, schema)
        if item is not None:
            for index, one in enumerate(value):
                try:
                    item(one)
                except Invalid as wrong:
                    raise wrong.within(index) from None

    return check


_MANY = 10  # members that are looked at in the time that sorting those of a request takes


def _object(schema: Schema, mode: Mode) -> Check:
    properties = schema.get("properties", {})
    members = {name: checked(inner, mode) for name, inner in properties.items()}
    required = {
        name
        for name in schema.get("required", ())
        # OpenAI takes an absent parameter for null.
        if mode is Mode.MODEL or not properties[name] or "null" not in kinds_of(properties[name])
    }
    others = schema.get("additionalProperties")
    other = checked(others, mode) if others else None
    told = mode is Mode.STRICT and "properties" in schema and others is None
    places = {name: place for place, name in enumerate(members)}

    def check(value: Any) -> None:
        if not isinstance(value, dict):
            _wrong_type(value, schema)
        names: Iterable[str] = members
        if len(members) > _MANY:  # of which a request has few: the rest need not be looked at
            names = sorted((value.keys() | required) & places.keys(), key=places.__getitem__)
        for name in names:
            member = members[name]
            one = value.get(name)
            # OpenAI takes null for an absent parameter, too.
            if one is None and (mode is not Mode.MODEL or name not in value):
                if name in required:
                    raise _missing(name)
                continue
            try:
                member(one)
            except Invalid as wrong:
                raise wrong.within(name) from None
        if told:
            for name in value:
                if name not in members:
                    raise _unknown(name)
        elif other is not None:
            for name, one in value.items():
                try:
                    other(one)
                except Invalid as wrong:
                    raise wrong.within(name) from None

    return check


def _any_of(branches: list[Schema], mode: Mode) -> Check:
    by_kind: dict[str, list[Schema]] = {}
    for branch in branches:
        for kind in kinds_of(branch):
            by_kind.setdefault(kind, []).append(branch)
    if "number" in by_kind and "integer" not in by_kind:
        by_kind["integer"] = by_kind["number"]
    checks: dict[str, Check] = {}

    def check(value: Any) -> None:
        kind = kind_of(value)
        found = checks.get(kind)
        if found is None:
            if kind not in by_kind:
                _wrong_type(value, *branches)
            found = checks[kind] = _several(by_kind[kind], kind, mode)
        found(value)

    return check


def _several(
    schemas: list[Schema], kind: str, mode: Mode, tags: frozenset[str] = frozenset()
) -> Check:
    """The check of schemas that all take values of this kind; these tags have been looked at."""
    if len(schemas) == 1:
        return checked(schemas[0], mode)
    if kind == "object" and (name := _tag(schemas, tags)):
        return _tagged(schemas, name, mode, tags | {name})
    checks = [checked(schema, mode) for schema in schemas]

    def check(value: Any) -> None:
        deepest: Invalid | None = None
        for one in checks:
            try:
                return one(value)
            except Invalid as wrong:
                if deepest is None or len(wrong.path) > len(deepest.path):
                    deepest = wrong
        assert deepest is not None
        raise deepest

    return check


def _tag(schemas: list[Schema], but: frozenset[str]) -> str | None:
    """The member whose value tells these objects apart best; None where none does."""
    worth: dict[str, int] = {}
    names = {name for schema in schemas for name in resolved(schema).get("properties", {})}
    for name in names - but:
        values = [tuple(found) for schema in schemas if (found := _values(schema, name))]
        if len(set(values)) > 1 or 0 < len(values) < len(schemas):
            worth[name] = len(values)
    return max(sorted(worth), key=lambda name: worth[name], default=None)


def _values(schema: Schema, name: str) -> list[Any]:
    """The values that a member may have, where they are told."""
    member = resolved(schema).get("properties", {}).get(name, {})
    found: list[Any] = resolved(member).get("enum", [])
    return found


def _tagged(schemas: list[Schema], name: str, mode: Mode, tags: frozenset[str]) -> Check:
    by_value: dict[Any, list[Schema]] = {}
    untold = [schema for schema in schemas if not _values(schema, name)]
    optional = [s for s in schemas if name not in resolved(s).get("required", ())]
    for schema in schemas:
        for value in _values(schema, name):
            by_value.setdefault(value, []).append(schema)
    known = list(by_value)
    # Who has the member, and has it, is none of those that do not know it.
    anything = [schema for schema in untold if name in resolved(schema).get("properties", {})]
    for several in by_value.values():
        several += untold
    checks: dict[Any, Check] = {}

    def check(value: Any) -> None:
        tag = value.get(name)
        found = checks.get(tag) if isinstance(tag, str | None) else None
        if found is None:
            if tag is None:
                fitting = optional
                if not fitting:
                    raise _missing(name)
            else:
                fitting = by_value.get(tag, anything) if isinstance(tag, str) else anything
                if not fitting:
                    if not isinstance(tag, str):
                        _wrong_type_of(tag, name)
                    _wrong_value(tag, known, name)
            found = _several(fitting, "object", mode, tags)
            if tag is None or (isinstance(tag, str) and tag in by_value):
                checks[tag] = found
        found(value)

    return check


def _wrong_type_of(value: object, name: str) -> NoReturn:
    try:
        _wrong_type(value, {"type": "string"})
    except Invalid as wrong:
        raise wrong.within(name) from None


def fits(schema: Schema, value: object) -> bool:
    """Whether a value is as a schema says, in an object of which more may be known."""
    try:
        checked(schema, Mode.MODEL)(value)
    except Invalid:
        return False
    return True
