"""What a request's parameters must be, and the error OpenAI answers where they are not.

Rules of this file: a table says what is wanted, one function compares; the first fault is told.
Messages and codes are OpenAI's own wording.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.api import errors
from mockserver.reply import ApiError

__all__ = ["check_messages", "Parameter", "check"]

Check = Callable[[str, Any], ApiError | None]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What one parameter must be: a kind of `KINDS`, within bounds, and what ``then`` demands."""

    kind: str
    then: Check | None = None
    required: bool = False
    low: float | None = None
    high: float | None = None
    one_of: tuple[str, ...] = ()


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_array(value: object, of: type) -> bool:
    return isinstance(value, list) and all(isinstance(v, of) for v in value)


# kind: (its test, its article)
KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "string": (lambda v: isinstance(v, str), "a"),
    "boolean": (lambda v: isinstance(v, bool), "a"),
    "integer": (_is_integer, "an"),
    "decimal": (lambda v: _is_integer(v) or isinstance(v, float), "a"),
    "object": (lambda v: isinstance(v, dict), "an"),
    "array of objects": (lambda v: _is_array(v, dict), "an"),
    "array of strings": (lambda v: _is_array(v, str), "an"),
    "string or object": (lambda v: isinstance(v, str | dict), "one of a"),
    "string or array of objects": (
        lambda v: isinstance(v, str) or _is_array(v, dict),
        "one of a",
    ),
    "string or array of strings": (
        lambda v: isinstance(v, str) or _is_array(v, str),
        "one of a",
    ),
}


def _is_prompt(value: object) -> bool:
    if not isinstance(value, list):
        return isinstance(value, str)
    if all(map(_is_integer, value)) or _is_array(value, str):
        return True
    return all(isinstance(one, list) and all(map(_is_integer, one)) for one in value)


KINDS["file"] = (lambda v: isinstance(v, bytes), "a")  # which know their name
KINDS["string, array of strings, array of tokens, or array of token arrays"] = (
    _is_prompt,
    "one of a",
)

_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def _type_name(value: object) -> str:
    return next((name for kind, name in _TYPE_NAMES if isinstance(value, kind)), "null")


def check(
    request: Mapping[str, Any], table: Mapping[str, Parameter], lenient: bool = False
) -> ApiError | None:
    """The error for the first parameter that is unknown, missing or wrong; None where all is well.

    Args:
        request: the request's parameters.
        table: those the endpoint has.
        lenient: let unknown parameters pass.
    """
    unknown = [name for name in request if name not in table]
    if unknown and not lenient:
        return errors.unknown_parameters(unknown)
    for name, parameter in table.items():
        value = request.get(name)
        # OpenAI takes null for an absent optional parameter.
        error = (
            _check_one(name, value, parameter) if value is not None else _absent(name, parameter)
        )
        if error is not None:
            return error
    return None


def _absent(name: str, parameter: Parameter) -> ApiError | None:
    if not parameter.required:
        return None
    if name == "model":
        return ApiError(400, "you must provide a model parameter")
    return ApiError(
        400, f"Missing required parameter: '{name}'.", None, "missing_required_parameter", name
    )


def _check_one(name: str, value: Any, parameter: Parameter) -> ApiError | None:
    test, article = KINDS[parameter.kind]
    if not test(value):
        return _wrong_type(name, value, f"{article} {parameter.kind}")
    if parameter.one_of and value not in parameter.one_of:
        return _wrong_value(name, value, parameter.one_of)
    word = "integer" if parameter.kind == "integer" else "decimal"
    if parameter.low is not None and value < parameter.low:
        return _out_of_bounds(name, value, word, "below", "min", ">=", parameter.low)
    if parameter.high is not None and value > parameter.high:
        return _out_of_bounds(name, value, word, "above", "max", "<=", parameter.high)
    return parameter.then(name, value) if parameter.then else None


def _wrong_type(name: str, value: object, wanted: str) -> ApiError:
    return ApiError(
        400,
        f"Invalid type for '{name}': expected {wanted}, but got {_type_name(value)} instead.",
        None,
        "invalid_type",
        name,
    )


def _wrong_value(name: str, value: str, allowed: tuple[str, ...]) -> ApiError:
    quoted = [f"'{v}'" for v in allowed]
    listed = f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
    return ApiError(
        400,
        f"Invalid value: '{value}'. Supported values are: {listed}.",
        None,
        "invalid_value",
        name,
    )


def _out_of_bounds(
    name: str, value: float, word: str, side: str, end: str, sign: str, bound: float
) -> ApiError:
    return ApiError(
        400,
        f"Invalid '{name}': {word} {side} {end}imum value. "
        f"Expected a value {sign} {bound}, but got {value} instead.",
        None,
        f"{word}_{side}_{end}_value",
        name,
    )


_ROLES = ("system", "assistant", "user", "function", "tool", "developer")


def check_messages(name: str, messages: list[dict[str, Any]]) -> ApiError | None:
    """What each message of a chat must have."""
    if not messages:
        return ApiError(
            400,
            f"Invalid '{name}': empty array. "
            "Expected an array with minimum length 1, but got an empty array instead.",
            None,
            "empty_array",
            name,
        )
    for index, message in enumerate(messages):
        where = f"{name}[{index}]"
        for member, parameter in _MESSAGE.items():
            value = message.get(member)
            at = f"{where}.{member}"
            error = (
                _check_one(at, value, parameter) if value is not None else _absent(at, parameter)
            )
            if error is not None:
                return error
    return None


_MESSAGE = {
    "role": Parameter("string", required=True, one_of=_ROLES),
    "content": Parameter("string or array of objects"),
    "tool_calls": Parameter("array of objects"),
    "tool_call_id": Parameter("string"),
}
