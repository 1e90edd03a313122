"""The second step: check a request as OpenAI would, and collect its parameters.

Rules of this file: check the key first, then the body, the query, and the objects that the request
refers to.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from openai_mockserver.api import Endpoint, EndpointRequest, errors
from openai_mockserver.api.multipart import FormError, is_form, nest_parameters
from openai_mockserver.dispatch.exchange import Exchange, Plan, replace
from openai_mockserver.dispatch.refuse import check_key, has_client_secret, refuse_request
from openai_mockserver.journal import Call
from openai_mockserver.reply import ApiError

__all__ = ["validate_request"]


def validate_request(exchange: Exchange) -> Exchange | Plan:
    """Return the exchange with its parameters, or OpenAI's error if it would refuse them."""
    call, options = exchange.call, exchange.options
    endpoint, dialect = exchange.endpoint, exchange.dialect
    error = check_key(call, options.api_key, dialect)
    if error is not None and not has_client_secret(call, exchange.store, exchange.rng):
        return refuse_request(exchange, error)
    query = nest_parameters(parse_qsl(call.query, keep_blank_values=True)) if call.query else {}
    content_type = call.headers.get("content-type", "")
    parameters, error = _read_body(call, endpoint, content_type)
    # A preview accepts parameters that the SDK's types do not list.
    lenient = options.lenient or "beta" in query
    lenient |= not (dialect is None or dialect.name.startswith(("azure", "openai")))
    if endpoint.query is not None:
        query = endpoint.query.coerce(query)
        error = error or endpoint.query.check(query, lenient)
    if error is None and endpoint.parameters is not None:
        content = call.content
        if parameters is call.parsed and isinstance(content, bytes):
            error = endpoint.parameters.check_body(content, parameters, lenient)
        else:
            error = endpoint.parameters.check(parameters, lenient)
    if error is not None:
        return refuse_request(exchange, error)
    endpoint_request = EndpointRequest(
        call.method,
        exchange.path,
        exchange.ids,
        query,
        parameters,
        content_type,
        call.headers,
        exchange.ask,
        exchange.jobs,
        call.content,
        call.call_when_over,
    )
    if endpoint.recall is not None:
        history = endpoint.recall(endpoint_request, exchange.store)
        if not isinstance(history, ApiError):
            call.history = history
        elif not options.has_other_source:  # otherwise the object may exist there
            return errors.render(history, exchange.rng, dialect)
    return replace(exchange, endpoint_request=endpoint_request)


def _read_body(
    call: Call, endpoint: Endpoint, content_type: str
) -> tuple[dict[str, Any], ApiError | None]:
    """Return the body's parameters, and the error if it cannot be parsed."""
    if endpoint.form and is_form(content_type):
        try:
            form = call.form
        except FormError as error:
            return {}, ApiError(400, f"Could not parse multipart form: {error}")
        return endpoint.parameters.coerce(form) if endpoint.parameters else form, None
    if endpoint.parameters is None or isinstance(call.parsed, dict):
        return call.json, None
    # An empty body is accepted if no parameter is required.
    is_empty = not call.content and not endpoint.parameters.schema.get("required")
    return {}, None if is_empty else errors.invalid_json()
