"""The layout of a JSON object: which members it has, in which order, and what is fixed in it.

Rules of this file: a layout is data. It is written in the notation of WIRE.md Annex C, as in
``id,object,choices[index,delta{content},finish_reason]``, with ``name=JSON`` for what is always
the same, ``name?`` for what is left out where there is nothing to say, and ``name=$other`` for what
takes another's value. Nothing here knows what the names mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Hole", "OMITTED", "fill", "parse"]


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
