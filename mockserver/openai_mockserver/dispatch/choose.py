"""The third function: what answers a request.

Rules of this file: a stream that the request names comes first, then the newest rule that matches,
then what was recorded or an upstream, then the endpoint itself, then the mock's default.
"""

from __future__ import annotations

from openai_mockserver.api import errors
from openai_mockserver.dispatch.answers import as_answer
from openai_mockserver.dispatch.exchange import Exchange, Plan, grow
from openai_mockserver.dispatch.options import STREAM_MODEL
from openai_mockserver.dispatch.refuse import (
    explain_unmatched,
    find_recorded,
    is_recorded_there,
    refuse_problem,
)
from openai_mockserver.exceptions import UnknownStream
from openai_mockserver.reply import ApiError
from openai_mockserver.rules import Unmatched

__all__ = ["choose_answer"]


def choose_answer(exchange: Exchange) -> Exchange | Plan:
    """The exchange with its answer, or without one if the endpoint answers of itself."""
    call, options, endpoint = exchange.call, exchange.options, exchange.endpoint
    model_speaks = endpoint.render is not None
    # With an upstream it is a model like any other.
    if model_speaks and not options.asks_elsewhere:
        model = exchange.asked.parameters.get("model")
        if isinstance(model, str) and model.startswith(STREAM_MODEL):
            return _name_stream(exchange, model.removeprefix(STREAM_MODEL))
    found = exchange.rules.find_answer(call, model_speaks)
    if not isinstance(found, Unmatched):
        call.rule = found.rule
        return grow(exchange, answer=found.answer)
    if options.asks_elsewhere:
        return find_recorded(exchange)
    # Beside recordings of this path, what is made up would be taken for one of them.
    if endpoint.answer is not None and not is_recorded_there(call, exchange.rules):
        return exchange
    if options.default is not None:
        return grow(exchange, answer=as_answer(options.default(call)))
    return refuse_problem(exchange, explain_unmatched(call, found))


def _name_stream(exchange: Exchange, name: str) -> Exchange | Plan:
    """The exchange with a stream of the catalogue as its answer."""
    from openai_mockserver import catalogue  # reading files is not what most tests need

    try:
        return grow(exchange, answer=as_answer(catalogue.stream(name)))
    except UnknownStream as unknown:
        error = ApiError(404, str(unknown), code="model_not_found")
        return errors.render(error, exchange.rng)
