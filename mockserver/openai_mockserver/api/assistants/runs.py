"""``/v1/threads/{thread_id}/runs``: the model answers the messages of a thread.

Rules of this file: no I/O. A run asks the mock itself, with the request of the Responses API that
`prompt` makes of the thread, so that the same rules answer. All that it leads to is known when it
begins, and seen when it has ended (`pending`). The answer to a request without a stream is the
queued run, as OpenAI's is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import seed
from openai_mockserver.api import chat, errors, headers, responses
from openai_mockserver.api.assistants.objects import Envelope, build_run
from openai_mockserver.api.assistants.pending import (
    OPEN_USAGE,
    Outcome,
    settle_run,
    settle_thread,
    start_run,
    steps_of,
)
from openai_mockserver.api.assistants.prompt import build_request
from openai_mockserver.api.assistants.threads import (
    THREADS,
    add_messages,
    create_thread,
    find_active_run,
    messages_of,
    new_id,
    runs_of,
)
from openai_mockserver.api.assistants.timing import follow
from openai_mockserver.api.assistants.writer import RunWriter
from openai_mockserver.api.endpoint import Answer, EndpointRequest
from openai_mockserver.api.jobs import AT_ONCE
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.operations import Resource, refuse_unknown_id
from openai_mockserver.api.resources.states import has_ended
from openai_mockserver.api.store import Store
from openai_mockserver.exceptions import ReplyError
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Head, Script

__all__ = ["ANSWERS"]

_ASSISTANTS = "/v1/assistants"
_ASSISTANT = Resource("GET", f"{_ASSISTANTS}/{{assistant_id}}")
_RUNS = runs_of("{thread_id}")
_RUN = f"{_RUNS}/{{run_id}}"
_STEPS = f"{_RUN}/steps"
_MESSAGES = messages_of("{thread_id}")
_ONE_RUN = Resource("GET", _RUN)
_CANCEL = Resource("POST", f"{_RUN}/cancel")


# Endpoints


def _create_run(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Add the messages of the request, and run the thread."""
    thread_id = request.ids["thread_id"]
    settle_thread(thread_id, request.jobs, store, seed.now(rng))
    if (active := find_active_run(thread_id, store)) is not None:
        text = f"Thread {thread_id} already has an active run {active['id']}."
        return errors.render(ApiError(400, text), rng)
    if _is_assistant_gone(request, store):
        return refuse_unknown_id(_ASSISTANTS, request.parameters["assistant_id"], rng)
    add_messages(thread_id, request.parameters.get("additional_messages"), store, rng)
    return _begin(thread_id, None, request, store, rng)


