"""The layout of a JSON object: which members it has, in which order, and what is fixed in it.

Rules of this file: a layout is data. It is written in the notation of WIRE.md Annex C, as in
``id,object,choices[index,delta{content},finish_reason]``, with ``name=JSON`` for what is always
the same, ``name?`` for what is left out where there is nothing to say, and ``name=$other`` for what
takes another's value. Nothing here knows what the names mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import msgspec.json

__all__ = ["COMPACT", "OMITTED", "Hole", "Style", "fill", "parse"]


class Hole(NamedTuple):
    """A place in a layout that takes the value of this name."""

    name: str
    optional: bool = False


_MEMBER = re.compile(r"[\w./-]+")
_JSON = json.JSONDecoder()


def parse(notation: str, prefix: str = "") -> dict[str, Any]:
    """The layout that the notation writes. Names within braces are prefixed with the one before.

    >>> parse('id,choices[index,delta{content=""}]')["choices"]
    [{'index': Hole(name='choices.index', optional=False), 'delta': {'content': ''}}]
    """
    layout, end = _members(notation, 0, prefix)
    if end != len(notation):
        raise ValueError(f"a layout goes wrong at {notation[end:]!r}")
    return layout


def _members(notation: str, at: int, prefix: str) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    while match := _MEMBER.match(notation, at):
        name, at = match[0], match.end()
        path = f"{prefix}{name}"
        sign = notation[at : at + 1]
        if notation[at : at + 2] == "=$":
            hole = _MEMBER.match(notation, at + 2)
            if hole is None:
                break
            at = hole.end()
            optional = notation[at : at + 1] == "?"
            members[name] = Hole(hole[0], optional)
            at += optional
        elif sign == "=":
            members[name], at = _JSON.raw_decode(notation, at + 1)
        elif sign in ("{", "["):
            inner, at = _members(notation, at + 1, f"{path}.")
            members[name] = [inner] if sign == "[" and inner else [] if sign == "[" else inner
            at += 1
        else:
            members[name] = Hole(path, sign == "?")
            at += sign == "?"
        if notation[at : at + 1] != ",":
            break
        at += 1
    return members, at


OMITTED = object()
"""What is given for a member that is to be left out."""


def fill(layout: Any, value: Callable[[str], Any]) -> Any:
    """The layout with each hole's value; optional holes that get None are left out."""
    kind = type(layout)
    if kind is Hole:
        return value(layout.name)
    if kind is dict:
        filled = {}
        for name, inner in layout.items():
            got = fill(inner, value)
            if got is OMITTED or (got is None and type(inner) is Hole and inner.optional):
                continue
            filled[name] = got
        return filled
    if kind is list:
        return [fill(inner, value) for inner in layout]
    return layout


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
