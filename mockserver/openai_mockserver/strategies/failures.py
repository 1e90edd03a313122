"""Breaks drawn streams, and determines the result that a correct consumer then reaches.

Rules of this file: failures are faults of `openai_mockserver.faults`. The expected reply is the one
in the events that the fault leaves; each fault has the kind of error that must surface.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from random import Random
from typing import NamedTuple

from openai_mockserver import api, faults, sse
from openai_mockserver.api import errors
from openai_mockserver.exceptions import FaultError, ReplyError
from openai_mockserver.faults import Fault
from openai_mockserver.faults.fault import decode_event, take_bytes, take_events
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Head, Pause, Script, Step
from openai_mockserver.strategies import reply_bytes
from openai_mockserver.stream_value import Stream

__all__ = [
    "BREAKS",
    "HARMLESS",
    "HTTP",
    "HTTP_HARMLESS",
    "SIZE",
    "break_stream",
    "build_error_stream",
]

SIZE = 8
"""Number of bytes for the faults of a stream."""

HARMLESS_ON = 180  # values of a byte from here on add a harmless fault


class Place(NamedTuple):
    """The place of a fault."""

    after: int  # number of events before it
    byte: int  # number of bytes before it
    octet: int  # a drawn byte for further decisions


MakeFault = Callable[[Place], Fault]


class Break(NamedTuple):
    """A fault that a correct consumer must report.

    Args:
        make: creates the fault at a place.
        error: kind of the error that must surface.
        leaves: what the client receives: the ``events`` before the place, the ``bytes`` before it,
            or ``nothing``.
    """

    make: MakeFault
    error: str
    leaves: str = "events"


_MALFORMED_DATA = (None, "oops", '{"id":', "<html>")


def _make_malformed(at: Place) -> Fault:
    return faults.malformed(at.after, _MALFORMED_DATA[at.octet % len(_MALFORMED_DATA)])


def _make_error_event(at: Place) -> Fault:
    return faults.error_event(at.after, reply_bytes.ERRORS[at.octet % len(reply_bytes.ERRORS)])


BREAKS = (
    Break(lambda at: faults.truncate(at.after), "incomplete"),
    Break(lambda at: faults.reset(at.after), "connection"),
    Break(lambda at: faults.stop(at.after), "incomplete"),
    Break(lambda at: faults.stall(at.after), "timeout"),
    Break(_make_malformed, "malformed"),
    Break(_make_error_event, "api"),
    Break(lambda at: faults.truncate(byte=at.byte), "incomplete", "bytes"),
    Break(lambda at: faults.reset(byte=at.byte), "connection", "bytes"),
)
"""Faults of the body and of its end."""

HTTP = (
    Break(lambda at: faults.bad_chunk_size(at.after), "connection"),
    Break(lambda at: faults.empty_response(), "connection", "nothing"),
    Break(lambda at: faults.empty_response("reset"), "connection", "nothing"),
    Break(lambda at: faults.half_head(), "connection", "nothing"),
    Break(lambda at: faults.raw_head("SSH-2.0-OpenSSH_9.9\r\n"), "connection", "nothing"),
)
"""Faults of HTTP."""

HARMLESS: tuple[MakeFault, ...] = (
    lambda at: faults.stall(at.after, at.octet / 1000),
    # Not before the first event, which may begin with a byte order mark.
    lambda at: faults.comment("ping", 1 + at.after),
    lambda at: faults.blank_lines(1 + at.octet * 10, 1 + at.after),
    lambda at: faults.join(),
    lambda at: faults.slice(1 + at.octet),
)
"""Faults that a correct consumer tolerates, also beside other faults."""

HTTP_HARMLESS: tuple[MakeFault, ...] = (
    lambda at: faults.latency(at.octet / 1000),
    lambda at: faults.close(),
    lambda at: faults.close_delimited(),
    lambda at: faults.content_length(),
    lambda at: faults.chunk_extension(),
    lambda at: faults.trailers(),
    lambda at: faults.split_last_chunk(),
    lambda at: faults.informational(103),
    lambda at: faults.encoded(("gzip", "deflate")[at.octet % 2]),
)
"""Faults that a correct HTTP library tolerates, if there is no other fault."""


def break_stream(stream: Stream, data: bytes, http: bool) -> Stream:
    """Return the stream with the faults that the bytes choose, and the expected result.

    Args:
        stream: a stream without faults.
        data: `SIZE` bytes.
        http: whether to include faults of HTTP, and errors of the API instead of the stream.
    """
    script = _split_events(stream.script)
    breaks, harmless = BREAKS + HTTP * http, HARMLESS + HTTP_HARMLESS * http
    which = data[0] * (len(breaks) + len(harmless) + http) >> 8
    at = _find_place(script, data[1:4])
    harmless_places: dict[int, Place] = {}
    if which < len(breaks):
        result, harmless = _apply_break(stream, script, breaks[which], at), HARMLESS
    elif which < len(breaks) + len(harmless):
        result, harmless_places[which - len(breaks)] = replace(stream, script=script), at
    else:
        return build_error_stream(reply_bytes.build_error(data[2:4]))
    if data[4] >= HARMLESS_ON:
        other = (data[4] - HARMLESS_ON) * len(harmless) // (256 - HARMLESS_ON)
        harmless_places.setdefault(other, _find_place(script, data[5:8]))
    # In the order of the table: events first, then reads, then HTTP.
    for which, at in sorted(harmless_places.items()):
        result = _add_fault(result, harmless[which](at))
    return result


def build_error_stream(error: ApiError) -> Stream:
    """Return the response with an error of the API instead of a stream."""
    script = errors.render(error, Random(0))
    headers = [pair for pair in script.head.headers if pair[0].lower() in _ERROR_HEADERS]
    script = replace(script, head=Head(error.status, tuple(headers)))
    return Stream(script, Reply(error=error), "api")


_ERROR_HEADERS = ("content-type", "content-length", "retry-after")


def _split_events(script: Script) -> Script:
    """Return a script with the same bytes, and at most one event in each step."""
    steps: list[Step] = []
    for is_pause, group in groupby(script.steps, lambda step: isinstance(step, Pause)):
        run = tuple(group)
        steps += run if is_pause else sse.parse(sse.body(run))
    return script.with_steps(sse.apart(tuple(steps)))


def _find_place(script: Script, data: Sequence[int]) -> Place:
    """Return a place before ``[DONE]``, so that a break there always loses content."""
    events = size = 0
    for step in script.steps:
        if sse.count_events(step):
            if decode_event(step).data.startswith("[DONE]"):
                break
            events += 1
        size += len(sse.encode(step))
    part = data[0] << 8 | data[1]
    # Not within the end of an event: some consumers would accept its data without that end.
    before = sse.body(script.steps)[: part * size >> 16].rstrip(b"}\r\n")
    return Place(part * events >> 16, len(before), data[2])


def _apply_break(stream: Stream, script: Script, failure: Break, at: Place) -> Stream:
    fault = failure.make(at)
    steps: tuple[Step, ...] = ()
    if failure.leaves == "events":
        steps, _ = take_events(script, at.after, repr(fault))
    elif failure.leaves == "bytes":
        steps = take_bytes(script, at.byte, repr(fault)) if at.byte else ()
    reply = _read_reply(script.with_steps(steps))
    error: str | None = failure.error
    if failure.error == "api":
        payload = fault.arguments["error"].mid_stream
        reply = Reply(choices=reply.choices, usage=reply.usage, error=payload)
    if fault.name == "stop" and all(choice.finish_reason for choice in reply.choices):
        error = None
    return Stream(fault(script), reply, error, description=_describe(stream, fault))


def _read_reply(script: Script) -> Reply:
    """Return the reply in the steps that the client receives."""
    try:
        reply = api.read(script) if script.steps else None
    except ReplyError:  # not even the first event is complete
        reply = None
    return reply if isinstance(reply, Reply) else Reply(finish_reason=None)


def _add_fault(stream: Stream, fault: Fault) -> Stream:
    """Return the stream with another fault, if the fault can be applied to it."""
    try:
        script = fault(stream.script)
    except FaultError:
        return stream
    return replace(stream, script=script, description=_describe(stream, fault))


def _describe(stream: Stream, fault: Fault) -> str:
    return "; ".join(filter(None, (stream.description, repr(fault))))