def _create_thread_and_run(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a thread with its messages, and run it."""
    if _is_assistant_gone(request, store):
        return refuse_unknown_id(_ASSISTANTS, request.parameters["assistant_id"], rng)
    thread = create_thread(request.parameters.get("thread") or {}, store, rng)
    return _begin(thread["id"], thread, request, store, rng)


def _submit_tool_outputs(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Continue a run with the outputs of its tools, or refuse them if it waits for none."""
    thread_id, run_id = request.ids["thread_id"], request.ids["run_id"]
    settle_run(run_id, request.jobs, store, seed.now(rng))
    run = store.get(runs_of(thread_id), run_id) or _imagine_run(thread_id, run_id, store, rng)
    if has_ended(run):
        message = f'Runs in status "{run["status"]}" do not accept tool outputs.'
        return errors.render(ApiError(400, message), rng)
    outputs = {
        str(output.get("tool_call_id")): str(output.get("output") or "")
        for output in request.parameters["tool_outputs"]
    }
    wanted = _list_wanted_ids(run)
    if not set(wanted) <= set(outputs):
        message = f"Expected tool outputs for call_ids {wanted}, got {list(outputs)}"
        return errors.render(ApiError(400, message), rng)
    writer = _make_writer(run, request, store, rng)
    writer.resume(outputs, store.get(OPEN_USAGE, run_id))
    store.drop(OPEN_USAGE, run_id)
    return _ask_model(writer, request, store, rng)


def _cancel(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Cancel a run that has not ended, and its open step."""
    thread_id, run_id = request.ids["thread_id"], request.ids["run_id"]
    settle_run(run_id, request.jobs, store, seed.now(rng))
    run = store.get(runs_of(thread_id), run_id)
    if run is None or has_ended(run):
        return _CANCEL.act(request, store, rng)
    ending = {"status": "cancelled", "cancelled_at": seed.now(rng)}
    steps = steps_of(run)
    for step in store.all(steps):
        if step["status"] == "in_progress":
            store.put(steps, step["id"], step | ending)
    request.jobs.end(run_id, "cancelled")
    settle_run(run_id, request.jobs, store, seed.now(rng))
    run = run | ending | {"expires_at": None, "required_action": None}
    store.put(runs_of(thread_id), run_id, run)
    return json_response(run, rng)


def _retrieve(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the run as it is now."""
    run_id = request.ids["run_id"]
    request.jobs.poll(run_id)
    settle_run(run_id, request.jobs, store, seed.now(rng))
    answer = _ONE_RUN.retrieve(request, store, rng)
    run = store.get(runs_of(request.ids["thread_id"]), run_id)
    is_open = run is not None and run["status"] in ("queued", "in_progress")
    return request.jobs.add_interval(answer, run_id) if is_open else answer


def _list(path: str) -> Answer:
    """Return an endpoint that lists what the runs of a thread have led to by now."""
    resource = Resource("GET", path)

    def answer_request(request: EndpointRequest, store: Store, rng: Random) -> Script:
        settle_thread(request.ids["thread_id"], request.jobs, store, seed.now(rng))
        return resource.list(request, store, rng)

    return answer_request


def _create_message(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Add a message with the content of the request, unless a run of the thread is active."""
    thread_id = request.ids["thread_id"]
    settle_thread(thread_id, request.jobs, store, seed.now(rng))
    if (run := find_active_run(thread_id, store)) is not None:
        text = f"Can't add messages to {thread_id} while a run {run['id']} is active."
        return errors.render(ApiError(400, text), rng)
    (message,) = add_messages(thread_id, [request.parameters], store, rng)
    return json_response(message, rng)


# Runs


def _is_assistant_gone(request: EndpointRequest, store: Store) -> bool:
    """Whether the request names an assistant that was deleted."""
    return store.is_gone(_ASSISTANTS, request.parameters["assistant_id"])


def _find_assistant(id: str, store: Store, rng: Random) -> Any:
    """Return an assistant; one that was never created is generated, and has no instructions."""
    path = f"{_ASSISTANTS}/{id}"
    request = EndpointRequest("GET", path, {"assistant_id": id})
    assistant = _ASSISTANT.find(request, store, rng)[2]
    return assistant if store.get(_ASSISTANTS, id) else assistant | {"instructions": ""}


def _imagine_run(thread_id: str, run_id: str, store: Store, rng: Random) -> dict[str, Any]:
    """Return a run that was never created, so that code that only has its id can go on."""
    own_rng = seed.derive_rng(rng, run_id)
    parameters = {"assistant_id": f"asst_{run_id.removeprefix('run_')}"}
    assistant = _find_assistant(parameters["assistant_id"], store, rng)
    return build_run(run_id, thread_id, parameters, assistant, seed.now(own_rng))


def _list_wanted_ids(run: Mapping[str, Any]) -> list[str]:
    """Return the ids of the calls whose outputs a run waits for."""
    action = run["required_action"] or {}
    calls = action.get("submit_tool_outputs", {}).get("tool_calls", ())
    return [call["id"] for call in calls]


def _begin(
    thread_id: str,
    new_thread: Mapping[str, Any] | None,
    request: EndpointRequest,
    store: Store,
    rng: Random,
) -> Script:
    """Run a thread."""
    id = new_id("run", runs_of(thread_id), store, rng)
    assistant = _find_assistant(request.parameters["assistant_id"], store, rng)
    run = build_run(id, thread_id, request.parameters, assistant, seed.now(rng))
    writer = _make_writer(run, request, store, rng)
    writer.create(new_thread)
    return _ask_model(writer, request, store, rng)


def _make_writer(
    run: Mapping[str, Any], request: EndpointRequest, store: Store, rng: Random
) -> RunWriter:
    def make_id(kind: str) -> str:
        collection = messages_of(run["thread_id"]) if kind == "msg" else steps_of(run)
        return new_id(kind, collection, store, rng)

    envelope = Envelope(make_id, lambda: seed.now(rng))
    return RunWriter(run, envelope, store.all(steps_of(run)), request.query.get("include") or ())


def _ask_model(writer: RunWriter, request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Let the model answer, store what it says, and return the response."""
    run = writer.run
    stream = bool(request.parameters.get("stream"))
    messages = store.all(messages_of(run["thread_id"]))
    body = build_request(run, messages, writer.steps, stream)
    reply: Reply | ApiError
    script = Script(Head(200, headers.response_headers(rng)))
    if request.ask is None:
        reply = Reply(output=())
    else:
        script = request.ask("POST", responses.PATH, msgspec.json.encode(body))
        reply = _read(script)
    if isinstance(reply, ApiError):
        writer.end(reply)
        script = Script(Head(200, headers.response_headers(rng), script.seconds))
    elif writer.add(reply):
        writer.end()
    outcome = Outcome(run := writer.run, writer.steps, writer.messages, writer.open_usage)
    start_run(writer.queued_run, outcome, AT_ONCE if stream else request.jobs, store)
    if stream:
        return follow(script, writer.events)
    answer = request.jobs.add_interval(json_response(writer.queued_run, rng), run["id"])
    return replace(answer, head=replace(answer.head, delay=script.seconds), end=script.end)


def _read(script: Script) -> Reply | ApiError:
    """Return what the model says, also in a ready-made chat completion."""
    try:
        return responses.read(script)
    except ReplyError:
        try:
            return chat.read(script)
        except ReplyError:
            if script.end == "finish":
                raise
            return ApiError(500)  # the fault that ends it has left nothing to read


ANSWERS: dict[tuple[str, str], Answer] = {
    ("POST", _MESSAGES): _create_message,
    ("GET", _MESSAGES): _list(_MESSAGES),
    ("GET", _RUNS): _list(_RUNS),
    ("GET", _RUN): _retrieve,
    ("GET", _STEPS): _list(_STEPS),
    ("POST", _RUNS): _create_run,
    ("POST", f"{THREADS}/runs"): _create_thread_and_run,
    ("POST", f"{_RUN}/submit_tool_outputs"): _submit_tool_outputs,
    ("POST", f"{_RUN}/cancel"): _cancel,
}
