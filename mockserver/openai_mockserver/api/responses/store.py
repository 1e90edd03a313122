"""Stored responses: retrieve, resume, cancel or delete them, and list their input.

Rules of this file: a stored response is returned unchanged, unless it takes time in the background
(`background`), and a deleted one is gone. An id that the server has never seen gets a generated
response, so that code that only has an id can run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, TypeGuard

import msgspec
import msgspec.json

from openai_mockserver import seed, sse, tokens
from openai_mockserver.api import errors, headers, ids
from openai_mockserver.api.context import make_context
from openai_mockserver.api.endpoint import EndpointRequest, Rendered
from openai_mockserver.api.messages import read_messages
from openai_mockserver.api.resources import conversations
from openai_mockserver.api.responses.background import (
    UNFINISHED,
    ResponseEnd,
    find_status,
    list_due_events,
    pace_stream,
    show_response,
)
from openai_mockserver.api.responses.envelope import Envelope, clear_result
from openai_mockserver.api.responses.history import (
    find_history,
    get_conversation_id,
    keep_compaction,
    look_up_response,
    name_response,
    resolve_references,
)
from openai_mockserver.api.responses.renderer import (
    compose,
    make_cipher,
    rebuild_stream,
    render_body,
)
from openai_mockserver.api.responses.stored import (
    KIND,
    ResponseText,
    StoredResponse,
    build_items,
    list_events,
)
from openai_mockserver.api.store import Store
from openai_mockserver.dialects.responses import SEQUENCE_NUMBER
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Event, Head, Pause, Script, Step

__all__ = [
    "cancel",
    "compact",
    "count_input_tokens",
    "delete",
    "keep",
    "list_input_items",
    "retrieve",
]

# Storing


def keep(request: EndpointRequest, result: Rendered, store: Store) -> Script:
    """Store the response, and return what to answer: in the background, one that is queued."""
    script, id = result.script, result.id
    make_response: Callable[[], Mapping[str, Any]] | None = result.make_object
    if script.head.status != 200:
        return script
    is_stored = request.parameters.get("store") is not False
    if make_response is None:
        response = _read_response(script)
        if response is None:
            return script
        id, make_response = response["id"], partial(_keep_value, response)
    elif is_stored and store.is_shared:  # which needs the text now
        make_response = _find_text(script) or make_response
    input_ = resolve_references(request.parameters.get("input"), store)
    stored_response = StoredResponse(
        make_response,
        script,
        input_,
        find_history(request, store),
        stored_at=request.jobs.real_now if is_stored else math.inf,
    )
    for item in stored_response.response["output"] if _compacts(request) else ():
        if item.get("type") == "compaction":
            input_messages = read_messages({"input": input_})
            messages = (*stored_response.history, *input_messages)
            keep_compaction(item["encrypted_content"], messages, store)
    if (conversation_id := get_conversation_id(request)) is not None:
        items = [*stored_response.items, *stored_response.response["output"]]
        conversations.add_items(store, conversation_id, items, Random(id))
        name_response(conversation_id, id, script.seconds, request, store)
    if not is_stored:
        store.withhold(KIND, id, stored_response)
        return script
    store.put_dated(KIND, id, stored_response.add_skipped)
    # A rendered response is in the background if the request says so; a ready-made script may be.
    may_be_queued = result.make_object is None or bool(request.parameters.get("background"))
    if not (may_be_queued and stored_response.in_background):
        return script
    job = request.jobs.make(
        id,
        ResponseEnd(str(stored_response.response["status"])),
        is_watched=script.is_stream,
    )
    request.jobs.start(job)
    if script.is_stream:
        return pace_stream(script, job) if job.seconds else script
    queued_response = clear_result(stored_response.response, "queued")
    queued_script = _replace_body(script, render_body(queued_response, Random(id)))
    return request.jobs.add_interval(queued_script, id)


def _compacts(request: EndpointRequest) -> bool:
    return bool(request.parameters.get("context_management"))


def _keep_value(response: Mapping[str, Any]) -> Mapping[str, Any]:
    return response


def _replace_body(script: Script, other: Script) -> Script:
    """Return a response with the body of another and its own head, so with its own id and time."""
    length = other.head.header("content-length") or "0"
    headers = tuple(
        (name, length if name.lower() == "content-length" else value)
        for name, value in script.head.headers
    )
    return replace(other, head=replace(script.head, headers=headers))


class _FinalEvent(msgspec.Struct):
    """An event with the response object as JSON."""

    response: msgspec.Raw


def _find_text(script: Script) -> ResponseText | None:
    """Return the text of the response object in a rendered response; None if there is none."""
    if not script.is_stream:
        return ResponseText(sse.body(script.steps))
    for text in _list_texts(script):
        with suppress(msgspec.DecodeError, UnicodeError):  # [DONE], for example, has no object
            return ResponseText(bytes(msgspec.json.decode(text, type=_FinalEvent).response))
    return None


def _read_response(script: Script) -> dict[str, Any] | None:
    """Return the final response object of a ready-made script, if it has one."""
    for text in _list_texts(script):
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError):
            continue
        if isinstance(value, dict):
            value = value.get("response", value)
            if isinstance(value, dict) and value.get("object") == "response":
                is_complete = isinstance(value.get("output"), list) and isinstance(
                    value.get("id"), str
                )
                return value if is_complete else None
    return None


def _list_texts(script: Script) -> Iterator[str | bytes]:
    """Yield the data of the events, the last one first; without events, yield the body."""
    event = None
    for event in filter(_is_event, reversed(script.steps)):
        yield event.data
    if event is None:
        texts: list[str | bytes] = [event.data for event in reversed(list_events(script))]
        yield from texts or [sse.body(script.steps)]


def _is_event(step: Step) -> TypeGuard[Event]:
    return isinstance(step, Event)


# Retrieving and changing


def _find_response(
    request: EndpointRequest, store: Store, rng: Random
) -> StoredResponse | ApiError:
    id = request.ids["response_id"]
    found = look_up_response(request, id, store)
    if isinstance(found.value, StoredResponse):
        return found.value
    if found.is_gone:
        return ApiError(404, f"Response with id '{id}' not found.", code="")
    return _generate_response(id)


def _generate_response(id: str) -> StoredResponse:
    """Return a response that depends on nothing but the id."""
    rng = seed.Seeded(id)  # also fixes the clock, since the ids of items hold the time
    request = {"model": "gpt-4o-mini", "input": f"What is {id}?", "background": True}
    envelope = replace(Envelope.fresh(request, rng), id=id)
    reply = Reply(f"This server has not created {id}, so this response is generated.")
    result = compose(reply, make_context(request, envelope=envelope, rng=rng))
    assert result.make_object is not None
    return StoredResponse(result.make_object, None, request["input"])


def retrieve(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the response; as a stream, only the events after ``starting_after``."""
    id = request.ids["response_id"]
    stored_response = _find_response(request, store, rng)
    if isinstance(stored_response, ApiError):
        return errors.render(stored_response, rng)
    if not request.query.get("stream"):
        if not stored_response.was_retrieved:
            store.update(KIND, id, _mark_retrieved)
        request.jobs.poll(id)
        response = _show_response(stored_response, request)
        script = render_body(response, rng)
        is_unfinished = response.get("status") in UNFINISHED
        return request.jobs.add_interval(script, id) if is_unfinished else script
    events = stored_response.events or rebuild_stream(stored_response.response, rng).events
    due_events: Iterable[tuple[float, Event]] = ((0.0, event) for event in events)
    if (job := request.jobs.watch(id)) is not None:
        elapsed = request.jobs.measure(job)
        due_events = list_due_events(events, stored_response.response, job, elapsed)
    after = request.query.get("starting_after")
    steps: list[Step] = []
    waited = 0.0
    for due, event in due_events:
        if after is None or _sequence_number(event) > after:
            if due > waited:
                steps.append(Pause(due - waited))
                waited = due
            steps.append(event)
    return Script(Head(200, headers.response_headers(rng)), steps)


