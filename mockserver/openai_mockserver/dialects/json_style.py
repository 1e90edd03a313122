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
        spaced: with a space after ``:`` and ``,``.
        html: with ``<``, ``>`` and ``&`` escaped, as Go's encoder does.
        ascii: with all that is not ASCII escaped.
        floats: the form of small numbers: ``ryu`` (1e-5), ``js`` and Go's (0.00001, 1e-7), or
            ``python`` (1e-05).
    """

    spaced: bool = False
    html: bool = False
    ascii: bool = False
    floats: str = "ryu"

    def dumps(self, value: Any) -> str:
        """The JSON text of a value.

        >>> Style(spaced=True, html=True).dumps({"a": ["<", 1e-06]})
        '{"a": ["\\\\u003c", 1e-6]}'
        """
        if self == COMPACT:
            return msgspec.json.encode(value, enc_hook=_text).decode()
        text = _encoder(self.spaced, self.ascii).encode(value)
        if _EXPONENT.search(text):
            text = self._dumps(value)
        if self.html:
            for sign in "<>&\u2028\u2029":
                text = text.replace(sign, f"\\u{ord(sign):04x}")
        return text

    @property
    def otherwise_spaced(self) -> Style:
        """The same, but spaced where this is not."""
        return replace(self, spaced=not self.spaced)

    def _dumps(self, value: Any) -> str:
        kind = type(value)
        if kind is float:
            return _FLOATS[self.floats](value)
        if kind is dict:
            comma, colon = (", ", ": ") if self.spaced else (",", ":")
            inner = [f"{json.dumps(k)}{colon}{self._dumps(v)}" for k, v in value.items()]
            return f"{{{comma.join(inner)}}}"
        if kind is list or kind is tuple:
            inner = [self._dumps(v) for v in value]
            return f"[{(', ' if self.spaced else ',').join(inner)}]"
        return json.dumps(value, ensure_ascii=self.ascii)


_EXPONENT = re.compile(r"\de[-+]\d")  # what servers write otherwise, and some texts hold


@cache
def _encoder(spaced: bool, ascii: bool) -> json.JSONEncoder:
    separators = (", ", ": ") if spaced else (",", ":")
    return json.JSONEncoder(ensure_ascii=ascii, separators=separators)


def _text(value: object) -> str:
    """msgspec encodes str, not its subclasses."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{value!r} is no JSON")


COMPACT = Style()
"""OpenAI's."""


def _plain(value: float, least: float) -> str:
    """A number, with an exponent only where it is smaller than this."""
    digits, _, exponent = repr(value).partition("e-")
    if exponent and abs(value) >= least:
        sign = "-" if value < 0 else ""
        return f"{sign}0.{'0' * (int(exponent) - 1)}{digits.lstrip('-').replace('.', '')}"
    if exponent:
        return f"{digits}e-{int(exponent)}"
    return digits.replace("e+", "e")


_FLOATS: Mapping[str, Callable[[float], str]] = {
    "ryu": lambda value: _plain(value, 1e-5),
    "js": lambda value: _plain(value, 1e-6),
    "python": repr,
}
