"""Handlers about the calls, and about what went wrong."""

from __future__ import annotations

from openai_mockserver.cassettes.stream_file import dumps
from openai_mockserver.control.har import build_har
from openai_mockserver.control.problem import Problem
from openai_mockserver.control.routing import ControlRequest, Download, LongList
from openai_mockserver.control.shapes import (
    OPTIONS,
    CallDetail,
    CallList,
    CallQuery,
    CallSummary,
    HarQuery,
    Reset,
    Verdict,
)
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.control.summaries import build_exchange, describe_call, summarize_call
from openai_mockserver.exceptions import UnmatchedRequest, UnusedRule
from openai_mockserver.journal import Call, CallFilter, find_page

__all__ = [
    "find",
    "find_call",
    "get_har",
    "get_response",
    "list_page",
    "list_problems",
    "reset",
    "verify",
]

_MOST_LISTED = 100  # problems in a verdict


def list_page(mock: Steerable, request: ControlRequest) -> LongList:
    """Return a page of the calls."""
    query: CallQuery = request.query
    history = mock.calls.history
    last_event = f"{history.name}-{history.last_number}"  # read first: what is newer is followed
    newest_first = query.order == "newest"
    page = find_page(mock.calls, _read_filter(query), query.limit, query.after, newest_first)
    describe = describe_call if query.include == "request" else summarize_call
    whole = CallList([], page.next, len(mock.calls), last_event)
    return LongList(whole, "calls", map(describe, page.calls))


def _read_filter(query: CallQuery | HarQuery) -> CallFilter:
    return CallFilter(
        path=query.path,
        endpoint=query.endpoint,
        model=query.model,
        rule=query.rule,
        problem=query.problem,
        since=query.since,
    )


def find_call(mock: Steerable, request: ControlRequest) -> Call:
    """Return the call that the path names. Raises Problem 404 if the journal has none."""
    number = request.number("number")
    if (call := mock.calls.find(number)) is None:
        raise Problem(404, f"the journal has no call {number}")
    return call


def find(mock: Steerable, request: ControlRequest) -> CallDetail:
    """Return a call with its request."""
    return describe_call(find_call(mock, request))


def get_response(mock: Steerable, request: ControlRequest) -> Download:
    """Return the response to a call as a stream file; a call in progress has its whole script."""
    call = find_call(mock, request)
    if not call.is_answered:
        raise Problem(409, f"call {call.number} has no response yet")
    exchange = build_exchange(call)
    return Download(dumps(exchange.script, exchange.about), f"call-{call.number}.jsonl")


def get_har(mock: Steerable, request: ControlRequest) -> LongList:
    """Return calls as a HAR file."""
    query: HarQuery = request.query
    page = find_page(mock.calls, _read_filter(query), query.limit, newest_first=True)
    calls = [call for call in reversed(page.calls) if call.is_answered]
    return build_har(calls, request.origin)


def list_problems(mock: Steerable, request: ControlRequest) -> list[CallSummary]:
    """Return the calls that could not be answered or recorded."""
    return list(map(summarize_call, mock.problems))


def verify(mock: Steerable, request: ControlRequest) -> Verdict:
    """Return whether all is well, as the pytest fixture checks at the end of a test."""
    message = None
    try:
        mock.check(request.query.unused)
    except (UnmatchedRequest, UnusedRule) as error:
        message = str(error)
    problems = list(map(summarize_call, mock.problems[:_MOST_LISTED]))
    return Verdict(message is None, message, problems, mock.forgotten_problems, mock.unused)


def reset(mock: Steerable, request: ControlRequest) -> None:
    """Forget rules, calls, objects and changed settings, as far as it is asked for."""
    chosen: Reset = request.body
    if chosen.rules:
        mock.rules.clear()
    if chosen.calls:
        mock.calls.clear()
    if chosen.objects:
        mock.store.clear()
        mock.jobs.clear()
        mock.reset_engine()
    if chosen.webhooks:
        mock.clear_webhooks()
    if chosen.settings:
        first = mock.first_options
        mock.change_options(**{name: getattr(first, name) for name in OPTIONS})
