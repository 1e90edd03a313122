"""Faults by name, for scenario files, and faults as text, for the command line and headers."""

from __future__ import annotations

import ast
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
    variations,
    websocket,
)
from openai_mockserver.faults.chances import chance, check_chance
from openai_mockserver.faults.fault import Fault

__all__ = ["FAULTS", "named", "parse", "parse_arguments"]

_MODULES = (
    endings, events, payloads, event_stream, variations, reads, http, compression, websocket
)  # fmt: skip

FAULTS: dict[str, Callable[..., Fault]] = {
    name: getattr(module, name) for module in _MODULES for name in module.__all__
}
"""Every fault, by name."""


def named(name: str, arguments: Mapping[str, Any] | None = None, *positional: Any) -> Fault:
    """Return the fault with this name and these arguments, as scenario files write them.

    Args:
        name: the name of the fault.
        arguments: its arguments by name; every fault may also have a ``chance``.
        positional: its first arguments, without names.

    Raises:
        FaultError: if the name is unknown or an argument does not fit.

    >>> named("reset", {"after": 3})
    reset(after=3)
    >>> named("reset", {"after": 3, "chance": 0.2})
    chance(0.2, reset(after=3))
    """
    if name not in FAULTS:
        close_names = difflib.get_close_matches(name, FAULTS, 1)
        if close_names:
            raise FaultError(f"unknown fault {name!r}: did you mean {close_names[0]!r}?")
        raise FaultError(f"unknown fault {name!r}: choose from {', '.join(FAULTS)}")
    by_name = dict(arguments or {})
    probability = by_name.pop("chance", 1)
    try:
        fault = FAULTS[name](*positional, **by_name)
    except TypeError as error:
        raise FaultError(f"{name}: {error}") from None
    check_chance(probability, f"{name}: chance")
    return fault if probability == 1 else chance(probability, fault)


def parse(text: str) -> list[Fault]:
    """Parse faults from the text of a command-line option or a request header.

    Commas separate faults, semicolons separate arguments. Values are JSON if they can be read as
    such; every other value is a string. Commas and semicolons within quotes, brackets and braces
    belong to the value. A fault may also be written as it is in Python.

    >>> parse("latency; seconds=0.5, reset; after=3")
    [latency(seconds=0.5), reset(after=3)]
    >>> parse('change; at=1; path=choices.0.delta; value={"role": "a", "content": "b;c"}')
    [change(at=1, path='choices.0.delta', value={'role': 'a', 'content': 'b;c'})]
    >>> parse("variation('call id empty later'), reset(after=3)")
    [variation(name='call id empty later'), reset(after=3)]
    """
    faults = []
    rest = text
    while rest:
        if call := _CALL.match(rest):
            faults.append(_parse_call(call["name"], call["arguments"]))
            rest = rest[call.end() :]
            continue
        part, *later_parts = _split_outside_json(rest, ",")
        rest = ",".join(later_parts)
        if part.strip():
            faults.append(_parse_part(part))
    return faults


def _parse_part(part: str) -> Fault:
    """Parse a fault whose arguments are separated by semicolons."""
    return named(*parse_arguments(part))


def parse_arguments(text: str) -> tuple[str, dict[str, Any]]:
    """Parse a name and the arguments after it, which semicolons separate.

    Raises FaultError for an argument without a value.

    >>> parse_arguments("429; retry_after=2; message=Slow down")
    ('429', {'retry_after': 2, 'message': 'Slow down'})
    """
    name, *argument_texts = (piece.strip() for piece in _split_outside_json(text, ";"))
    arguments = {}
    for argument in argument_texts:
        key, separator, value = (piece.strip() for piece in argument.partition("="))
        if not separator:
            raise FaultError(f"{name}: argument {argument!r} must have the form name=value")
        arguments[key] = _parse_value(value)
    return name, arguments


_STRING = r'"(?:[^"\\]|\\.)*"'

_CALL = re.compile(
    rf"""\s*(?P<name>\w+)\((?P<arguments>(?:{_STRING}|'(?:[^'\\]|\\.)*'|[^"'()])*)\)\s*(?:,|\Z)""",
    re.DOTALL,
)
"""A fault as it is in Python; nothing but strings may contain parentheses."""


def _parse_call(name: str, arguments: str) -> Fault:
    """Parse a fault that is written as a call; JSON's names of constants are allowed too."""
    try:
        call = ast.parse(f"_({arguments})", mode="eval").body
        assert isinstance(call, ast.Call)
        positional = [ast.literal_eval(_JsonNames().visit(value)) for value in call.args]
        by_name = {
            str(keyword.arg): ast.literal_eval(_JsonNames().visit(keyword.value))
            for keyword in call.keywords
        }
        if len(by_name) < len(call.keywords):
            raise ValueError
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FaultError(
            f"{name}({arguments}): the arguments must be values such as 3, 'text' or [1, 2], and "
            "none twice"
        ) from None
    return named(name, by_name, *positional)


class _JsonNames(ast.NodeTransformer):
    """Replaces the names that JSON has for constants."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        constants = {"true": True, "false": False, "null": None}
        return ast.Constant(constants[node.id]) if node.id in constants else node


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
