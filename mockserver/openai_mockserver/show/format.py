"""Values of any kind as text, and words and numbers as a person reads them.

Rules of this file: nothing here knows of exchanges. No value from outside is trusted to have the
shape it should: what is not JSON is `BROKEN`, what is nested too deeply `TOO_DEEP`, what is no
object is an empty one.
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
    "bare",
    "choices_of",
    "count",
    "decoded",
    "encoded",
    "percentile",
    "quoted",
    "short",
    "short_json",
    "size",
    "span",
    "without_middle",
]

# Values of any kind


def choices_of(value: dict[str, Any]) -> list[dict[str, Any]]:
    return as_objects(value.get("choices"))


def as_objects(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def as_object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def encoded(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def short_json(value: Any) -> str:
    """A value's JSON, shortened."""
    return short(encoded(value), 300)


def bare(value: Any) -> str:
    """The same, but a text without quotes."""
    return value if isinstance(value, str) else short_json(value)


def as_plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses as objects, and text that is UTF-8."""
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
    """The value of what is not JSON, or not JSON that can be walked."""


BROKEN = Broken()
TOO_DEEP = Broken()


def decoded(data: str) -> Any:
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


def short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def without_middle(text: str) -> str:
    """How a text begins and how it ends: where JSON breaks off is what one looks for."""
    return text if len(text) <= 60 else f"{text[:24]} … {text[-32:]}"


def quoted(value: object) -> str:
    text = bare(value)
    if text and not text.strip(JOINERS):
        return f'"{text.encode("unicode_escape").decode()}"'  # alone they cannot be seen
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


JOINERS = "\u200c\u200d"


def count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def span(seconds: float) -> str:
    """A length of time."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.{1 if 0 < seconds < 0.01 else 0}f} ms"


def size(number: int) -> str:
    return count(number, "byte") if number < 10_000 else f"{number / 1000:.1f} kB"


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
