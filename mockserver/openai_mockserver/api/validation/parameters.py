"""Check a request's parameters, and return OpenAI's error for the first invalid one.

Rules of this file: the SDK's schema states the types, `LIMITS` the bounds. Messages and codes are
OpenAI's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from openai_mockserver.api import errors
from openai_mockserver.api.validation.checks import (
    WORDS,
    Check,
    Invalid,
    Mode,
    add_article,
    compile_check,
    kind_of,
    kinds_of,
)
from openai_mockserver.api.validation.schema import Schema, operation, resolve
from openai_mockserver.api.validation.structured_output import check_structured
from openai_mockserver.reply import ApiError

__all__ = ["LIMITS", "Limit", "Parameters", "coerce", "parameters_of"]

# Bounds


@dataclass(frozen=True, slots=True)
class Limit:
    """Bounds of a parameter. Only those of the value's type apply.

    Args:
        low, high: bounds of a number.
        characters: maximum length of a text.
        items: maximum number of a list's items or an object's members.
        empty: whether a text or a list may be empty.
    """

    low: float | None = None
    high: float | None = None
    characters: int | None = None
    items: int | None = None
    empty: bool = True

    def check(self, value: Any, schema: Schema) -> None:
        """Raise Invalid if a value is out of bounds."""
        kind = kind_of(value)
        if kind in ("integer", "number"):
            word = WORDS["number" if "number" in kinds_of(schema) else kind]
            if self.low is not None and value < self.low:
                raise _build_bounds_error(value, word, "below", "min", ">=", self.low)
            if self.high is not None and value > self.high:
                raise _build_bounds_error(value, word, "above", "max", "<=", self.high)
        elif kind in ("array", "string"):
            noun = add_article(kind)
            if not (value or self.empty):
                raise Invalid(
                    f": empty {kind}. Expected {noun} with minimum length 1, "
                    f"but got an empty {kind} instead.",
                    f"empty_{kind}",
                    prefix="Invalid",
                )
            maximum = self.items if kind == "array" else self.characters
            if maximum is not None and len(value) > maximum:
                raise Invalid(
                    f": {kind} too long. Expected {noun} with maximum length "
                    f"{maximum}, but got {noun} with length {len(value)} instead.",
                    f"{kind}_above_max_length",
                    prefix="Invalid",
                )
        elif kind == "object" and self.items is not None and len(value) > self.items:
            raise Invalid(
                ": too many properties. Expected an object with at most "
                f"{self.items} properties, but got an object with {len(value)} properties instead.",
                "object_above_max_properties",
                prefix="Invalid",
            )


def _build_bounds_error(
    value: float, word: str, side: str, end: str, sign: str, limit: float
) -> Invalid:
    return Invalid(
        f": {word} {side} {end}imum value. "
        f"Expected a value {sign} {limit}, but got {value} instead.",
        f"{word}_{side}_{end}_value",
        prefix="Invalid",
    )


_LONGEST = 10 << 20  # characters of one text in a prompt

_SAMPLING = {
    "temperature": Limit(0, 2),
    "top_p": Limit(0, 1),
    "top_logprobs": Limit(0, 20),
    "metadata": Limit(items=16),
}
_CHAT = {
    "messages": Limit(empty=False, items=2048),
    "frequency_penalty": Limit(-2, 2),
    "presence_penalty": Limit(-2, 2),
    "max_completion_tokens": Limit(0),
    "max_tokens": Limit(0),
    "n": Limit(1, 128),
    "stop": Limit(items=4),
    "tools": Limit(items=128),
}

_IMAGES = {
    "n": Limit(1, 10),
    "output_compression": Limit(0, 100),
    "partial_images": Limit(0, 3),
}

# By the end of the path; "" applies to all. From OpenAI's API reference and from errors that its
# users report; the limits of moderations' input and of completions' prompts (in `api.completions`)
# are our own choice.
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
        "stop": Limit(items=4),
    },
    "/conversations": {"items": Limit(items=20)},
    "/conversations/{conversation_id}/items": {"items": Limit(items=20)},
    "/moderations": {"input": Limit(items=2048)},
    "/responses": {
        "input": Limit(characters=_LONGEST),
        "max_output_tokens": Limit(0),
        "max_tool_calls": Limit(0),
    },
    "/embeddings": {"dimensions": Limit(1, 8192), "input": Limit(empty=False)},
    "/images/generations": _IMAGES,
    "/images/edits": _IMAGES,
    "/images/variations": {"n": Limit(1, 10)},
    "/audio/speech": {"input": Limit(characters=4096), "speed": Limit(0.25, 4)},
    "/search": {"max_num_results": Limit(1, 50)},
}


# Endpoints

_ANYWHERE = frozenset({"api-version", "beta"})
"""Parameters of every query: Azure's version, and the preview of an endpoint's next version."""

_OLDER_ENDPOINTS = ("/chat/completions", "/v1/completions", "/embeddings", "/moderations")
"""Endpoints with different messages for unknown parameters and a missing model."""


class Parameters:
    """The parameters of an endpoint's body or query.

    Args:
        method, path: method and path of the endpoint.
        part: ``body`` or ``query``.

    >>> Parameters("POST", "/v1/embeddings").check({"input": "Hi"}).message
    'you must provide a model parameter'
    """

    def __init__(self, method: str, path: str, part: str = "body") -> None:
        self._endpoint = method, path
        self._part = part
        self._checks: dict[Mode, Check] = {}
        self._valid_bodies: set[tuple[bytes, bool]] = set()
        self._is_older = method == "POST" and path.endswith(_OLDER_ENDPOINTS)
        self._limits = {
            name: limit
            for end, limits in LIMITS.items()
            if path.endswith(end)
            for name, limit in limits.items()
        }

    @cached_property
    def _properties(self) -> Mapping[str, Schema]:
        properties: Mapping[str, Schema] = self.schema["properties"]
        return properties

    @property
    def schema(self) -> Schema:
        """The object schema whose properties are the parameters."""
        schema: Schema | None = getattr(operation(*self._endpoint), self._part)
        return {"type": "object", "properties": {}} if schema is None else resolve(schema)

    def coerce(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Convert the parameters of a form or a query from text to their types."""
        properties = self.schema.get("properties", {})
        return {
            k: coerce(properties.get(k, {}), v) for k, v in request.items() if k not in _ANYWHERE
        }

    def check_body(
        self, body: bytes, request: Mapping[str, Any], lenient: bool = False
    ) -> ApiError | None:
        """Check as `check` does, and remember which bodies are valid.

        Args:
            body: the bytes that the parameters were read from.
            request: the parameters.
            lenient: allow unknown parameters.
        """
        key = (body, lenient)
        if key in self._valid_bodies:
            return None
        error = self.check(request, lenient)
        if error is None and len(body) <= _LONGEST_BODY:
            if len(self._valid_bodies) >= _MOST_BODIES:
                self._valid_bodies.clear()
            self._valid_bodies.add(key)
        return error

    def check(self, request: Mapping[str, Any], lenient: bool = False) -> ApiError | None:
        """Return the error for the first parameter that is unknown, missing or invalid, or None.

        Args:
            request: the parameters.
            lenient: allow unknown parameters.
        """
        mode = Mode.LENIENT if lenient else Mode.STRICT
        check = self._checks.get(mode)
        if check is None:
            check = self._checks[mode] = compile_check(self.schema, mode)
        try:
            check(request)
            limited_names = self._limits.keys() & request.keys()
            for name in (
                limited_names
                if len(limited_names) < 2
                else filter(limited_names.__contains__, self._limits)
            ):
                if (value := request[name]) is not None:
                    try:
                        self._limits[name].check(value, self._properties.get(name, {}))
                    except Invalid as invalid:
                        raise invalid.within(name) from None
            _check_messages(request)
        except Invalid as invalid:
            return self._build_error(invalid, request)
        return _check_exclusive(request) or check_structured(request)

    def _build_error(self, invalid: Invalid, request: Mapping[str, Any]) -> ApiError:
        properties = self.schema.get("properties", {})
        if self._is_older and invalid.path == ["model"] and "model" not in request:
            return ApiError(400, "you must provide a model parameter")
        if self._is_older and invalid.code == "unknown_parameter" and len(invalid.path) == 1:
            return errors.unknown_parameters([name for name in request if name not in properties])
        return invalid.error()


