"""What goes wrong with a drawn stream, and what a right consumer then ends up with.

Rules of this file: what goes wrong is a fault of `openai_mockserver.faults`. What is expected
follows from the events that it leaves: what they say, and the kind of error that is to surface.
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

__all__ = ["BREAKS", "HARMLESS", "HTTP", "HTTP_HARMLESS", "SIZE", "broken", "refused"]

SIZE = 8
"""How many bytes the faults of a stream take."""

MORE = 180  # of 256: values from here on add a harmless fault


class Place(NamedTuple):
    """Where something goes wrong: after how many events, or bytes; and a byte of chance."""

    after: int
    byte: int
    chance: int


Make = Callable[[Place], Fault]


class Break(NamedTuple):
    """A fault that is to be told of.

    Args:
        make: the fault at a place.
        error: the kind of error that surfaces.
        leaves: the ``events`` before the place, the ``bytes``, or ``nothing``.
    """

    make: Make
    error: str
    leaves: str = "events"


_SPOILT = (None, "oops", '{"id":', "<html>")


def _malformed(at: Place) -> Fault:
    return faults.malformed(at.after, _SPOILT[at.chance % len(_SPOILT)])


def _error_event(at: Place) -> Fault:
    return faults.error_event(at.after, reply_bytes.ERRORS[at.chance % len(reply_bytes.ERRORS)])


BREAKS = (
    Break(lambda at: faults.truncate(at.after), "incomplete"),
    Break(lambda at: faults.reset(at.after), "connection"),
    Break(lambda at: faults.stop(at.after), "incomplete"),
    Break(lambda at: faults.stall(at.after), "timeout"),
    Break(_malformed, "malformed"),
    Break(_error_event, "api"),
    Break(lambda at: faults.truncate(byte=at.byte), "incomplete", "bytes"),
    Break(lambda at: faults.reset(byte=at.byte), "connection", "bytes"),
)
"""What goes wrong with the body, or its end."""

HTTP = (
    Break(lambda at: faults.bad_chunk_size(at.after), "connection"),
    Break(lambda at: faults.empty_response(), "connection", "nothing"),
    Break(lambda at: faults.empty_response("reset"), "connection", "nothing"),
    Break(lambda at: faults.half_head(), "connection", "nothing"),
    Break(lambda at: faults.raw_head("SSH-2.0-OpenSSH_9.9\r\n"), "connection", "nothing"),
)
"""What goes wrong with HTTP."""

HARMLESS: tuple[Make, ...] = (
    lambda at: faults.stall(at.after, at.chance / 1000),
    # Not before the first event: what comes there may be a byte order mark's.
    lambda at: faults.comment("ping", 1 + at.after),
    lambda at: faults.blank_lines(1 + at.chance * 10, 1 + at.after),
    lambda at: faults.join(),
    lambda at: faults.slice(1 + at.chance),
)
"""What a right consumer bears, whatever else goes wrong."""

HTTP_HARMLESS: tuple[Make, ...] = (
    lambda at: faults.latency(at.chance / 1000),
    lambda at: faults.close(),
    lambda at: faults.close_delimited(),
    lambda at: faults.content_length(),
    lambda at: faults.chunk_extension(),
    lambda at: faults.trailers(),
    lambda at: faults.split_last_chunk(),
    lambda at: faults.informational(103),
    lambda at: faults.encoded(("gzip", "deflate")[at.chance % 2]),
)
"""What a right HTTP library bears, where nothing else goes wrong."""


def broken(stream: Stream, data: bytes, http: bool) -> Stream:
    """The stream with the faults that bytes tell, and what is then expected.

    Args:
        stream: one in which nothing is wrong.
        data: so many bytes as `SIZE` says.
        http: whether the fault may be one of HTTP, or an error instead of the stream.
    """
    script = _apart(stream.script)
    breaks, harmless = BREAKS + HTTP * http, HARMLESS + HTTP_HARMLESS * http
    which = data[0] * (len(breaks) + len(harmless) + http) >> 8
    at = _place(script, data[1:4])
    bears: dict[int, Place] = {}
    if which < len(breaks):
        made, harmless = _broke(stream, script, breaks[which], at), HARMLESS
    elif which < len(breaks) + len(harmless):
        made, bears[which - len(breaks)] = replace(stream, script=script), at
    else:
        return refused(reply_bytes.error(data[2:4]))
    if data[4] >= MORE:
        other = (data[4] - MORE) * len(harmless) // (256 - MORE)
        bears.setdefault(other, _place(script, data[5:8]))
    # In the order of the table: events first, then reads, then HTTP.
    for which, at in sorted(bears.items()):
        made = _with(made, harmless[which](at))
    return made


def refused(error: ApiError) -> Stream:
    """An error of the API instead of a stream."""
    made = errors.render(error, Random(0))
    headers = [pair for pair in made.head.headers if pair[0].lower() in _TOLD_OF_ERRORS]
    script = replace(made, head=Head(error.status, tuple(headers)))
    return Stream(script, Reply(error=error), "api")


_TOLD_OF_ERRORS = ("content-type", "content-length", "retry-after")


def _apart(script: Script) -> Script:
    """The same bytes, an event a step, in whatever reads they came."""
    steps: list[Step] = []
    for silent, several in groupby(script.steps, lambda step: isinstance(step, Pause)):
        run = tuple(several)
        steps += run if silent else sse.parse(sse.body(run))
    return script.with_steps(sse.apart(tuple(steps)))


def _place(script: Script, data: Sequence[int]) -> Place:
    """A place before ``[DONE]``, after which nothing is missed."""
    events = size = 0
    for step in script.steps:
        if sse.count_events(step):
            if decode_event(step).data.startswith("[DONE]"):
                break
            events += 1
        size += len(sse.encode(step))
    part = data[0] << 8 | data[1]
    # Not within the end of an event, all of which some would take though it is not ended.
    before = sse.body(script.steps)[: part * size >> 16].rstrip(b"}\r\n")
    return Place(part * events >> 16, len(before), data[2])


def _broke(stream: Stream, script: Script, one: Break, at: Place) -> Stream:
    fault = one.make(at)
    kept: tuple[Step, ...] = ()
    if one.leaves == "events":
        kept, _ = take_events(script, at.after, repr(fault))
    elif one.leaves == "bytes":
        kept = take_bytes(script, at.byte, repr(fault)) if at.byte else ()
    reply = _reply_of(script.with_steps(kept))
    error: str | None = one.error
    if one.error == "api":
        told = fault.arguments["error"].mid_stream
        reply = Reply(choices=reply.choices, usage=reply.usage, error=told)
    if fault.name == "stop" and all(choice.finish_reason for choice in reply.choices):
        error = None
    return Stream(fault(script), reply, error, description=_described(stream, fault))


def _reply_of(script: Script) -> Reply:
    """What had been said."""
    try:
        reply = api.read(script) if script.steps else None
    except ReplyError:  # where not even the beginning came
        reply = None
    return reply if isinstance(reply, Reply) else Reply(finish_reason=None)


def _with(stream: Stream, fault: Fault) -> Stream:
    """The stream with a fault more, where it can happen."""
    try:
        script = fault(stream.script)
    except FaultError:
        return stream
    return replace(stream, script=script, description=_described(stream, fault))


def _described(stream: Stream, fault: Fault) -> str:
    return "; ".join(filter(None, (stream.description, repr(fault))))