def _mark_retrieved(stored_response: StoredResponse | None) -> StoredResponse | None:
    if stored_response is None or stored_response.was_retrieved:
        return stored_response
    return replace(stored_response, was_retrieved=True)


def _show_response(stored_response: StoredResponse, request: EndpointRequest) -> Mapping[str, Any]:
    """Return the response object as it is now."""
    job = request.jobs.find(request.ids["response_id"])
    if job is None:
        return stored_response.response
    script = stored_response.script
    was_streamed = script is not None and script.is_stream
    return show_response(stored_response.response, job, request.jobs.measure(job), was_streamed)


def _sequence_number(event: Event) -> float:
    """Return an event's sequence number, or infinity if it has none."""
    numbers = SEQUENCE_NUMBER.findall(event.data)
    return int(numbers[-1]) if numbers else math.inf


def delete(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Delete the response."""
    stored_response = _find_response(request, store, rng)
    if isinstance(stored_response, ApiError):
        return errors.render(stored_response, rng)
    id = request.ids["response_id"]
    if look_up_response(request, id, store).value is not None:
        store.delete(KIND, id)
    return render_body({"id": id, "object": "response", "deleted": True}, rng)


def cancel(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Cancel a background response, unless it has ended; a cancelled one stays so.

    One that takes no time has ended when the client knows that.
    """
    id = request.ids["response_id"]
    stored_response = _find_response(request, store, rng)
    if isinstance(stored_response, StoredResponse):
        stored_response = _refuse_cancelling(stored_response, request) or stored_response
    if isinstance(stored_response, ApiError):
        return errors.render(stored_response, rng)
    if request.jobs.find(id) is not None:
        request.jobs.end(id, "cancelled")
        return render_body(_show_response(stored_response, request), rng)
    if stored_response.response.get("status") == "cancelled":
        return render_body(stored_response.response, rng)
    response = clear_result(stored_response.response, "cancelled")
    make_response = partial(_keep_value, response)
    store.update(
        KIND,
        id,
        lambda stored: replace(stored or stored_response, make_response=make_response, script=None),
    )
    return render_body(response, rng)


def _refuse_cancelling(
    stored_response: StoredResponse, request: EndpointRequest
) -> ApiError | None:
    """Return OpenAI's error for a response that cannot be cancelled, else None."""
    if not stored_response.in_background:
        return ApiError(400, "Cannot cancel a synchronous response.", code="")
    status, is_known = stored_response.response.get("status"), stored_response.was_retrieved
    if (job := request.jobs.find(request.ids["response_id"])) is not None:
        status = find_status(stored_response.response, job, request.jobs.measure(job))
        is_known = True
    if is_known and status in ("completed", "failed", "incomplete"):
        article = "an" if status == "incomplete" else "a"
        return ApiError(400, f"Cannot cancel {article} {status} response.", code="")
    return None


def list_input_items(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a page of the input's items, by default the newest first."""
    stored_response = _find_response(request, store, rng)
    if isinstance(stored_response, ApiError):
        return errors.render(stored_response, rng)
    items = list(stored_response.items)
    if request.query.get("order", "desc") == "desc":
        items.reverse()
    after = request.query.get("after")
    item_ids = [item["id"] for item in items]
    if after in item_ids:
        items = items[item_ids.index(after) + 1 :]
    page = items[: request.query.get("limit", 20)]
    answer = {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else "",
        "has_more": len(items) > len(page),
        "last_id": page[-1]["id"] if page else "",
    }
    return render_body(answer, rng)


# Counting and compacting input


def count_input_tokens(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return how many tokens the conversation and the input have."""
    messages = [*find_history(request, store), *read_messages(request.parameters)]
    count = tokens.count_messages(messages, request.parameters.get("model"))
    return render_body({"object": "response.input_tokens", "input_tokens": count}, rng)


def compact(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return the conversation as one encrypted item."""
    created_at = seed.now(rng)
    new_id = ids.response_ids(created_at, rng)
    items = build_items(request.parameters.get("input"), rng, created_at)
    messages = [*find_history(request, store), *read_messages(request.parameters)]
    count = tokens.count_messages(messages, request.parameters.get("model"))
    keep_compaction(content := make_cipher(messages), messages, store)
    answer = {
        "id": new_id("resp"),
        "object": "response.compaction",
        "created_at": created_at,
        "output": [{"id": new_id("cmp"), "type": "compaction", "encrypted_content": content}],
        "usage": {
            "input_tokens": count,
            "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
            "output_tokens": len(items),
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": count + len(items),
        },
    }
    return render_body(answer, rng)
