"""JSON of a declared shape: a mapping checked against its struct, and an error that has its place.

Rules of this file: a place is a path such as ``rules[0].reply.text``. What is no field of a struct
is a mistake, and so is a value of another kind.
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
    """A mapping: what is not a field is a mistake."""


def describe_kind(value: object) -> str:
    """The kind of a value, as an error names it.

    >>> describe_kind([1])
    'a list'
    """
    names = {dict: "a mapping", list: "a list", str: "a text", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)


def read_struct(kind: type[T], value: Any, at: str, error: type[MockServerError]) -> T:
    """The struct that a mapping holds.

    Args:
        kind: the struct.
        value: the mapping, as JSON or YAML gives it.
        at: its place; empty for the whole.
        error: what is raised for a mistake.
    """
    whole = at or "the file"
    if not isinstance(value, dict):
        raise error(f"{whole}: expected a mapping, got {describe_kind(value)}")
    for name in value:
        if not isinstance(name, str):
            # YAML 1.1 takes on, off, yes and no for true and false.
            raise error(f"{whole}: the key {name!r} is no text; quote it")
    try:
        return msgspec.convert(value, kind)
    except (RecursionError, UnicodeError) as wrong:
        told = "it is nested too deeply" if isinstance(wrong, RecursionError) else wrong
        raise error(f"{whole}: {told}") from None
    except msgspec.ValidationError as wrong:
        message, _, inner = str(wrong).partition(" - at `$")
        place = f"{at}{inner.rstrip('`')}".lstrip(".")
        if match := _UNKNOWN.match(message):
            fields = ", ".join(f.name for f in msgspec.structs.fields(kind))  # type: ignore[arg-type]
            unknown = f"{place}.{match[1]}".lstrip(".")
            raise error(f"{unknown}: there is no such key; there are {fields}") from None
        raise error(f"{place or 'the file'}: {message}") from None
