"""Handlers about what rules and settings can choose from, such as faults, paces and streams."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache

from msgspec import Struct

from openai_mockserver import catalogue
from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.dialects import dialects
from openai_mockserver.engine import PROFILES as ENGINES
from openai_mockserver.faults import FAULTS, VARIATIONS, Fault
from openai_mockserver.pacing import PROFILES

__all__ = ["Choices", "ReadyMade", "list_choices", "list_streams"]


class FaultArgument(Struct):
    """An argument of a fault; ``default`` is as it is in Python, null if there is none."""

    name: str
    type: str
    default: str | None
    choices: list[str]


class FaultChoice(Struct):
    """A fault; ``kind`` groups faults that change the same thing."""

    name: str
    kind: str
    about: str
    arguments: list[FaultArgument]


class PaceChoice(Struct):
    """A pace: seconds to the first event, and between two events."""

    name: str
    ttft: float
    itl: float


class Choices(Struct):
    """The names that rules and settings can use."""

    faults: list[FaultChoice]
    paces: list[PaceChoice]
    engines: list[str]
    dialects: list[str]


class ReadyMade(Struct):
    """A ready-made stream, and the endpoint that it is of."""

    name: str
    family: str
    about: str
    path: str


@cache
def _build_choices() -> Choices:
    return Choices(
        [_describe_fault(name, make) for name, make in sorted(FAULTS.items())],
        [PaceChoice(name, pace.ttft, pace.itl) for name, pace in PROFILES.items()],
        list(ENGINES),
        sorted(dialects()),
    )


def _describe_fault(name: str, make: Callable[..., Fault]) -> FaultChoice:
    arguments = [
        FaultArgument(
            one.name,
            str(one.annotation),
            None if one.default is one.empty else repr(one.default),
            list(VARIATIONS) if (name, one.name) == ("variation", "name") else [],
        )
        for one in inspect.signature(make).parameters.values()
        if one.kind is not one.VAR_POSITIONAL
    ]
    about = (inspect.getdoc(make) or "").partition("\n")[0].replace("``", "`")
    return FaultChoice(name, make.__module__.rpartition(".")[2], about, arguments)


def list_choices(mock: object, request: ControlRequest) -> Choices:
    """Return the faults, paces, engines and dialects."""
    return _build_choices()


def list_streams(mock: object, request: ControlRequest) -> list[ReadyMade]:
    """Return the ready-made streams, by family."""
    return [
        ReadyMade(one.name, one.family, one.description, one.path) for one in catalogue.streams()
    ]
