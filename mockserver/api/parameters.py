"""What a request's parameters must be, and the error OpenAI answers where they are not.

Rules of this file: the SDK's schema says what is wanted, `LIMITS` within what bounds; the first
fault is told. Messages and codes are OpenAI's own wording. A check is a function of a value that
raises `Invalid`; what is right costs no more than looking at it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, NoReturn

from mockserver.api import errors
from mockserver.api.schema import Schema, operation, resolved
from mockserver.api.structured import check_structured
from mockserver.reply import ApiError

__all__ = ["LIMITS", "Invalid", "Limit", "Parameters", "coerced", "fits", "parameters_of"]

Check = Callable[[Any], None]


class Invalid(Exception):
    """A value that is not as wanted: what is said of it, and where it is."""

    def __init__(self, message: str, code: str | None, *path: str | int) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.path = list(path)

    def within(self, *outer: str | int) -> Invalid:
        """The same, of a value further out."""
        self.path[:0] = outer
        return self

    def error(self) -> ApiError:
        """What OpenAI answers; ``{}`` in the message is the place."""
        at = _place(self.path)
        return ApiError(400, self.message.replace("{}", at, 1), None, self.code, at or None)


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
_WORDS = {
    "boolean": "boolean",
    "integer": "integer",
    "number": "decimal",
    "string": "string",
    "array": "array",
    "object": "object",
    "null": "null",
    "file": "file",
}
_ANY = frozenset(_WORDS)


def _kind(value: object) -> str:
    # Files are bytes of a class of their own.
    return _KINDS.get(type(value)) or ("file" if isinstance(value, bytes) else "object")


def _a(word: str) -> str:
    return word if word == "null" else f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _kinds(schema: Schema) -> frozenset[str]:
    """The kinds of value that a schema takes."""
    schema = resolved(schema)
    null = {"null"} if schema.get("nullable") else frozenset()
    if "enum" in schema:
        return frozenset({_KINDS[type(one)] for one in schema["enum"]} | null)
    if "anyOf" in schema:
        return frozenset(null).union(*map(_kinds, schema["anyOf"]))
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
    for kind in sorted(_kinds(schema) - {"null"}):
        inner = dict.fromkeys(_names(schema["items"])) if schema.get("items") else {}
        of = f" of {next(iter(inner))}s" if len(inner) == 1 and kind == "array" else ""
        yield _WORDS[kind] + of


def _wrong_type(value: object, *schemas: Schema) -> NoReturn:
    names = list(dict.fromkeys(name for schema in schemas for name in _names(schema)))
    wanted = _a(names[0]) if names else "nothing"
    if len(names) > 1:
        wanted = f"one of {_listed(names, 'or', wanted)}"
    got = _a(_WORDS[_kind(value)])
    message = f"Invalid type for '{{}}': expected {wanted}, but got {got} instead."
    raise Invalid(message, "invalid_type")


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
    return Invalid("Missing required parameter: '{}'.", "missing_required_parameter", name)


def _unknown(name: str) -> Invalid:
    return Invalid("Unknown parameter: '{}'.", "unknown_parameter", name)


# Schemas as checks


class Mode(Enum):
    """How far a check goes."""

    STRICT = "what is not known is refused"
    LENIENT = "what is not known may pass"
    MODEL = "so may it, but what is required is there, be it null: an answer"


_SCALARS = {"boolean": bool, "integer": int, "string": str}


def _checked(schema: Schema, mode: Mode) -> Check:
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


_TAKEN: dict[str, tuple[str, ...]] = {
    "ChatCompletionAssistantMessageParam": ("annotations",),
    "ChatCompletionToolMessageParam": ("name",),
}
"""By definition, what OpenAI takes though the SDK's types know nothing of it.

