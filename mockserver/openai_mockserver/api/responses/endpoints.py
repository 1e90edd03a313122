"""The endpoints of the Responses API."""

from __future__ import annotations

from openai_mockserver.api.endpoint import Answer, CompileHooks, Endpoint
from openai_mockserver.api.responses import reader, renderer
from openai_mockserver.api.responses.history import recall
from openai_mockserver.api.responses.store import (
    cancel,
    compact,
    count_input_tokens,
    delete,
    keep,
    list_input_items,
    retrieve,
)
from openai_mockserver.api.validation.parameters import parameters_of

__all__ = ["ENDPOINTS"]

_ONE = f"{renderer.PATH}/{{response_id}}"


def _endpoint(method: str, path: str, answer: Answer) -> Endpoint:
    body = parameters_of(method, path) if method == "POST" else None
    query = parameters_of(method, path, "query")
    return Endpoint(path=path, method=method, parameters=body, query=query, answer=answer)


ENDPOINTS = (
    Endpoint(
        path=renderer.PATH,
        parameters=parameters_of("POST", renderer.PATH),
        render=renderer.compose,
        read=reader.read,
        compile_hooks=CompileHooks(renderer.shape, renderer.fresh_envelope, renderer.make_head),
        keep=keep,
        recall=recall,
    ),
    _endpoint("POST", f"{renderer.PATH}/compact", compact),
    _endpoint("POST", f"{renderer.PATH}/input_tokens", count_input_tokens),
    _endpoint("GET", _ONE, retrieve),
    _endpoint("DELETE", _ONE, delete),
    _endpoint("POST", f"{_ONE}/cancel", cancel),
    _endpoint("GET", f"{_ONE}/input_items", list_input_items),
)
