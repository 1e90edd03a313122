"""Values of any kind as text, and words and numbers as a person reads them.

Rules of this file: nothing here knows about exchanges. A value from outside may have any shape:
text that is not JSON becomes `BROKEN`, JSON that is nested too deeply `TOO_DEEP`, and a value that
is not an object becomes an empty object.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import msgspec

from openai_mockserver.bounded_input import is_deep_json

__all__ = [
    "BROKEN",
    "Broken",
    "JOINERS",
    "TOO_DEEP",
    "as_object",
    "as_objects",
    "as_plain",
    "as_text",
    "cut_middle",
    "decode_json",
    "encode_json",
    "find_percentile",
    "format_count",
    "format_seconds",
    "format_size",
    "list_choices",
    "quote",
    "shorten",
    "shorten_json",
]

# Values of any kind


def list_choices(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the choices of a chunk."""
    return as_objects(value.get("choices"))


def as_objects(value: object) -> list[dict[str, Any]]:
    """Return the objects in a list; none if the value is not a list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def as_object(value: object) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def encode_json(value: Any) -> str:
    """Return the value's compact JSON, or its repr if it has none."""
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def shorten_json(value: Any) -> str:
    """Return the value's JSON, shortened to 300 characters."""
    return shorten(encode_json(value), 300)


def as_text(value: Any) -> str:
    """Return a text as it is, any other value as shortened JSON."""
    return value if isinstance(value, str) else shorten_json(value)


def as_plain(value: Any) -> Any:
    """Return a value that JSON can hold: dataclasses as objects, and only text that is UTF-8."""
    if dataclasses.is_dataclass(value):
        return {f.name: as_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {as_plain(str(k)): as_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(entry) for entry in value]
    if isinstance(value, str):
        return str(value).encode("utf-8", "backslashreplace").decode()
    return value


class Broken:
    """The value of an event whose data is not JSON, or is nested too deeply."""


BROKEN = Broken()
TOO_DEEP = Broken()


def decode_json(data: str) -> Any:
    """Return the value of an event's data: None for ``[DONE]``, else JSON or a `Broken`."""
    if data.startswith("[DONE]"):
        return None
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError):
        return BROKEN
    except RecursionError:
        return TOO_DEEP
    return TOO_DEEP if is_deep_json(value, data) else value


# Words and numbers


def shorten(text: str, most: int = 60) -> str:
    """Return the text, or its beginning with an ellipsis: at most ``most`` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def cut_middle(text: str) -> str:
    """Return the two ends of a text, because the end shows where JSON breaks off."""
    return text if len(text) <= 60 else f"{text[:24]} … {text[-32:]}"


def quote(value: object) -> str:
    """Return a value as text in quotes."""
    text = as_text(value)
    if text and not text.strip(JOINERS):
        return f'"{text.encode("unicode_escape").decode()}"'  # joiners alone are invisible
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


JOINERS = "\u200c\u200d"
"""Invisible characters that emoji and some scripts need between two others."""


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun: "1 event", "2,000 events"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def format_seconds(seconds: float) -> str:
    """Return a length of time in seconds or milliseconds: "1.50 s", "16 ms"."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.{1 if 0 < seconds < 0.01 else 0}f} ms"


def format_size(number: int) -> str:
    """Return a number of bytes: "454 bytes", "12.3 kB"."""
    return format_count(number, "byte") if number < 10_000 else f"{number / 1000:.1f} kB"


def find_percentile(values: list[float], share: float) -> float:
    """Return the smallest value that is not exceeded by a share (0 to 1) of the values."""
    sorted_values = sorted(values)
    return sorted_values[min(len(sorted_values) - 1, math.ceil(share * len(sorted_values)) - 1)]
