"""Converts the values that users pass as replies into `Answer` values.

Rules of this file: pure functions. A value that cannot be served is refused here, when the rule is
created.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec.json

from openai_mockserver.dispatch.bodies import (
    bytes_to_script,
    chunks_to_stream,
    encode_json,
    file_to_script,
)
from openai_mockserver.exceptions import FaultError, ReplyError
from openai_mockserver.faults import FAULTS
from openai_mockserver.faults import Fault as NamedFault
from openai_mockserver.faults.chances import ByChance
from openai_mockserver.pacing import Pace, as_pace
from openai_mockserver.reply import Reply, as_reply, check_servable
from openai_mockserver.rules import Answer, Faulty, ReplyFunction
from openai_mockserver.script import Script
from openai_mockserver.stream_value import Stream

__all__ = ["Fault", "as_answer", "as_answers", "as_function", "check_end"]

Fault = Callable[[Script], Script]


def as_answers(
    value: object,
    faults: tuple[Fault, ...] = (),
    pace: Pace | str | None = None,
    imitates: bool = False,
) -> tuple[Answer, ...]:
    """Return the answers to successive requests for a value that a user passed as a reply.

    A stream of several exchanges has one answer for each; faults and pace change the last one, and
    those before it are sent as they are. Any other value has one answer.

    Args:
        value, faults, pace, imitates: as for `as_answer`.
    """
    stream = value
    while isinstance(stream, Faulty):
        stream = stream.reply
    earlier = stream.earlier if isinstance(stream, Stream) else ()
    return (*map(Answer, earlier), as_answer(value, faults, pace, imitates))


def as_answer(
    value: object,
    faults: tuple[Fault, ...] = (),
    pace: Pace | str | None = None,
    imitates: bool = False,
) -> Answer:
    """Return the answer for a value that a user passed as a reply.

    Args:
        value: a reply, as for `RuleBuilder.reply`.
        faults: faults to apply from left to right, after those of the value itself.
        pace: when events are sent, unless the value has its own pace.
        imitates: whether another provider is imitated, whose finish reasons may differ.

    Raises:
        FaultError: a fault is not a function from Script to Script.
        ReplyError: the value cannot be served.
    """
    if isinstance(value, Faulty):
        return as_answer(value.reply, (*value.faults, *faults), value.pace or pace, imitates)
    for fault in list_faults(faults):
        name = getattr(fault, "__name__", "")
        if FAULTS.get(name) is fault:  # type: ignore[comparison-overlap]
            raise FaultError(f"{name} is a function that returns a fault: call it, {name}(...)")
        if not callable(fault):
            raise FaultError(f"a fault must be a function from Script to Script, not {fault!r}")
    pace = as_pace(pace)
    if isinstance(value, Script):
        return Answer(value, faults, pace)
    if isinstance(value, Stream):
        return Answer(value.script, faults, pace, value.reply, path=value.path)
    if isinstance(value, Mapping):
        return Answer(_as_json_object(value), faults, pace)
    if isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        return as_answer(chunks_to_stream(value), faults, pace)
    if isinstance(value, bytes | bytearray):
        return as_answer(bytes_to_script(bytes(value)), faults, pace)
    if isinstance(value, Path):
        return as_answer(file_to_script(value), faults, pace)
    if callable(value):
        return Answer(as_function(value), faults, pace)
    reply = as_reply(value)
    if isinstance(reply, Reply):
        check_servable(reply, any_reason=imitates)
    return Answer(reply, faults, pace)


def _as_json_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping as a JSON object. Raises ReplyError if JSON cannot represent it."""
    data = encode_json(value, "a mapping must be a valid JSON body")
    json_object: dict[str, Any] = msgspec.json.decode(data)
    return json_object


def as_function(value: Callable[..., object]) -> ReplyFunction:
    """Return a function that makes replies.

    Raises ReplyError for a class or a fault, which somebody has passed by mistake.
    """
    if isinstance(value, ReplyFunction):
        return value
    name = getattr(value, "__name__", "")
    if isinstance(value, NamedFault) or FAULTS.get(name) is value:
        raise ReplyError(f"{value!r:.200} is a fault: pass it as faults=[...]")
    if isinstance(value, type):
        raise ReplyError(
            f"{value.__name__} is a class: pass an object of it, {value.__name__}(...)"
        )
    return ReplyFunction(value)


def list_faults(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Yield faults, and instead of one that happens by chance those that it consists of."""
    for fault in faults:
        if isinstance(fault, ByChance):
            yield from list_faults(fault.faults)
        else:
            yield fault


def check_end(answer: Answer, has_tls: bool) -> None:
    """Raise FaultError for an end that the connections do not support.

    Args:
        answer: an answer of a rule.
        has_tls: whether the connections use TLS.
    """
    ends = {getattr(fault, "name", "") for fault in list_faults(answer.faults)}
    ends |= {answer.value.end} if isinstance(answer.value, Script) else set()
    if "cut" in ends and not has_tls:
        raise FaultError(
            "cut() omits TLS's close_notify, so it needs TLS and a socket: "
            "use MockOpenAI(tls=...) and its base_url"
        )
    if "half_close" in ends and has_tls:
        raise FaultError("half_close() is impossible over TLS, which closes both directions")
