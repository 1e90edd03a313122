"""The messages before those of a request, and the errors if it cannot continue them.

Rules of this file: messages, codes and parameters of errors are OpenAI's, as users report them. An
id that OpenAI would never make, such as ``resp_1``, continues nothing, so that code that only has
an id can run; one that looks like OpenAI's must be known.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from openai_mockserver import tokens
from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.messages import read_messages
from openai_mockserver.api.resources import conversations
from openai_mockserver.api.responses.stored import KIND, StoredResponse
from openai_mockserver.api.store import CREATED, Found, Store
from openai_mockserver.reply import ApiError

__all__ = [
    "Writer",
    "find_history",
    "get_conversation_id",
    "keep_compaction",
    "look_up_response",
    "name_response",
    "recall",
    "resolve_references",
]

Message = Mapping[str, Any]

_CONVERSATIONS = "/v1/conversations"
_REAL_ID = re.compile(r"(?:resp|conv)_[0-9A-Za-z]{32,}")
_REAL_ITEM_ID = re.compile(r"[a-z]+_[0-9a-f]{32,}")

_WRITERS = "writer of a conversation"
"""The kind of the requests that add a response, by conversation."""

_COMPACTIONS = "compaction"
"""The kind of messages in the store that a compaction item stands for, by its content."""

_WINDOWS = (
    ("gpt-5", 400_000),
    ("gpt-4.1", 1_047_576),
    ("gpt-4o", 128_000),
    ("gpt-4-turbo", 128_000),
    ("gpt-4", 8_192),
    ("gpt-3.5", 16_385),
    ("o", 200_000),
)
"""Tokens that fit into the context window, by the beginning of the model's name; the first fits."""

_SMALLEST_WINDOW = min(size for _, size in _WINDOWS)


def recall(request: EndpointRequest, store: Store) -> tuple[Message, ...] | ApiError:
    """Return the messages of the conversation that the request continues.

    Returns an error if the previous response or the conversation is not known or deleted, if
    another request adds a response to the conversation, if all of it does not fit into the
    context window, or if a background response is not to be stored.
    """
    parameters = request.parameters
    if parameters.get("background") and parameters.get("store") is False:
        return ApiError(400, "Background mode requires store=true.", param="store")
    if _is_short(parameters):
        return ()
    previous = parameters.get("previous_response_id")
    if isinstance(previous, str) and _is_unknown(
        previous, look_up_response(request, previous, store)
    ):
        return ApiError(
            400,
            f"Previous response with id '{previous}' not found.",
            code="previous_response_not_found",
            param="previous_response_id",
        )
    for item_id in _list_references(parameters.get("input")):
        if _REAL_ITEM_ID.fullmatch(item_id) and _find_item(item_id, store) is None:
            return ApiError(
                404,
                f"Item with id '{item_id}' not found. Items are not persisted when `store` is set "
                "to false. Try again with `store` set to true, or remove this item from your "
                "input.",
                code="",
                param="input",
            )
    if (id := get_conversation_id(request)) is not None:
        if _is_unknown(id, store.look_up(_CONVERSATIONS, id)):
            return ApiError(404, f"Conversation with id '{id}' not found.", code="")
        if not _take_lock(id, request, store):
            return ApiError(
                400,
                "Another process is currently operating on this conversation. Please retry in a "
                "few seconds.",
                code="conversation_locked",
                param="conversation",
            )
    return _fit_window(request, find_history(request, store))


def _is_short(parameters: Mapping[str, Any]) -> bool:
    """Whether a request is a text that fits into any context window, and continues nothing."""
    text, instructions = parameters.get("input"), parameters.get("instructions")
    return (
        isinstance(text, str)
        and len(text) + len(instructions or "") < _SMALLEST_WINDOW
        and parameters.get("previous_response_id") is None
        and parameters.get("conversation") is None
    )


def get_conversation_id(request: EndpointRequest) -> str | None:
    """Return the id of the conversation that the request names, if any."""
    conversation = request.parameters.get("conversation")
    id = conversation.get("id") if isinstance(conversation, Mapping) else conversation
    return id if isinstance(id, str) else None


def find_history(request: EndpointRequest, store: Store) -> tuple[Message, ...]:
    """Return the messages before those of the request, whether or not they fit."""
    compacted = _expand(request.parameters.get("input"), store)
    if (id := get_conversation_id(request)) is not None:
        items = conversations.list_items(store, id)
        return (*_expand(items, store), *read_messages({"input": items}), *compacted)
    previous = request.parameters.get("previous_response_id")
    if isinstance(previous, str):
        stored_response = look_up_response(request, previous, store).value
        if isinstance(stored_response, StoredResponse):
            return (*stored_response.messages, *compacted)
    return compacted


def look_up_response(request: EndpointRequest, id: str, store: Store) -> Found:
    """Return what is known of a response, as it was when the request first looked it up.

    One that is older than OpenAI keeps a response is deleted; what else the request does to it
    later does not change what is returned.
    """
    found = request.found.get(id)
    if found is None:
        found = store.look_up(KIND, id)
        now = request.jobs.real_now + found.skipped
        if isinstance(found.value, StoredResponse) and found.value.has_expired(now):
            store.delete(KIND, id)
            found = Found(None, True, found.skipped)
        request.found[id] = found
    return found


def _is_unknown(id: str, found: Found) -> bool:
    """Whether an object is deleted, or was never created although its id looks like a real one."""
    return found.is_gone or (_REAL_ID.fullmatch(id) is not None and found.value is None)


# Conversations


_GRACE = 60.0
"""Seconds for which other processes wait for a request, because its process may have died."""

_answered_now: set[int] = set()
"""The numbers of the requests of this process that have locked a conversation."""


