"""What a request's parameters must be, and the error OpenAI answers where they are not.

Rules of this file: the SDK's schema says what is wanted, `LIMITS` within what bounds; the first
fault is told. Messages and codes are OpenAI's own wording.
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
    checked,
    kind_of,
    kinds_of,
    with_article,
)
from openai_mockserver.api.validation.schema import Schema, operation, resolved
from openai_mockserver.api.validation.structured_output import check_structured
from openai_mockserver.reply import ApiError

__all__ = ["LIMITS", "Limit", "Parameters", "coerced", "parameters_of"]

# Bounds


@dataclass(frozen=True, slots=True)
class Limit:
    """Bounds: of a number, of a text, and of a list or an object; of what it is, they count.

    Args:
        low, high: of a number.
        characters: the most of a text.
        items: the most of a list, or members of an object.
        empty: whether there may be none.
    """

    low: float | None = None
    high: float | None = None
    characters: int | None = None
    items: int | None = None
    empty: bool = True

    def check(self, value: Any, schema: Schema) -> None:
        """Raise Invalid for a value out of bounds."""
        kind = kind_of(value)
        if kind in ("integer", "number"):
            word = WORDS["number" if "number" in kinds_of(schema) else kind]
            if self.low is not None and value < self.low:
                raise _out_of_bounds(value, word, "below", "min", ">=", self.low)
            if self.high is not None and value > self.high:
                raise _out_of_bounds(value, word, "above", "max", "<=", self.high)
        elif kind in ("array", "string"):
            one = with_article(kind)
            if not (value or self.empty):
                raise Invalid(
                    f": empty {kind}. Expected {one} with minimum length 1, "
                    f"but got an empty {kind} instead.",
                    f"empty_{kind}",
                    before="Invalid",
                )
            most = self.items if kind == "array" else self.characters
            if most is not None and len(value) > most:
                raise Invalid(
                    f": {kind} too long. Expected {one} with maximum length "
                    f"{most}, but got {one} with length {len(value)} instead.",
                    f"{kind}_above_max_length",
                    before="Invalid",
                )
        elif kind == "object" and self.items is not None and len(value) > self.items:
            raise Invalid(
                ": too many properties. Expected an object with at most "
                f"{self.items} properties, but got an object with {len(value)} properties instead.",
                "object_above_max_properties",
                before="Invalid",
            )


def _out_of_bounds(
    value: float, word: str, side: str, end: str, sign: str, bound: float
) -> Invalid:
    return Invalid(
        f": {word} {side} {end}imum value. "
        f"Expected a value {sign} {bound}, but got {value} instead.",
        f"{word}_{side}_{end}_value",
        before="Invalid",
    )


_LONGEST = 10 << 20  # characters of a text that is said to a model

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

_PICTURES = {
    "n": Limit(1, 10),
    "output_compression": Limit(0, 100),
    "partial_images": Limit(0, 3),
}

# By the end of a path; "" is for all. From OpenAI's API reference, and from errors that its users
# report; those of moderations' input and of completions' prompts (in `api.completions`) are ours.
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
    "/images/generations": _PICTURES,
    "/images/edits": _PICTURES,
    "/images/variations": {"n": Limit(1, 10)},
    "/audio/speech": {"input": Limit(characters=4096), "speed": Limit(0.25, 4)},
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
        self._right: set[tuple[bytes, bool]] = set()
        self._older = method == "POST" and path.endswith(_OLDER)
        self._limits = {
            name: limit
            for end, limits in LIMITS.items()
            if path.endswith(end)
            for name, limit in limits.items()
        }

    @cached_property
    def _properties(self) -> Mapping[str, Schema]:
        found: Mapping[str, Schema] = self.schema["properties"]
        return found

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

    def check_body(
        self, body: bytes, request: Mapping[str, Any], lenient: bool = False
    ) -> ApiError | None:
        """As `check`, of the parameters that a body holds: one that was right is right again.

        Args:
            body: the bytes that the parameters were read from.
            request: the parameters.
            lenient: let unknown ones pass.
        """
        key = (body, lenient)
        if key in self._right:
            return None
        error = self.check(request, lenient)
        if error is None and len(body) <= _SHORT:
            if len(self._right) >= _KNOWN:
                self._right.clear()
            self._right.add(key)
        return error

    def check(self, request: Mapping[str, Any], lenient: bool = False) -> ApiError | None:
        """The error for the first parameter that is unknown, missing or wrong; None without one.

        Args:
            request: the parameters.
            lenient: let unknown ones pass.
        """
        mode = Mode.LENIENT if lenient else Mode.STRICT
        check = self._checks.get(mode)
        if check is None:
            check = self._checks[mode] = checked(self.schema, mode)
        try:
            check(request)
            limited = self._limits.keys() & request.keys()
            for name in limited if len(limited) < 2 else filter(limited.__contains__, self._limits):
                if (value := request[name]) is not None:
                    try:
                        self._limits[name].check(value, self._properties.get(name, {}))
                    except Invalid as wrong:
                        raise wrong.within(name) from None
            _check_messages(request)
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


_SHORT = 4096  # bytes of a body that is remembered
_KNOWN = 256  # bodies that are

_OF_A_MESSAGE = {
    "content": Limit(characters=_LONGEST, items=16384),
    "tool_calls": Limit(items=128),
}


def _check_messages(request: Mapping[str, Any]) -> None:
    """Raise Invalid for a message, also as an item of a response's input, with too much in it."""
    for place in ("messages", "input"):
        messages = request.get(place)
        for at, message in enumerate(messages if isinstance(messages, list) else ()):
            for name, limit in _OF_A_MESSAGE.items() if isinstance(message, dict) else ():
                value = message.get(name)
                if not value or (type(value) is str and len(value) <= _LONGEST):
                    continue  # as most are
                try:
                    limit.check(value, {})
                except Invalid as wrong:
                    raise wrong.within(place, at, name) from None


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
    kinds = kinds_of(schema)
    if not isinstance(value, str) or "string" in kinds:
        return value
    for kind, meant in _TEXTS.items():
        if kind in kinds:
            try:
                return meant(value)
            except (ValueError, KeyError):
                continue
    return value
