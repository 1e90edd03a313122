"""The first function: which endpoint a request goes to, and in whose manner it is answered.

Rules of this file: the dialect is decided here, once.
"""

from __future__ import annotations

from openai_mockserver.api import ENDPOINTS, errors
from openai_mockserver.dialects import Dialect, Place, find_dialect, locate
from openai_mockserver.dispatch.exchange import Exchange, Plan, grow
from openai_mockserver.dispatch.options import Options
from openai_mockserver.dispatch.refuse import refuse_request

__all__ = ["choose_dialect", "route_request"]


def choose_dialect(place: Place, options: Options) -> Dialect | None:
    """The manner to answer in: the one the path names, else the mock's, else the path's own."""
    return find_dialect(place.dialect if place.is_named else options.dialect or place.dialect)


def route_request(exchange: Exchange) -> Exchange | Plan:
    """The exchange with its dialect and its endpoint; OpenAI's error where there is none."""
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
        refused = grow(exchange, dialect=dialect)
        return refuse_request(refused, error or errors.invalid_json())
    return grow(exchange, dialect=dialect, path=place.path, endpoint=endpoint, ids=ids)
