"""The faults by name, and as text: of the command line, of headers and of scenario files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults import compression, endings, event_stream, events, http, reads
from openai_mockserver.faults.fault import Fault

__all__ = ["FAULTS", "named", "parse"]

FAULTS: dict[str, Callable[..., Fault]] = {
    name: getattr(module, name)
    for module in (endings, events, event_stream, reads, http, compression)
    for name in module.__all__
}
"""The faults by name."""


def named(name: str, arguments: Mapping[str, Any] | None = None) -> Fault:
    """The fault of this name with these arguments, as scenario files give them.

    >>> named("reset", {"after": 3})
    reset(after=3)
    """
    if name not in FAULTS:
        raise FaultError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
    try:
        return FAULTS[name](**(arguments or {}))
    except TypeError as error:
        raise FaultError(f"{name}: {error}") from None


def parse(text: str) -> list[Fault]:
    """Faults as the command line and request headers give them.

    Faults are parted by commas, arguments by semicolons; numbers, true, false and null are what
    they look like in JSON, and all else is text.

    >>> parse("latency; seconds=0.5, reset; after=3")
    [latency(seconds=0.5), reset(after=3)]
    """
    made = []
    for part in filter(None, map(str.strip, text.split(","))):
        name, *given = (piece.strip() for piece in part.split(";"))
        arguments = {}
        for argument in given:
            key, found, value = (piece.strip() for piece in argument.partition("="))
            if not found:
                raise FaultError(f"{name}: {argument!r} is not name=value")
            arguments[key] = _value(value)
        made.append(named(name, arguments))
    return made


def _value(text: str) -> Any:
    import msgspec.json

    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
