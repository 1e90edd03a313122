"""``/v1/threads``: what a request says in messages, as the messages of a thread have it.

Rules of this file: no I/O; what is generic of threads, messages and runs is in `operations`. No
model answers: a run has ended when it is created.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from openai_mockserver.api import errors
from openai_mockserver.api.endpoint import Answer, Asked
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.operations import Thing, refuse_stream
from openai_mockserver.api.resources.states import has_ended
from openai_mockserver.api.store import Store
from openai_mockserver.reply import ApiError
from openai_mockserver.script import Script

__all__ = ["ANSWERS"]

_THREADS = "/v1/threads"
_THREAD = Thing("POST", _THREADS)
_MESSAGES = f"{_THREADS}/{{thread_id}}/messages"
_MESSAGE = Thing("POST", _MESSAGES)
_RUNS = f"{_THREADS}/{{thread_id}}/runs"
_RUN = Thing("POST", _RUNS)
_THREAD_AND_RUN = f"{_THREADS}/runs"
_TOOL_OUTPUTS = f"{_RUNS}/{{run_id}}/submit_tool_outputs"
_ONE_RUN = Thing("GET", f"{_RUNS}/{{run_id}}")


def _as_content(given: Any) -> list[Any]:
    """The content of a message, as it was given: its text is an object there.

    >>> _as_content("Hi")
    [{'type': 'text', 'text': {'value': 'Hi', 'annotations': []}}]
    """
    parts = [{"type": "text", "text": given}] if isinstance(given, str) else given
    return [
        part | {"text": {"value": part["text"], "annotations": []}}
        if part.get("type") == "text"
        else part
        for part in parts
    ]


def _add_message(thread: str, given: Mapping[str, Any], store: Store, rng: Random) -> Any:
    parameters = dict(given) | {"content": _as_content(given["content"])}
    path = f"{_THREADS}/{thread}/messages"
    asked = Asked("POST", path, {"thread_id": thread}, parameters=parameters)
    return _MESSAGE.created(asked, store, rng)


def _add_messages(thread: str, given: Iterable[Any] | None, store: Store, rng: Random) -> None:
    for message in given or ():
        _add_message(thread, message, store, rng)


def _create_message(asked: Asked, store: Store, rng: Random) -> Script:
    """A new message, with the content that the request gives it."""
    return json_response(_add_message(asked.ids["thread_id"], asked.parameters, store, rng), rng)


def _create_thread(asked: Asked, store: Store, rng: Random) -> Script:
    """A new thread, and the messages that it begins with."""
    made = _THREAD.created(asked, store, rng)
    _add_messages(made["id"], asked.parameters.get("messages"), store, rng)
    return json_response(made, rng)


def _add_run(thread: str, given: Mapping[str, Any], store: Store, rng: Random) -> Script:
    path = f"{_THREADS}/{thread}/runs"
    asked = Asked("POST", path, {"thread_id": thread}, parameters=given)
    return json_response(_RUN.created(asked, store, rng), rng)


def _create_run(asked: Asked, store: Store, rng: Random) -> Script:
    """A new run, which has ended, after the messages that the request adds."""
    if asked.parameters.get("stream"):
        return refuse_stream(asked, store, rng)
    thread = asked.ids["thread_id"]
    _add_messages(thread, asked.parameters.get("additional_messages"), store, rng)
    return _add_run(thread, asked.parameters, store, rng)


def _create_thread_and_run(asked: Asked, store: Store, rng: Random) -> Script:
    """A new thread with its messages, and a run in it, which has ended."""
    if asked.parameters.get("stream"):
        return refuse_stream(asked, store, rng)
    given = asked.parameters.get("thread") or {}
    made = _THREAD.created(Asked("POST", _THREADS, parameters=given), store, rng)
    _add_messages(made["id"], given.get("messages"), store, rng)
    return _add_run(made["id"], asked.parameters, store, rng)


def _submit_tool_outputs(asked: Asked, store: Store, rng: Random) -> Script:
    """The run; one that has ended takes no outputs."""
    if asked.parameters.get("stream"):
        return refuse_stream(asked, store, rng)
    path = asked.path.rpartition("/")[0]
    where, _, id = path.rpartition("/")
    kept = store.get(where, id)
    if has_ended(kept):
        told = f'Runs in status "{kept["status"]}" do not accept tool outputs.'
        return errors.render(ApiError(400, told), rng)
    return _ONE_RUN.retrieve(Asked("GET", path, asked.ids), store, rng)


ANSWERS: dict[tuple[str, str], Answer] = {
    ("POST", _THREADS): _create_thread,
    ("POST", _MESSAGES): _create_message,
    ("POST", _RUNS): _create_run,
    ("POST", _THREAD_AND_RUN): _create_thread_and_run,
    ("POST", _TOOL_OUTPUTS): _submit_tool_outputs,
}
