"""``/v1/threads``: threads and their messages.

Rules of this file: no I/O; `operations` does what threads and messages share with other objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from openai_mockserver import seed
from openai_mockserver.api import ids
from openai_mockserver.api.assistants.objects import build_message, build_thread, convert_content
from openai_mockserver.api.endpoint import Answer, EndpointRequest
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.states import has_ended
from openai_mockserver.api.store import CREATED, Store
from openai_mockserver.script import Script

__all__ = [
    "ANSWERS",
    "THREADS",
    "add_messages",
    "create_thread",
    "find_active_run",
    "messages_of",
    "new_id",
    "runs_of",
]

THREADS = "/v1/threads"


def messages_of(thread_id: str) -> str:
    """Return the path of a thread's messages, which is their kind in the store."""
    return f"{THREADS}/{thread_id}/messages"


def runs_of(thread_id: str) -> str:
    """Return the path of a thread's runs, which is their kind in the store."""
    return f"{THREADS}/{thread_id}/runs"


def new_id(kind: str, collection: str, store: Store, rng: Random) -> str:
    """Return a new id for an object of a collection.

    Args:
        kind: the id's prefix, such as ``msg``.
        collection: the path of the collection.
        store: knows which ids are taken: with a seed, the same request would get the same again.
        rng: random generator of the id.
    """
    while True:
        id = f"{kind}_{ids.letters(24, rng)}"
        if store.add(CREATED, id, collection):
            return id


def find_active_run(thread_id: str, store: Store) -> Any:
    """Return the run of a thread that has not ended; None if there is none."""
    return next((run for run in store.all(runs_of(thread_id)) if not has_ended(run)), None)


def create_thread(parameters: Mapping[str, Any], store: Store, rng: Random) -> dict[str, Any]:
    """Create a thread with its initial messages."""
    id = new_id("thread", THREADS, store, rng)
    thread = build_thread(id, parameters, seed.now(rng))
    store.put(THREADS, id, thread)
    add_messages(id, parameters.get("messages"), store, rng)
    return thread


def add_messages(
    thread_id: str, messages: Iterable[Mapping[str, Any]] | None, store: Store, rng: Random
) -> list[dict[str, Any]]:
    """Add messages in the form of a request to a thread, and return them as they are stored."""
    return [_add_message(thread_id, message, store, rng) for message in messages or ()]


def _add_message(
    thread_id: str, parameters: Mapping[str, Any], store: Store, rng: Random
) -> dict[str, Any]:
    id = new_id("msg", messages_of(thread_id), store, rng)
    message = build_message(id, thread_id, seed.now(rng)) | {
        "role": parameters["role"],
        "content": convert_content(parameters["content"]),
        "attachments": parameters.get("attachments") or [],
        "metadata": parameters.get("metadata") or {},
    }
    store.put(messages_of(thread_id), id, message)
    return message


def _answer_new_thread(request: EndpointRequest, store: Store, rng: Random) -> Script:
    return json_response(create_thread(request.parameters, store, rng), rng)


ANSWERS: dict[tuple[str, str], Answer] = {
    ("POST", THREADS): _answer_new_thread,
}