def parameters_of(method: str, path: str, part: str = "body") -> Parameters:
    """Return the parameters of an endpoint; their schema is read on first use."""
    return Parameters(method, path, part)


_LONGEST_BODY = 4096  # bytes of a body that is remembered, at most
_MOST_BODIES = 256  # bodies that are remembered, at most

_MESSAGE_LIMITS = {
    "content": Limit(characters=_LONGEST, items=16384),
    "tool_calls": Limit(items=128),
}


def _check_messages(request: Mapping[str, Any]) -> None:
    """Raise Invalid if a message, or an item of a response's input, exceeds its limits."""
    for place in ("messages", "input"):
        messages = request.get(place)
        for index, message in enumerate(messages if isinstance(messages, list) else ()):
            for name, limit in _MESSAGE_LIMITS.items() if isinstance(message, dict) else ():
                value = message.get(name)
                if not value or (type(value) is str and len(value) <= _LONGEST):
                    continue  # as nearly always
                try:
                    limit.check(value, {})
                except Invalid as invalid:
                    raise invalid.within(place, index, name) from None


_EXCLUSIVE = (("max_tokens", "max_completion_tokens"),)
"""Pairs of parameters that exclude each other."""


def _check_exclusive(request: Mapping[str, Any]) -> ApiError | None:
    for one, other in _EXCLUSIVE:
        if request.get(one) and request.get(other):
            return ApiError(
                400,
                f"Setting '{one}' and '{other}' at the same time is not supported.",
                None,
                "invalid_parameter_combination",
                one,
            )
    return None


_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": float,
    "boolean": {"true": True, "false": False}.__getitem__,
}


def coerce(schema: Schema, value: Any) -> Any:
    """Return the value that a text in a form or a query stands for, or the text if it fits no type.

    >>> coerce({"type": "integer"}, "20"), coerce({"type": "integer"}, "many")
    (20, 'many')
    """
    schema = resolve(schema)
    if isinstance(value, dict):
        schemas = [resolve(one) for one in schema.get("anyOf", [schema])]
        properties = {k: v for one in schemas for k, v in one.get("properties", {}).items()}
        return {k: coerce(properties.get(k, {}), v) for k, v in value.items()}
    if isinstance(value, list):
        items = [o["items"] for o in schema.get("anyOf", [schema]) if "items" in resolve(o)]
        return [coerce(items[0], v) if items else v for v in value]
    kinds = kinds_of(schema)
    if not isinstance(value, str) or "string" in kinds:
        return value
    for kind, convert in _CONVERTERS.items():
        if kind in kinds:
            try:
                return convert(value)
            except (ValueError, KeyError):
                continue
    return value
