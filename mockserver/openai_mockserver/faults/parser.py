"""Faults by name, for scenario files, and faults as text, for the command line and headers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults import (
    compression,
    endings,
    event_stream,
    events,
    http,
    payloads,
    reads,
)
from openai_mockserver.faults.fault import Fault

__all__ = ["FAULTS", "named", "parse"]

FAULTS: dict[str, Callable[..., Fault]] = {
    name: getattr(module, name)
    for module in (endings, events, payloads, event_stream, reads, http, compression)
    for name in module.__all__
}
"""Every fault, by name."""


def named(name: str, arguments: Mapping[str, Any] | None = None) -> Fault:
    """Return the fault with this name and these arguments, as scenario files write them.

    Raises:
        FaultError: if the name is unknown or an argument does not fit.

    >>> named("reset", {"after": 3})
    reset(after=3)
    """
    if name not in FAULTS:
        close_names = difflib.get_close_matches(name, FAULTS, 1)
        if close_names:
            raise FaultError(f"unknown fault {name!r}: did you mean {close_names[0]!r}?")
        raise FaultError(f"unknown fault {name!r}: choose from {', '.join(FAULTS)}")
    try:
        return FAULTS[name](**(arguments or {}))
    except TypeError as error:
        raise FaultError(f"{name}: {error}") from None


def parse(text: str) -> list[Fault]:
    """Parse faults from the text of a command-line option or a request header.

    Commas separate faults, semicolons separate arguments. Values are JSON if they can be read as
    such; every other value is a string. Commas and semicolons within quotes, brackets and braces
    belong to the value.

    >>> parse("latency; seconds=0.5, reset; after=3")
    [latency(seconds=0.5), reset(after=3)]
    >>> parse('change; at=1; path=choices.0.delta; value={"role": "a", "content": "b;c"}')
    [change(at=1, path='choices.0.delta', value={'role': 'a', 'content': 'b;c'})]
    """
    faults = []
    for part in filter(None, map(str.strip, _split_outside_json(text, ","))):
        name, *argument_texts = (piece.strip() for piece in _split_outside_json(part, ";"))
        arguments = {}
        for argument in argument_texts:
            key, separator, value = (piece.strip() for piece in argument.partition("="))
            if not separator:
                raise FaultError(f"{name}: argument {argument!r} must have the form name=value")
            arguments[key] = _parse_value(value)
        faults.append(named(name, arguments))
    return faults


_STRING = r'"(?:[^"\\]|\\.)*"'


def _split_outside_json(text: str, separator: str) -> list[str]:
    """Split at a separator, but not within quotes, brackets and braces."""
    pieces, depth, start = [], 0, 0
    for token in re.finditer(rf"{_STRING}|[\[{{]|[\]}}]|{re.escape(separator)}", text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth = max(0, depth - 1)
        elif token[0] == separator and not depth:
            pieces.append(text[start : token.start()])
            start = token.end()
    return [*pieces, text[start:]]


def _parse_value(text: str) -> Any:
    import msgspec.json

    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
