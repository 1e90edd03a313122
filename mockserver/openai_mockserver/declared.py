"""Reads JSON of a declared shape: checks a mapping against a struct, with errors that say where.

Rules of this file: a place is a path such as ``rules[0].reply.text``. An unknown key is an error,
and so is a value of the wrong type.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from openai_mockserver.exceptions import MockServerError

__all__ = ["Strict", "describe_kind", "read_struct"]

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
            fields = ", ".join(f.name for f in msgspec.structs.fields(kind))  # type: ignore[arg-type]
            unknown_key = f"{place}.{match[1]}".lstrip(".")
            raise error(f"{unknown_key}: there is no such key; allowed keys are {fields}") from None
        raise error(f"{place or 'the file'}: {message}") from None
