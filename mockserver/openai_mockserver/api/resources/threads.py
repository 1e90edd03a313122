"""``/v1/threads``: store the messages of a request in the form of a thread's messages.

Rules of this file: no I/O; `operations` does what threads, messages and runs share with other
objects. No model answers: a run has already ended when it is created.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from openai_mockserver.api import errors
from openai_mockserver.api.endpoint import Answer, EndpointRequest
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.operations import Resource, refuse_stream
from openai_mockserver.api.resources.states import has_ended
from openai_mockserver.api.store import Store
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_THREADS = "/v1/threads"
_THREAD = Resource("POST", _THREADS)
_MESSAGES = f"{_THREADS}/{{thread_id}}/messages"
_MESSAGE = Resource("POST", _MESSAGES)
_RUNS = f"{_THREADS}/{{thread_id}}/runs"
_RUN = Resource("POST", _RUNS)
_THREAD_AND_RUN = f"{_THREADS}/runs"
_TOOL_OUTPUTS = f"{_RUNS}/{{run_id}}/submit_tool_outputs"
_ONE_RUN = Resource("GET", f"{_RUNS}/{{run_id}}")


def _convert_content(content: Any) -> list[Any]:
    """Return the content of a request in the form of a message, in which a text is an object.

    >>> _convert_content("Hi")
    [{'type': 'text', 'text': {'value': 'Hi', 'annotations': []}}]
    """
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [
        part | {"text": {"value": part["text"], "annotations": []}}
        if part.get("type") == "text"
        else part
        for part in parts
    ]


def _add_message(thread: str, message: Mapping[str, Any], store: Store, rng: Random) -> Any:
    parameters = dict(message) | {"content": _convert_content(message["content"])}
    path = f"{_THREADS}/{thread}/messages"
    request = EndpointRequest("POST", path, {"thread_id": thread}, parameters=parameters)
    return _MESSAGE.create_object(request, store, rng)


def _add_messages(thread: str, messages: Iterable[Any] | None, store: Store, rng: Random) -> None:
    for message in messages or ():
        _add_message(thread, message, store, rng)


def _create_message(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a message with the content of the request."""
    return json_response(
        _add_message(request.ids["thread_id"], request.parameters, store, rng), rng
    )


def _create_thread(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a thread with its initial messages."""
    thread = _THREAD.create_object(request, store, rng)
    _add_messages(thread["id"], request.parameters.get("messages"), store, rng)
    return json_response(thread, rng)


def _add_run(thread: str, parameters: Mapping[str, Any], store: Store, rng: Random) -> Script:
    path = f"{_THREADS}/{thread}/runs"
    request = EndpointRequest("POST", path, {"thread_id": thread}, parameters=parameters)
    return json_response(_RUN.create_object(request, store, rng), rng)


def _create_run(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Add the messages of the request, and create a run, which has already ended."""
    if request.parameters.get("stream"):
        return refuse_stream(request, store, rng)
    thread = request.ids["thread_id"]
    _add_messages(thread, request.parameters.get("additional_messages"), store, rng)
    return _add_run(thread, request.parameters, store, rng)


def _create_thread_and_run(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a thread with its messages and a run, which has already ended."""
    if request.parameters.get("stream"):
        return refuse_stream(request, store, rng)
    parameters = request.parameters.get("thread") or {}
    thread = _THREAD.create_object(
        EndpointRequest("POST", _THREADS, parameters=parameters), store, rng
    )
    _add_messages(thread["id"], parameters.get("messages"), store, rng)
    return _add_run(thread["id"], request.parameters, store, rng)


def _submit_tool_outputs(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the run, or an error if the run has ended."""
    if request.parameters.get("stream"):
        return refuse_stream(request, store, rng)
    path = request.path.rpartition("/")[0]
    collection, _, id = path.rpartition("/")
    run = store.get(collection, id)
    if has_ended(run):
        message = f'Runs in status "{run["status"]}" do not accept tool outputs.'
        return errors.render(ApiError(400, message), rng)
    return _ONE_RUN.retrieve(EndpointRequest("GET", path, request.ids), store, rng)


ANSWERS: dict[tuple[str, str], Answer] = {
    ("POST", _THREADS): _create_thread,
    ("POST", _MESSAGES): _create_message,
    ("POST", _RUNS): _create_run,
    ("POST", _THREAD_AND_RUN): _create_thread_and_run,
    ("POST", _TOOL_OUTPUTS): _submit_tool_outputs,
}
