"""Faults that happen by chance.

Rules of this file: a fault is a pure function, so this one cannot draw lots. It only says how
likely it is; whoever applies it draws once for each response, from the mock's seed and the call.
"""

from __future__ import annotations

from dataclasses import dataclass

from openai_mockserver.exceptions import FaultError
from openai_mockserver.faults.fault import Change, Fault
from openai_mockserver.script import Script

__all__ = ["ByChance", "chance", "check_chance"]


def check_chance(probability: object, name: str = "chance") -> None:
    """Raise FaultError if an object is not a probability."""
    is_number = isinstance(probability, int | float) and not isinstance(probability, bool)
    if not (is_number and 0 <= probability <= 1):  # type: ignore[operator]
        raise FaultError(f"{name}={probability!r}: must be a number from 0 to 1")


@dataclass(frozen=True, slots=True, repr=False)
class ByChance(Fault):
    """Faults that happen together, with a probability. Called, they happen."""

    probability: float
    faults: tuple[Change, ...]

    def __repr__(self) -> str:
        return f"chance({', '.join(map(repr, (self.probability, *self.faults)))})"


def chance(probability: float, *faults: Change) -> ByChance:
    """Return faults that happen to some responses only, all of them together.

    The mock's seed and the number of the call decide to which.

    Args:
        probability: from 0, never, to 1, always.
        faults: applied from left to right.

    Raises:
        FaultError: the probability is none, or there are no faults.

    >>> from openai_mockserver.faults import reset
    >>> chance(0.2, reset(after=1))
    chance(0.2, reset(after=1))
    """
    check_chance(probability, "probability")
    if not faults:
        raise FaultError("chance() needs at least one fault")
    for fault in faults:
        if not callable(fault):
            raise FaultError(
                f"chance(): a fault is a function from Script to Script, not {fault!r}"
            )

    def apply(script: Script) -> Script:
        for fault in faults:
            script = fault(script)
        return script

    return ByChance("chance", {"probability": probability}, apply, probability, faults)