A conversation may have an answer's message appended as it is, and a tool's result under the tool's
name: OpenAI's guide and cookbook on function calling do, and real clients with them.
"""


@cache
def _definition(name: str, mode: Mode) -> Check:
    schema = resolved({"$ref": name})
    if taken := _TAKEN.get(name):
        schema = schema | {"properties": schema["properties"] | {key: {} for key in taken}}
    return _checked(schema, mode)


def _scalar(schema: Schema) -> Check:
    kind = _SCALARS.get(schema.get("type", "")) if "format" not in schema else None
    takes = _kinds(schema) | ({"integer"} if schema.get("type") == "number" else set())

    def check(value: Any) -> None:
        if type(value) is not kind and _kind(value) not in takes:
            _wrong_type(value, schema)

    return check


def _one_of(schema: Schema) -> Check:
    allowed = schema["enum"]
    kinds = _kinds(schema)

    def check(value: Any) -> None:
        if value in allowed and _kind(value) in kinds:
            return
        if _kind(value) not in kinds:
            _wrong_type(value, schema)
        _wrong_value(value, allowed)

    return check


def _array(schema: Schema, mode: Mode) -> Check:
    item = _checked(schema["items"], mode) if schema.get("items") else None

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


def _object(schema: Schema, mode: Mode) -> Check:
    properties = schema.get("properties", {})
    members = {name: _checked(inner, mode) for name, inner in properties.items()}
    required = {
        name
        for name in schema.get("required", ())
        # OpenAI takes an absent parameter for null.
        if mode is Mode.MODEL or not properties[name] or "null" not in _kinds(properties[name])
    }
    others = schema.get("additionalProperties")
    other = _checked(others, mode) if others else None
    told = mode is Mode.STRICT and "properties" in schema and others is None

    def check(value: Any) -> None:
        if not isinstance(value, dict):
            _wrong_type(value, schema)
        for name, member in members.items():
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
        for kind in _kinds(branch):
            by_kind.setdefault(kind, []).append(branch)
    if "number" in by_kind and "integer" not in by_kind:
        by_kind["integer"] = by_kind["number"]
    checks: dict[str, Check] = {}

    def check(value: Any) -> None:
        kind = _kind(value)
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
        return _checked(schemas[0], mode)
    if kind == "object" and (name := _tag(schemas, tags)):
        return _tagged(schemas, name, mode, tags | {name})
    checks = [_checked(schema, mode) for schema in schemas]

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
                fitting = by_value.get(tag, untold) if isinstance(tag, str) else untold
                if not fitting:
                    if not isinstance(tag, str):
                        _wrong_type_of(tag, name)
                    _wrong_value(tag, known, name)
            found = _several(fitting, "object", mode, tags)
            if tag is None or tag in by_value:
                checks[tag] = found
        found(value)

    return check


def _wrong_type_of(value: object, name: str) -> NoReturn:
    try:
        _wrong_type(value, {"type": "string"})
    except Invalid as wrong:
        raise wrong.within(name) from None


# Bounds


@dataclass(frozen=True, slots=True)
class Limit:
    """Bounds: of a number, or of how many characters, items or members there are."""

    low: float | None = None
    high: float | None = None
    least: int | None = None
    most: int | None = None

    def check(self, value: Any, schema: Schema) -> None:
        """Raise Invalid for a value out of bounds."""
        kind = _kind(value)
        if kind in ("integer", "number"):
            word = _WORDS["number" if "number" in _kinds(schema) else kind]
            if self.low is not None and value < self.low:
                raise _out_of_bounds(value, word, "below", "min", ">=", self.low)
            if self.high is not None and value > self.high:
                raise _out_of_bounds(value, word, "above", "max", "<=", self.high)
        elif kind in ("array", "string"):
            if self.least is not None and len(value) < self.least:
                raise Invalid(
                    f"Invalid '{{}}': empty {kind}. Expected {_a(kind)} with minimum length "
                    f"{self.least}, but got an empty {kind} instead.",
                    f"empty_{kind}",
                )
            if self.most is not None and len(value) > self.most:
                raise Invalid(
                    f"Invalid '{{}}': {kind} too long. Expected {_a(kind)} with maximum length "
                    f"{self.most}, but got {_a(kind)} with length {len(value)} instead.",
                    f"{kind}_above_max_length",
                )
        elif kind == "object" and self.most is not None and len(value) > self.most:
            raise Invalid(
                "Invalid '{}': too many properties. Expected an object with at most "
                f"{self.most} properties, but got an object with {len(value)} properties instead.",
                "object_above_max_properties",
            )


def _out_of_bounds(
    value: float, word: str, side: str, end: str, sign: str, bound: float
) -> Invalid:
    return Invalid(
        f"Invalid '{{}}': {word} {side} {end}imum value. "
        f"Expected a value {sign} {bound}, but got {value} instead.",
        f"{word}_{side}_{end}_value",
    )


_SAMPLING = {
    "temperature": Limit(0, 2),
    "top_p": Limit(0, 1),
    "top_logprobs": Limit(0, 20),
    "metadata": Limit(most=16),
}
_CHAT = {
    "messages": Limit(least=1),
    "frequency_penalty": Limit(-2, 2),
    "presence_penalty": Limit(-2, 2),
    "max_completion_tokens": Limit(0),
    "max_tokens": Limit(0),
    "n": Limit(1, 128),
    "stop": Limit(most=4),
    "tools": Limit(most=128),
}

# By the end of a path; "" is for all. From OpenAI's API reference.
LIMITS: dict[str, Mapping[str, Limit]] = {
    "": _SAMPLING | {"limit": Limit(0)},
    "/chat/completions": _CHAT,
    "/v1/completions": {
        "best_of": Limit(0, 20),
        "frequency_penalty": Limit(-2, 2),
        "logprobs": Limit(0, 5),
        "max_tokens": Limit(0),
        "n": Limit(1, 128),
        "presence_penalty": Limit(-2, 2),
    },
    "/responses": {"max_output_tokens": Limit(0), "max_tool_calls": Limit(0)},
    "/embeddings": {"dimensions": Limit(1), "input": Limit(least=1, most=None)},
    "/images/generations": {"n": Limit(1, 10), "output_compression": Limit(0, 100)},
    "/images/edits": {"n": Limit(1, 10), "output_compression": Limit(0, 100)},
    "/images/variations": {"n": Limit(1, 10)},
    "/audio/speech": {"input": Limit(most=4096), "speed": Limit(0.25, 4)},
    "/search": {"max_num_results": Limit(1, 50)},
}


# Endpoints

_ANYWHERE = frozenset({"api-version", "beta"})
"""Of any query: Azure's version, and the preview of an endpoint's next version."""

_OLDER = ("/chat/completions", "/v1/completions", "/embeddings", "/moderations")
"""The endpoints that speak of request arguments and ask for a model in words of their own."""


class Parameters:
    """The parameters of an endpoint's body or query.

    Args:
        method, path: the endpoint's.
        part: ``body`` or ``query``.

    >>> Parameters("POST", "/v1/embeddings").check({"input": "Hi"}).message
    'you must provide a model parameter'
    """

    def __init__(self, method: str, path: str, part: str = "body") -> None:
        self._where = method, path
        self._part = part
        self._checks: dict[Mode, Check] = {}
        self._older = method == "POST" and path.endswith(_OLDER)
        self._limits = {
            name: limit
            for end, limits in LIMITS.items()
            if path.endswith(end)
            for name, limit in limits.items()
        }

    @property
    def schema(self) -> Schema:
        """The object whose properties are the parameters."""
        found: Schema | None = getattr(operation(*self._where), self._part)
        return {"type": "object", "properties": {}} if found is None else resolved(found)

    def coerced(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A form's or a query's parameters, which are all text, as what they should be."""
        properties = self.schema.get("properties", {})
        return {
            k: coerced(properties.get(k, {}), v) for k, v in request.items() if k not in _ANYWHERE
        }

    def check(self, request: Mapping[str, Any], lenient: bool = False) -> ApiError | None:
        """The error for the first parameter that is unknown, missing or wrong; None without one.

        Args:
            request: the parameters.
            lenient: let unknown ones pass.
        """
        mode = Mode.LENIENT if lenient else Mode.STRICT
        check = self._checks.get(mode)
        if check is None:
            check = self._checks[mode] = _checked(self.schema, mode)
        try:
            check(request)
            for name, limit in self._limits.items():
                if (value := request.get(name)) is not None:
                    try:
                        limit.check(value, self.schema["properties"].get(name, {}))
                    except Invalid as wrong:
                        raise wrong.within(name) from None
        except Invalid as wrong:
            return self._told(wrong, request)
        return _together(request) or check_structured(request)

    def _told(self, wrong: Invalid, request: Mapping[str, Any]) -> ApiError:
        properties = self.schema.get("properties", {})
        if self._older and wrong.path == ["model"] and "model" not in request:
            return ApiError(400, "you must provide a model parameter")
        if self._older and wrong.code == "unknown_parameter" and len(wrong.path) == 1:
            return errors.unknown_parameters([name for name in request if name not in properties])
        return wrong.error()


