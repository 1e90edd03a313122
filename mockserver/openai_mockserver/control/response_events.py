"""The handler that takes a response apart: its events with their times, and what it says.

Rules of this file: what is shown is what a client would read, as `show` decodes it. An event is due
when the script says so, and was written when the player wrote the part that completes it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from msgspec import Struct

from openai_mockserver.control.calls import find_call
from openai_mockserver.control.problem import Problem
from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.control.summaries import build_exchange
from openai_mockserver.journal import Call
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.reply.serialization import encode_error, encode_reply
from openai_mockserver.script import SessionMessage

__all__ = ["ResponseEvents", "list_events"]

_MOST = 2000  # events that are listed
_LONGEST = 20_000  # characters of an event's data, or of a body


class Piece(Struct):
    """A part of the model's output that an event carries."""

    kind: str
    text: str


class ResponseEvent(Struct):
    """An event, a comment or other bytes of a response; or a message over a WebSocket.

    ``kind`` is then who sent it, ``client`` or ``server``. ``event`` is the name, and ``says`` what
    it means in words. ``due`` and ``at`` are when it was to be written and when it was, in seconds
    after the request; ``at`` is null if it was not.
    """

    number: int
    kind: str
    event: str | None
    data: str
    says: str
    pieces: list[Piece]
    due: float
    at: float | None


class Oddity(Struct):
    """Something that OpenAI's own streams do not have, and what it means for a client."""

    name: str
    fact: str
    meaning: str


class ResponseEvents(Struct):
    """A response, taken apart.

    ``events`` are the first of ``total``. ``reply`` is what the whole response says, and ``error``
    the error that it reports, both as in scenario files. ``end`` is how the script ends, after
    ``seconds``; ``left`` is when the client left.
    """

    number: int
    endpoint: str | None
    events: list[ResponseEvent]
    total: int
    reply: dict[str, Any] | None
    error: dict[str, Any] | None
    unreadable: str | None
    odd: list[Oddity]
    end: str
    seconds: float
    left: float | None


def list_events(mock: Steerable, request: ControlRequest) -> ResponseEvents:
    """Return the response to a call, taken apart; that of an open call is the whole script."""
    call = find_call(mock, request)
    if not call.is_answered:
        raise Problem(409, f"call {call.number} has no response yet")
    if call.websocket_messages:
        return _list_messages(call)
    try:
        return _take_apart(call)
    except RecursionError:
        raise Problem(409, f"the response to call {call.number} is nested too deeply") from None


def _list_messages(call: Call) -> ResponseEvents:
    """Return what went over a WebSocket, in both directions, as the events of its call."""
    from openai_mockserver.show.sessions import ARROWS, describe_message

    messages = call.websocket_messages

    def describe(number: int, message: SessionMessage) -> ResponseEvent:
        name, about = describe_message(message)
        says = f"{ARROWS[message.sender]} {name}  {about}".rstrip()
        data = message.data if isinstance(message.data, str) else about
        return ResponseEvent(
            number=number,
            kind=message.sender,
            event=name,
            data=_clean(data[:_LONGEST]),
            says=_clean(says[:400]),
            pieces=[],
            due=message.seconds,
            at=message.seconds,
        )

    return ResponseEvents(
        number=call.number,
        endpoint=None,
        events=[describe(number, one) for number, one in enumerate(messages[:_MOST], 1)],
        total=len(messages),
        reply=None,
        error=None,
        unreadable=None,
        odd=[],
        end=call.script.end,
        seconds=messages[-1].seconds,
        left=call.left,
    )


_AT_THE_END = frozenset({"framing", "length", "last-line", "cut-event", "no-done", "no-finish"})
"""Oddities that are none while the response may go on."""


def _take_apart(call: Call) -> ResponseEvents:
    from openai_mockserver.show.decode import Item, receive  # imports rich
    from openai_mockserver.show.lint import find_oddities
    from openai_mockserver.show.meanings import MEANINGS

    response = receive(build_exchange(call))
    find_time = _find_times(call)

    def describe(item: Item) -> ResponseEvent:
        at = find_time(item.number)
        # What an upstream sent was due when it came.
        due = item.at if call.upstream is None or at is None else at
        return ResponseEvent(
            number=item.number,
            kind=item.kind,
            event=None if item.event is None else item.event.event,
            data=_clean(item.data[:_LONGEST]),
            says=_clean(" ".join(phrase.text for phrase in item.phrases)[:400]),
            pieces=[Piece(one.kind, _clean(one.piece)) for one in item.phrases if one.piece],
            due=due,
            at=at,
        )

    reply = response.reply
    error = reply if isinstance(reply, ApiError) else None
    readable = reply if isinstance(reply, Reply) and response.is_understood else None
    if readable is not None and readable.error is not None:
        error = readable.error
    return ResponseEvents(
        number=call.number,
        endpoint=response.endpoint,
        events=list(map(describe, response.items[:_MOST])),
        total=len(response.items),
        reply=None if readable is None else _clean(encode_reply(readable)),
        error=None if error is None else _clean(encode_error(error)),
        unreadable=_clean(reply) if isinstance(reply, str) else None,
        odd=[
            Oddity(name, _clean(fact), MEANINGS[name])
            for name, fact in find_oddities(response)
            if call.outcome is not None or name not in _AT_THE_END
        ],
        end=call.script.end,
        seconds=response.seconds,
        left=call.left,
    )


def _clean(value: Any) -> Any:
    """Return a value whose texts are UTF-8."""
    from openai_mockserver.show.format import as_plain

    return as_plain(value)


def _find_times(call: Call) -> Callable[[int], float | None]:
    """Return a function from the number of an event to when it was written, if it was."""
    parts = call.times
    counts = list(accumulate(part.events for part in parts))
    delivered = call.sent.events

    def find(number: int) -> float | None:
        part = bisect_left(counts, number)
        return parts[part].at if part < len(parts) and number <= delivered else None

    return find
