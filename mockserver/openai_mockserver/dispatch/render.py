"""The fourth function: the script that says an answer.

Rules of this file: it says what the answer means in the exchange's dialect, unless the answer has
one of its own; pace and faults come later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from openai_mockserver.api import Rendered, detect_path, errors
from openai_mockserver.api.context import Context
from openai_mockserver.api.decode import decode_events
from openai_mockserver.api.json_body import json_response
from openai_mockserver.dialects import find_dialect
from openai_mockserver.dispatch.exchange import Exchange, grow
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.rules import Answer
from openai_mockserver.script import Event, Pause, Script
from openai_mockserver.sensitive import show_path

__all__ = ["render_answer"]


def render_answer(exchange: Exchange) -> Exchange:
    """The exchange with its script, which is remembered if the endpoint remembers responses.

    Raises ReplyError for an answer that cannot be given to this request.
    """
    answer, endpoint, asked = exchange.answer, exchange.endpoint, exchange.asked
    if answer is None:
        assert endpoint.answer is not None
        return grow(exchange, script=endpoint.answer(asked, exchange.store, exchange.rng))
    if answer.dialect is not None:
        exchange = grow(exchange, dialect=find_dialect(answer.dialect))
    rendered = _render_value(exchange, answer)
    if endpoint.keep is None:
        return grow(exchange, script=rendered.script)
    return grow(exchange, script=endpoint.keep(asked, rendered, exchange.store))


def _render_value(exchange: Exchange, answer: Answer) -> Rendered:
    """The response of an answer, by what kind of value it is."""
    value, endpoint = answer.value, exchange.endpoint
    if isinstance(value, Reply) and endpoint.render is not None:
        return _say(exchange, value)
    if isinstance(value, Script):
        if answer.spoken is None or not _is_to_be_said(exchange, value, answer.path):
            return Rendered(value)
        _check_only_said(exchange, value)
        return _say(exchange, answer.spoken)
    if isinstance(value, Mapping):
        return Rendered(json_response(value, exchange.rng))
    if isinstance(value, ApiError) and exchange.options.fast_retries:
        value = _retry_soon(value)
    if isinstance(value, ApiError) and endpoint.render is not None:
        return _say(exchange, value)
    if isinstance(value, ApiError):
        return Rendered(errors.render(value, exchange.rng, exchange.dialect))
    raise ReplyError(f"no model speaks at {endpoint.path}: give an ApiError, a dict or a Script")


def _say(exchange: Exchange, reply: Reply | ApiError) -> Rendered:
    """The response with which the exchange's endpoint says a reply."""
    parameters, history = exchange.asked.parameters, exchange.call.history
    context = Context(parameters, exchange.dialect, history, exchange.rng)
    return exchange.replies.render(exchange.endpoint, reply, context)


def _is_to_be_said(exchange: Exchange, script: Script, stated: str) -> bool:
    """Whether what a ready-made stream says is to be said: it answers streams of its endpoint."""
    if exchange.endpoint.render is None or not script.is_stream:
        return False
    path = exchange.endpoint.path
    return not (exchange.wants_stream and (stated or detect_path(script, path)) == path)


def _check_only_said(exchange: Exchange, script: Script) -> None:
    """Raise ReplyError where a ready-made stream does more than say something."""
    data = [step.data for step in script.steps if isinstance(step, Event)]
    plain = len(data) + sum(isinstance(step, Pause) for step in script.steps) == len(script.steps)
    right = sum(1 for _ in decode_events(script)) == len(data) - 1 and data[-1:] == ["[DONE]"]
    if exchange.wants_stream and not (plain and right and script.end == "finish"):
        raise ReplyError(
            f"this ready-made stream is broken as one of {detect_path(script)}, and would be whole "
            f"at {show_path(exchange.call.path)}: say its reply there, with faults=[...]"
        )


_RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504})
_RETRY_HEADERS = frozenset({"retry-after", "retry-after-ms", "x-should-retry"})


def _retry_soon(error: ApiError) -> ApiError:
    """The error with a header that lets the SDK retry after 1 ms, unless it says something else."""
    # The SDK really sleeps between attempts, half a second and more unless a header says less.
    names = {name.lower() for name, _ in error.headers}
    if error.status not in _RETRIED or error.retry_after is not None or names & _RETRY_HEADERS:
        return error
    return replace(error, headers=(*error.headers, ("retry-after-ms", "1")))
