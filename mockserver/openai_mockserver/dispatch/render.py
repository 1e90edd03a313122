"""The fourth step: render an answer as a script.

Rules of this file: use the answer's dialect if it has one, and otherwise the exchange's. Pace and
faults are applied later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as replace_fields

from openai_mockserver.api import Rendered, detect_path, errors
from openai_mockserver.api.context import Context
from openai_mockserver.api.decode import decode_events
from openai_mockserver.api.json_body import json_response
from openai_mockserver.dialects import find_dialect
from openai_mockserver.dispatch.exchange import Exchange, replace
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.rules import Answer
from openai_mockserver.script import Event, Pause, Script
from openai_mockserver.sensitive import show_path

__all__ = ["render_answer"]


def render_answer(exchange: Exchange) -> Exchange:
    """Return the exchange with its script; store the response if the endpoint stores responses.

    Raises ReplyError for an answer that this endpoint or request cannot get.
    """
    answer, endpoint, endpoint_request = (
        exchange.answer,
        exchange.endpoint,
        exchange.endpoint_request,
    )
    if answer is None:
        assert endpoint.answer is not None
        return replace(
            exchange, script=endpoint.answer(endpoint_request, exchange.store, exchange.rng)
        )
    if answer.dialect is not None:
        exchange = replace(exchange, dialect=find_dialect(answer.dialect))
    result = _render_value(exchange, answer)
    if endpoint.keep is None:
        return replace(exchange, script=result.script)
    return replace(exchange, script=endpoint.keep(endpoint_request, result, exchange.store))


def _render_value(exchange: Exchange, answer: Answer) -> Rendered:
    """Return the response for an answer, by the type of its value."""
    value, endpoint = answer.value, exchange.endpoint
    if isinstance(value, Reply) and endpoint.render is not None:
        return _render_reply(exchange, value)
    if isinstance(value, Script):
        if answer.reply is None or not _needs_rendering(exchange, value, answer.path):
            return Rendered(value)
        _check_plain(exchange, value)
        return _render_reply(exchange, answer.reply)
    if isinstance(value, Mapping):
        return Rendered(json_response(value, exchange.rng))
    if isinstance(value, ApiError) and exchange.options.fast_retries:
        value = _retry_soon(value)
    if isinstance(value, ApiError) and endpoint.render is not None:
        return _render_reply(exchange, value)
    if isinstance(value, ApiError):
        return Rendered(errors.render(value, exchange.rng, exchange.dialect))
    raise ReplyError(
        f"no model answers at {endpoint.path}: reply with an ApiError, a dict or a Script"
    )


def _render_reply(exchange: Exchange, reply: Reply | ApiError) -> Rendered:
    """Return the response of the exchange's endpoint for a reply."""
    parameters, history = exchange.endpoint_request.parameters, exchange.call.history
    ticket = exchange.call.ticket
    cached_tokens = 0 if ticket is None else ticket.admission.cached_tokens
    context = Context(
        parameters, exchange.dialect, history, exchange.rng, cached_tokens=cached_tokens
    )
    return exchange.replies.render(exchange.endpoint, reply, context)


def _needs_rendering(exchange: Exchange, script: Script, stated_path: str) -> bool:
    """Whether to render a ready-made stream's reply, because the request does not fit the stream.

    It does not fit if it asks for no stream, or if its endpoint is not the stream's.
    """
    if exchange.endpoint.render is None or not script.is_stream:
        return False
    path = exchange.endpoint.path
    return not (exchange.wants_stream and (stated_path or detect_path(script, path)) == path)


def _check_plain(exchange: Exchange, script: Script) -> None:
    """Raise ReplyError if a ready-made stream has flaws that rendering its reply would lose."""
    data = [step.data for step in script.steps if isinstance(step, Event)]
    has_only_events = len(data) + sum(isinstance(step, Pause) for step in script.steps) == len(
        script.steps
    )
    is_complete = sum(1 for _ in decode_events(script)) == len(data) - 1 and data[-1:] == ["[DONE]"]
    if exchange.wants_stream and not (has_only_events and is_complete and script.end == "finish"):
        raise ReplyError(
            f"this ready-made stream of {detect_path(script)} is broken, and its flaws cannot be "
            f"rendered at {show_path(exchange.call.path)}: use its reply with faults=[...] instead"
        )


_RETRIED_STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504})
_RETRY_HEADERS = frozenset({"retry-after", "retry-after-ms", "x-should-retry"})


def _retry_soon(error: ApiError) -> ApiError:
    """Return the error with a header that makes the SDK retry after 1 ms.

    An error that already sets a retry time, or that the SDK does not retry, stays as it is.
    """
    # Without such a header, the SDK sleeps half a second or longer between attempts.
    header_names = {name.lower() for name, _ in error.headers}
    if (
        error.status not in _RETRIED_STATUSES
        or error.retry_after is not None
        or header_names & _RETRY_HEADERS
    ):
        return error
    return replace_fields(error, headers=(*error.headers, ("retry-after-ms", "1")))
