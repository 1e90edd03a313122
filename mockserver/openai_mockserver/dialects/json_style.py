"""How a server spells JSON: spaces, escapes and numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import msgspec.json

__all__ = ["COMPACT", "Style"]


@dataclass(frozen=True, slots=True)
class Style:
    """How a server writes JSON.

    Args:
        has_spaces: whether a space follows ``:`` and ``,``.
        html: whether ``<``, ``>`` and ``&`` are escaped, as by Go's encoder.
        ascii: whether all characters outside ASCII are escaped.
        floats: notation of small numbers: ``ryu`` (1e-5), ``js`` for JavaScript and Go (0.00001,
            1e-7), or ``python`` (1e-05).
        has_order: whether members keep their order; if not, they are sorted by name.
    """

    has_spaces: bool = False
    html: bool = False
    ascii: bool = False
    floats: str = "ryu"
    has_order: bool = True

    def dumps(self, value: Any) -> str:
        """Return the JSON text of a value.

        >>> Style(has_spaces=True, html=True).dumps({"a": ["<", 1e-06]})
        '{"a": ["\\\\u003c", 1e-6]}'
        """
        if self == COMPACT:
            return msgspec.json.encode(value, enc_hook=_encode_text).decode()
        if not self.has_order:
            value = _sort_members(value)
        text = _make_encoder(self.has_spaces, self.ascii).encode(value)
        if _EXPONENT.search(text):
            text = self._dumps(value)
        if self.html:
            for character in "<>&\u2028\u2029":
                text = text.replace(character, f"\\u{ord(character):04x}")
        return text

    @property
    def with_other_spacing(self) -> Style:
        """The same style with spaces if this has none, else without."""
        return replace(self, has_spaces=not self.has_spaces)

    def _dumps(self, value: Any) -> str:
        kind = type(value)
        if kind is float:
            return _FLOATS[self.floats](value)
        if kind is dict:
            comma, colon = (", ", ": ") if self.has_spaces else (",", ":")
            inner = [f"{json.dumps(k)}{colon}{self._dumps(v)}" for k, v in value.items()]
            return f"{{{comma.join(inner)}}}"
        if kind is list or kind is tuple:
            inner = [self._dumps(v) for v in value]
            return f"[{(', ' if self.has_spaces else ',').join(inner)}]"
        return json.dumps(value, ensure_ascii=self.ascii)


def _sort_members(value: Any) -> Any:
    """Return a value in which the members of all objects are sorted by name."""
    if isinstance(value, dict):
        return {name: _sort_members(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sort_members(inner) for inner in value]
    return value


_EXPONENT = re.compile(r"\de[-+]\d")  # numbers that styles write differently, and some texts


@cache
def _make_encoder(has_spaces: bool, ascii: bool) -> json.JSONEncoder:
    separators = (", ", ": ") if has_spaces else (",", ":")
    return json.JSONEncoder(ensure_ascii=ascii, separators=separators)


def _encode_text(value: object) -> str:
    """Convert a subclass of str, which msgspec does not encode, into a str."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{value!r} is not JSON")


COMPACT = Style()
"""OpenAI's style."""


def _format_float(value: float, limit: float) -> str:
    """Return a number, with an exponent only if it is smaller than the limit."""
    digits, _, exponent = repr(value).partition("e-")
    if exponent and abs(value) >= limit:
        sign = "-" if value < 0 else ""
        return f"{sign}0.{'0' * (int(exponent) - 1)}{digits.lstrip('-').replace('.', '')}"
    if exponent:
        return f"{digits}e-{int(exponent)}"
    return digits.replace("e+", "e")


_FLOATS: Mapping[str, Callable[[float], str]] = {
    "ryu": lambda value: _format_float(value, 1e-5),
    "js": lambda value: _format_float(value, 1e-6),
    "python": repr,
}