@dataclass(frozen=True, slots=True)
class Writer:
    """The request that adds a response to a conversation.

    Args:
        response_id: the id of the response; empty until there is one.
        process: the process that answers the request, and removes this when it has done so.
        request: the number of the request in this process.
        until: when other processes no longer wait for that, in Unix seconds.
    """

    response_id: str
    process: str
    request: int
    until: float


def _take_lock(id: str, request: EndpointRequest, store: Store) -> bool:
    """Let a conversation take no other response until this request is answered.

    Returns whether that is so: False while another request adds a response.
    """
    previous = store.get(_WRITERS, id)
    if isinstance(previous, Writer) and _is_busy(previous, request, store):
        return False

    def unlock_conversation() -> None:
        _answered_now.discard(request.number)
        writer = store.get(_WRITERS, id)
        if _is_own(writer, request, store) and (
            not writer.response_id or request.jobs.find(writer.response_id) is None
        ):
            store.update(_WRITERS, id, lambda one: None if one == writer else one)

    _answered_now.add(request.number)
    request.call_when_answered(unlock_conversation)
    lock = Writer("", store.process, request.number, time.time() + _GRACE)

    def take_lock(writer: Writer | None) -> Writer:
        # The previous lock may have been removed meanwhile, or another request been faster.
        return lock if writer is None or writer == previous else writer

    return bool(store.update(_WRITERS, id, take_lock) == lock)


def _is_own(writer: Writer | None, request: EndpointRequest, store: Store) -> TypeGuard[Writer]:
    """Whether this request has locked the conversation."""
    return writer is not None and (writer.process, writer.request) == (
        store.process,
        request.number,
    )


def _is_busy(writer: Writer, request: EndpointRequest, store: Store) -> bool:
    if writer.response_id and (job := request.jobs.find(writer.response_id)) is not None:
        return request.jobs.is_running(job)
    if writer.process == store.process:
        return writer.request in _answered_now
    return time.time() < writer.until


def name_response(
    id: str, response_id: str, seconds: float, request: EndpointRequest, store: Store
) -> None:
    """Note which response is added to a conversation that the request has locked.

    Args:
        id: the id of the conversation.
        response_id: the id of the response; if it is a job, it is complete when that has ended.
        seconds: how many seconds the response takes, without a pace or an engine.
        request: the request for the response.
        store: holds the lock.
    """
    # A client that has all of a response may ask another process for the next one before this
    # process has removed the lock. A pace is not known here, so that others wait for none.
    until = time.time() + (seconds + _GRACE if seconds else 0.0)
    writer = Writer(response_id, store.process, request.number, until)
    store.update(_WRITERS, id, lambda one: writer if _is_own(one, request, store) else one)


# References to items, and compaction


def _list_references(items: object) -> list[str]:
    """Return the ids of the items that an input refers to."""
    return [
        str(item["id"])
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, Mapping) and _is_reference(item)
    ]


def _is_reference(item: Mapping[str, Any]) -> bool:
    if not isinstance(item.get("id"), str):
        return False
    return item.get("type") == "item_reference" or item.keys() == {"id"}


def _find_item(id: str, store: Store) -> Mapping[str, Any] | None:
    """Return a stored item, of a conversation or of a response; None if there is none."""
    collection = store.get(CREATED, id)
    if isinstance(collection, str) and (found := store.get(collection, id)) is not None:
        item: Mapping[str, Any] = found
        return item
    for stored_response in reversed(store.all(KIND)):
        for item in (*stored_response.response["output"], *stored_response.items):
            if item.get("id") == id:
                return item
    return None


def resolve_references(input_: object, store: Store) -> object:
    """Return an input with the items that it refers to in the place of the references."""
    if not _list_references(input_):
        return input_
    assert isinstance(input_, list)
    return [
        (_find_item(item["id"], store) or item) if _is_reference(item) else item for item in input_
    ]


def keep_compaction(content: str, messages: Iterable[Message], store: Store) -> None:
    """Remember the messages that a compaction item with this content stands for."""
    store.put(_COMPACTIONS, content, tuple(messages))


def _expand(items: object, store: Store) -> tuple[Message, ...]:
    """Return the messages that these items stand for: those of compactions and references."""
    messages: list[Message] = []
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, Mapping):
            continue
        if item.get("type") == "compaction":
            messages += store.get(_COMPACTIONS, str(item.get("encrypted_content"))) or ()
        elif _is_reference(item):
            messages += read_messages({"input": [_find_item(item["id"], store)]})
    return tuple(messages)


# Truncation


def _fit_window(
    request: EndpointRequest, history: tuple[Message, ...]
) -> tuple[Message, ...] | ApiError:
    """Return the messages that fit into the model's context window with those of the request.

    Without ``"truncation": "auto"`` all must fit. With it, the oldest are left out.
    """
    model = str(request.parameters.get("model"))
    window = next((size for name, size in _WINDOWS if model.startswith(name)), None)
    messages = read_messages(request.parameters)
    # A token has at least one character; counting tokens would be slow.
    if window is None or _count_characters(history) + _count_characters(messages) <= window:
        return history
    may_truncate = request.parameters.get("truncation") == "auto"
    while tokens.count_messages([*history, *messages], model) > window:
        if not (history and may_truncate):
            return ApiError(
                400,
                "Your input exceeds the context window of this model. Please adjust your input "
                "and try again.",
                code="context_length_exceeded",
                param="input",
            )
        history = history[1:]
    return history


def _count_characters(messages: Iterable[Message]) -> int:
    contents = (message.get("content") for message in messages)
    return sum(len(one if isinstance(one, str) else repr(one)) for one in contents)
