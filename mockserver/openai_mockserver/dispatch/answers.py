"""What users give as an answer, as the `Answer` that a rule holds.

Rules of this file: pure functions; what cannot be served is refused here, when it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec.json

from openai_mockserver.exceptions import FaultError, ReplyError
from openai_mockserver.faults import FAULTS
from openai_mockserver.pacing import Pace, as_pace
from openai_mockserver.reply import Reply, as_reply, check_servable
from openai_mockserver.rules import Answer, Faulty
from openai_mockserver.script import Script
from openai_mockserver.stream_value import Stream

__all__ = ["Fault", "as_answer"]

Fault = Callable[[Script], Script]


def as_answer(
    value: object,
    faults: tuple[Fault, ...] = (),
    pace: Pace | str | None = None,
    imitates: bool = False,
) -> Answer:
    """The answer that a value means.

    Args:
        value: as of `RuleBuilder.reply`.
        faults: what goes wrong with it, from left to right, after what it brings itself.
        pace: when its events come, where it says nothing itself.
        imitates: whether it is said in another provider's manner.

    Raises:
        FaultError: for what is no fault.
        ReplyError: for what cannot be served.
    """
    if isinstance(value, Faulty):
        return as_answer(value.reply, (*value.faults, *faults), value.pace or pace, imitates)
    for fault in faults:
        name = getattr(fault, "__name__", "")
        if FAULTS.get(name) is fault:  # type: ignore[comparison-overlap]
            raise FaultError(f"{name} makes a fault and is none itself: call it, as in {name}(...)")
        if not callable(fault):
            raise FaultError(f"a fault is a function from Script to Script, not {fault!r}")
    pace = as_pace(pace)
    if isinstance(value, Script):
        return Answer(value, faults, pace)
    if isinstance(value, Stream):
        return Answer(value.script, faults, pace, value.reply, path=value.path)
    if isinstance(value, Mapping):
        return Answer(_as_json_object(value), faults, pace)
    reply = as_reply(value)
    if isinstance(reply, Reply):
        check_servable(reply, any_reason=imitates)
    return Answer(reply, faults, pace)


def _as_json_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object. Raises ReplyError for what is none."""
    try:
        decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(value)))
    except (TypeError, ValueError, RecursionError) as error:
        raise ReplyError(f"a mapping is a JSON body, and this is no JSON: {error}") from None
    return decoded
