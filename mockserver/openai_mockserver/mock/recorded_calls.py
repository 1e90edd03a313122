"""Recorded exchanges in the journal of a mock, as if it had answered them.

Rules of this file: nothing is played. Each part of a response counts as written when it was due, so
that a page about calls shows the times of the recording at once.
"""

from __future__ import annotations

from openai_mockserver.api.detection import detect_path
from openai_mockserver.cassettes.recorded_request import build_exchange_key
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.journal import Call, Journal
from openai_mockserver.journal.call import CLIENT_DISCONNECTED
from openai_mockserver.request import Request
from openai_mockserver.timeline import frames

__all__ = ["add_recorded_call"]


def add_recorded_call(journal: Journal, exchange: Exchange) -> Call:
    """Add an exchange to a journal as a call that has ended, and return the call.

    Args:
        journal: the journal.
        exchange: the exchange. If it has no request, one to the endpoint of its response stands
            for it. Secrets of its request are redacted.
    """
    key = build_exchange_key(exchange)
    request = Request("POST", detect_path(exchange.script)) if key is None else key.to_request()
    call = journal.add(request)
    call.script = exchange.script
    for frame in frames(exchange.script):
        at = exchange.script.head.delay + frame.due
        call.log_frame(frame._replace(due=at), at)
    call.end(CLIENT_DISCONNECTED if exchange.client_left else None)
    return call
