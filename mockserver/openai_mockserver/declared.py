"""Reads JSON of a declared shape: of a struct, or of the arguments of a function.

A mapping is checked against a struct, with errors that say where. Faults and output items are
functions that files call by name: ``{"latency": {"seconds": 2}}`` calls ``latency(seconds=2)``.

Rules of this file: a place is a path such as ``rules[0].reply.text``. An unknown key is an error,
and so is a value of the wrong type. The types of arguments come from the function's signature, as
JSON has them: what may be any iterable is a list, a value of a class is a mapping, and there are no
bytes.
"""

from __future__ import annotations

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec

from openai_mockserver.exceptions import MockServerError

__all__ = [
    "Parameter",
    "Strict",
    "check_argument",
    "check_positional",
    "describe_kind",
    "list_parameters",
    "read_struct",
]

T = TypeVar("T")

_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`$")


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """Base class for mappings without unknown keys."""


def describe_kind(value: object) -> str:
    """Return the kind of a value for an error message.

    >>> describe_kind([1])
    'a list'
    """
    names = {dict: "a mapping", list: "a list", str: "a string", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)


def read_struct(kind: type[T], value: Any, at: str, error: type[MockServerError]) -> T:
    """Convert a mapping to a struct.

    Args:
        kind: the type of the struct.
        value: the mapping, decoded from JSON or YAML.
        at: its place in the file; empty for the whole file.
        error: the type of exception to raise for an invalid mapping.
    """
    location = at or "the file"
    if not isinstance(value, dict):
        raise error(f"{location}: expected a mapping, got {describe_kind(value)}")
    for name in value:
        if not isinstance(name, str):
            # In YAML 1.1, on, off, yes and no mean true and false.
            raise error(f"{location}: the key {name!r} is not a string: quote it")
    try:
        return msgspec.convert(value, kind)
    except (RecursionError, UnicodeError) as problem:
        is_deep = isinstance(problem, RecursionError)
        reason = "it is nested too deeply" if is_deep else problem
        raise error(f"{location}: {reason}") from None
    except msgspec.ValidationError as problem:
        message, _, inner = str(problem).partition(" - at `$")
        place = f"{at}{inner.rstrip('`')}".lstrip(".")
        if match := _UNKNOWN.match(message):
            fields = ", ".join(f.encode_name for f in msgspec.structs.fields(kind))  # type: ignore[arg-type]
            unknown_key = f"{place}.{match[1]}".lstrip(".")
            raise error(f"{unknown_key}: there is no such key; allowed keys are {fields}") from None
        raise error(f"{place or 'the file'}: {message}") from None


# Arguments of functions


class Parameter(NamedTuple):
    """A parameter of a function.

    Args:
        hint: its type in the signature.
        type: its type in JSON, for msgspec.
        is_required: whether the function cannot be called without it.
        has_name: whether it can be given by name.
        has_position: whether it can be given without its name.
    """

    hint: Any
    type: Any
    is_required: bool
    has_name: bool
    has_position: bool


@functools.cache
def list_parameters(function: Callable[..., Any]) -> Mapping[str, Parameter]:
    """Return the parameters of a function or a class by name.

    >>> def wait(seconds: float) -> None: ...
    >>> list_parameters(wait)["seconds"].type
    <class 'float'>
    """
    make = function.__init__ if isinstance(function, type) else function  # type: ignore[misc]
    hints = typing.get_type_hints(make)
    return types.MappingProxyType(
        {
            name: Parameter(
                hints[name],
                _convert(hints[name]),
                parameter.default is parameter.empty and parameter.kind != parameter.VAR_POSITIONAL,
                parameter.kind != parameter.VAR_POSITIONAL,
                parameter.kind != parameter.KEYWORD_ONLY,
            )
            for name, parameter in inspect.signature(function).parameters.items()
        }
    )


def _convert(hint: Any) -> Any:
    """Return a type as JSON has it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        members = [_convert(member) for member in arguments if member is not bytes]
        return functools.reduce(lambda one, other: one | other, members)
    if origin in (Iterable, Sequence):
        return list[_convert(arguments[0])]  # type: ignore[misc]
    if origin is Mapping:
        return dict[str, _convert(arguments[1])]  # type: ignore[misc]
    if origin is Literal or hint in (Any, str, int, float, bool, type(None)):
        return hint
    return dict[str, Any]


def check_argument(function: Callable[..., Any], name: str, value: Any) -> None:
    """Raise TypeError if an argument has the wrong type.

    Names that the function does not have are not checked; calling it says what is wrong with them.
    """
    parameters = list_parameters(function)
    if name not in parameters:
        return
    try:
        msgspec.convert(value, parameters[name].type)
    except msgspec.ValidationError as error:
        raise TypeError(f"{function.__name__}({name}={value!r:.100}): {error}") from None


def check_positional(function: Callable[..., Any], values: Sequence[Any]) -> None:
    """Raise TypeError if an argument without a name has the wrong type.

    Those that are too many are not checked.
    """
    names = [name for name, one in list_parameters(function).items() if one.has_position]
    if names and not list_parameters(function)[names[-1]].has_name:
        names += [names[-1]] * len(values)
    for name, value in zip(names, values, strict=False):
        check_argument(function, name, value)
