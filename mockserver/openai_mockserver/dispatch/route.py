"""The first step: find the endpoint and the dialect of a request.

Rules of this file: the dialect is decided here, once.
"""

from __future__ import annotations

from openai_mockserver.api import ENDPOINTS, Endpoint, errors
from openai_mockserver.dialects import Dialect, Place, find_dialect, locate
from openai_mockserver.dispatch.exchange import Exchange, Plan, replace
from openai_mockserver.dispatch.options import Options
from openai_mockserver.dispatch.refuse import refuse_request

__all__ = ["choose_dialect", "route_request", "route_turn"]


def choose_dialect(place: Place, options: Options) -> Dialect | None:
    """Return the dialect that the path names, or the mock's, or the one the path implies."""
    return find_dialect(place.dialect if place.is_named else options.dialect or place.dialect)


def route_request(exchange: Exchange) -> Exchange | Plan:
    """Return the exchange with its dialect and endpoint; OpenAI's error if there is none."""
    call = exchange.call
    place = locate(call.path, call.query)
    call.deployment = place.model
    methods, ids = ENDPOINTS.find(place.path, call.method)
    endpoint, error = methods.get(call.method), place.error
    if error is None and not methods:
        error = errors.invalid_url(call.method, call.path)
    elif error is None and place.lacks_v1:
        call.warnings.append("the base URL lacks /v1")
    if error is None and endpoint is None:
        error = errors.method_not_allowed(call.method, call.path, list(methods))
    dialect = choose_dialect(place, exchange.options)
    if error is not None or endpoint is None:
        exchange = replace(exchange, dialect=dialect)
        return refuse_request(exchange, error or errors.invalid_json())
    call.endpoint_path = endpoint.path
    return replace(exchange, dialect=dialect, path=place.path, endpoint=endpoint, ids=ids)


def route_turn(endpoint: Endpoint, exchange: Exchange) -> Exchange | Plan:
    """Return the exchange with its dialect, and with the endpoint that a turn brings along."""
    call = exchange.call
    place = locate(call.path, call.query)
    call.deployment = place.model
    call.endpoint_path = endpoint.path
    dialect = choose_dialect(place, exchange.options)
    return replace(exchange, dialect=dialect, path=place.path, endpoint=endpoint)
