"""Calls as JSON, without their secrets.

Rules of this file: nothing waits for a call that is being played.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from openai_mockserver.cassettes.redact import Redactor, redact_exchange
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.control.highlights import find_finish_reason, find_ttft, show_fault
from openai_mockserver.control.shapes import CallDetail, CallSummary, Delivery, Sent
from openai_mockserver.journal import Call
from openai_mockserver.script import Script
from openai_mockserver.sensitive import hide_keys, show_path
from openai_mockserver.sse import count_all

__all__ = ["build_exchange", "describe_call", "measure_silence", "summarize_call"]

_MOST_TEXT = 200  # characters of a user's message in a summary
_REDACTOR = Redactor()
_REST = 0.0005
"""Seconds of rest before each call.

While this thread computes, each write of a stream may have to wait for the interpreter. Streams are
less late if this thread is idle for most of the time.
"""


def summarize_call(call: Call) -> CallSummary:
    """Return a call without its request and response."""
    return CallSummary(**_summarize(call))


def _summarize(call: Call) -> dict[str, Any]:
    time.sleep(_REST)
    user = call.user
    if user is not None:
        user = hide_keys(user[: 2 * _MOST_TEXT], "…")
        user = user if len(user) <= _MOST_TEXT else f"{user[:_MOST_TEXT]}…"
    is_answered = call.is_answered
    script, rule = call.script, call.rule
    # What an upstream will still send is not known.
    is_known = call.upstream is None or call.outcome is not None
    is_streamed = is_answered and script.is_stream and is_known
    return {
        "number": call.number,
        "attempt": call.attempt,
        "started": call.started,
        "method": call.method[:40],
        "path": show_path(call.path),
        "model": hide_keys(call.model, "…"),
        "user": user,
        "stream": call.stream,
        "status": call.status if is_answered else None,
        "state": _name_state(call),
        "delivered": Sent(*call.sent),
        "events": count_all(script.steps) if is_streamed else None,
        "silent": measure_silence(call),
        "seconds": call.last_written if call.outcome is not None else None,
        "rule": None if rule is None else rule.number,
        "rule_description": None if rule is None else repr(rule),
        "problem": call.problem,
        "unrecorded": call.unrecorded,
        "warnings": list(call.warnings),
        "ttft": find_ttft(call),
        "finish_reason": find_finish_reason(call) if call.is_over else None,
        "faults": list(map(show_fault, call.faults)),
    }


def _name_state(call: Call) -> str:
    if call.outcome is not None:
        return call.outcome
    if call.is_written:
        return "written"
    return "in progress" if call.is_answered else "waiting"


def measure_silence(call: Call) -> float | None:
    """Return for how many seconds an open call has sent nothing; None for a call that is over."""
    if call.is_over:
        return None
    return max(0.0, time.monotonic() - call.arrival - (call.last_written or 0.0))


def build_exchange(call: Call, with_body: bool = True) -> Exchange:
    """Return a call as a recording, without its secrets.

    Args:
        call: the call.
        with_body: whether to include the body of the response.
    """
    time.sleep(_REST)
    script = call.script if with_body else Script(call.script.head)
    body = call.body
    request: dict[str, Any] = {"method": call.method, "url": call.target}
    request["headers"] = [list(pair) for pair in call.headers.raw]
    if body:
        if call.parsed is not msgspec.UNSET:
            request["json"] = call.parsed
        else:
            request |= _REDACTOR.begin(call.headers.raw, call.query).redact_body(body)
    return redact_exchange(Exchange(script, {"request": request}), _REDACTOR)


def describe_call(call: Call) -> CallDetail:
    """Return a call with its request, and when which part of its response was written."""
    exchange = build_exchange(call, with_body=False)
    times = [Delivery(one.due, one.at, one.events) for one in call.times]
    return CallDetail(
        **_summarize(call),
        request=exchange.about["request"],
        response_headers=list(exchange.script.head.headers),
        deliveries=times,
    )