def parameters_of(method: str, path: str, part: str = "body") -> Parameters:
    """What an endpoint takes, as the SDK's types say; looked up when first asked for."""
    return Parameters(method, path, part)


_APART = (("max_tokens", "max_completion_tokens"),)
"""Parameters that exclude each other."""


def _together(request: Mapping[str, Any]) -> ApiError | None:
    for one, other in _APART:
        if request.get(one) and request.get(other):
            return ApiError(
                400,
                f"Setting '{one}' and '{other}' at the same time is not supported.",
                None,
                "invalid_parameter_combination",
                one,
            )
    return None


def fits(schema: Schema, value: object) -> bool:
    """Whether a value is as a schema says, in an object of which more may be known."""
    try:
        _checked(schema, Mode.MODEL)(value)
    except Invalid:
        return False
    return True


_TEXTS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "boolean": {"true": True, "false": False}.__getitem__,
}


def coerced(schema: Schema, value: Any) -> Any:
    """What a text in a form or a query means; the text itself where it can mean nothing else.

    >>> coerced({"type": "integer"}, "20"), coerced({"type": "integer"}, "many")
    (20, 'many')
    """
    schema = resolved(schema)
    if isinstance(value, dict):
        several = [resolved(one) for one in schema.get("anyOf", [schema])]
        known = {k: v for one in several for k, v in one.get("properties", {}).items()}
        return {k: coerced(known.get(k, {}), v) for k, v in value.items()}
    if isinstance(value, list):
        items = [o["items"] for o in schema.get("anyOf", [schema]) if "items" in resolved(o)]
        return [coerced(items[0], v) if items else v for v in value]
    kinds = _kinds(schema)
    if not isinstance(value, str) or "string" in kinds:
        return value
    for kind, meant in _TEXTS.items():
        if kind in kinds:
            try:
                return meant(value)
            except (ValueError, KeyError):
                continue
    return value
