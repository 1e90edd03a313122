"""The third step: choose what answers a request.

Rules of this file: the order is the error that a request's header asks for, a catalogue stream
named by its model, the newest matching rule, a recording or the upstream, the endpoint itself, and
the mock's default. A function that makes the reply is not called here, unless it is quick.
"""

from __future__ import annotations

from dataclasses import replace as replace_fields
from functools import partial

from openai_mockserver.api import errors
from openai_mockserver.dialects import find_dialect
from openai_mockserver.dispatch.answers import as_answers, as_function
from openai_mockserver.dispatch.exchange import Exchange, Plan, replace
from openai_mockserver.dispatch.options import ERROR_HEADER, STREAM_MODEL
from openai_mockserver.dispatch.refuse import (
    explain_unmatched,
    find_recording,
    has_recordings_at_path,
    refuse_problem,
)
from openai_mockserver.exceptions import ReplyError, UnknownStream
from openai_mockserver.faults.chances import check_chance
from openai_mockserver.faults.parser import parse_arguments
from openai_mockserver.reply import ApiError
from openai_mockserver.reply.serialization import decode_error
from openai_mockserver.rules import Answer, ReplyFunction, Unmatched
from openai_mockserver.seed import draw_lot

__all__ = ["choose_answer", "use_value"]


def choose_answer(exchange: Exchange) -> Exchange | Plan:
    """Return the exchange with its answer, or without one if the endpoint itself answers."""
    call, options, endpoint = exchange.call, exchange.options, exchange.endpoint
    if options.header_faults and (error_text := call.headers.get(ERROR_HEADER)):
        error = _draw_error(exchange, error_text)
        if error is not None:
            return replace(exchange, answer=Answer(error))
    model_speaks = endpoint.render is not None
    # With an upstream, such a model is a model like any other.
    if model_speaks and not options.has_other_source:
        model = exchange.endpoint_request.parameters.get("model")
        if isinstance(model, str) and model.startswith(STREAM_MODEL):
            return _answer_with_stream(exchange, model.removeprefix(STREAM_MODEL))
    draw = partial(draw_lot, options.seed, call.number)
    match = exchange.rules.find_answer(call, model_speaks, draw)
    if not isinstance(match, Unmatched):
        call.rule = match.rule
        return _use_answer(exchange, match.answer)
    if options.has_other_source:
        return find_recording(exchange)
    # If this path was recorded, a generated answer would be mistaken for a recording.
    if endpoint.answer is not None and not has_recordings_at_path(call, exchange.rules):
        return exchange
    if options.default is not None and options.use_default:
        return _use_answer(exchange, Answer(as_function(options.default)))
    return refuse_problem(exchange, explain_unmatched(call, match))


def _answer_with_stream(exchange: Exchange, name: str) -> Exchange | Plan:
    """Return the exchange with a stream of the catalogue as its answer."""
    from openai_mockserver import catalogue  # slow to import, and rarely needed

    try:
        return use_value(exchange, None, catalogue.stream(name))
    except UnknownStream as unknown:
        error = ApiError(404, str(unknown), code="model_not_found")
        return errors.render(error, exchange.rng)


def _use_answer(exchange: Exchange, answer: Answer) -> Exchange:
    """Return the exchange with an answer; a function that may wait is left for the door to call."""
    value = answer.value
    if isinstance(value, ReplyFunction) and value.is_quick:
        return use_value(exchange, answer, value(exchange.call))
    return replace(exchange, answer=answer)


def use_value(exchange: Exchange, answer: Answer | None, value: object) -> Exchange:
    """Return the exchange with the answer for what the function of an answer returned.

    Faults, pace and dialect are those of the answer. A stream of several exchanges answers the
    attempts in turn.
    """
    answer = answer or Answer({})
    dialect = answer.dialect or exchange.options.dialect
    imitates = find_dialect(dialect) is not None
    answers = as_answers(value, answer.faults, answer.pace, imitates)
    current = answers[min(max(1, exchange.call.attempt), len(answers)) - 1]
    if isinstance(current.value, ReplyFunction):
        raise ReplyError(
            f"the function {answer.value} returned another function, {current.value}: it must "
            "return a reply"
        )
    return replace(exchange, answer=replace_fields(current, dialect=answer.dialect))


def _draw_error(exchange: Exchange, text: str) -> ApiError | None:
    """Return the error that a request's header asks for; None if its chance does not come up.

    Raises ReplyError or FaultError if the text is invalid.
    """
    status, arguments = parse_arguments(text)
    probability = arguments.pop("chance", 1)
    check_chance(probability, f"{ERROR_HEADER}: chance")
    if not status.isdecimal():
        raise ReplyError(
            f"{ERROR_HEADER}: {text!r:.100} must begin with a status, as in 429; retry_after=2"
        )
    error = decode_error({"status": int(status), **arguments}, ERROR_HEADER)
    lot = draw_lot(exchange.options.seed, exchange.call.number, "error")
    return error if lot < probability else None
