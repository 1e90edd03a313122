"""``/v1/conversations``: store items in the form in which the Responses API returns them.

Rules of this file: no I/O; `operations` does what conversations share with other objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from openai_mockserver.api.endpoint import EndpointRequest
from openai_mockserver.api.ids import item_prefix
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.operations import Resource
from openai_mockserver.api.resources.pagination import paginate
from openai_mockserver.api.resources.placeholders import make_placeholder
from openai_mockserver.api.store import CREATED, Store
from openai_mockserver.api.validation.checks import fits
from openai_mockserver.api.validation.schema import Schema, operation, resolve
from openai_mockserver.script import Script

__all__ = ["ANSWERS", "add_items", "build_item", "list_items"]

_CONVERSATIONS = "/v1/conversations"
_ITEMS = f"{_CONVERSATIONS}/{{conversation_id}}/items"
_ITEM = f"{_ITEMS}/{{item_id}}"


def build_item(item: Mapping[str, Any], rng: Random) -> dict[str, Any] | None:
    """Return an item in its stored form, or None if items of its type are not stored.

    >>> (build_item({"role": "user", "content": "Hi"}, Random(0)) or {})["content"]
    [{'type': 'input_text', 'text': 'Hi'}]
    """
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    fields = {k: v for k, v in item.items() if v is not None} | {"type": kind}
    fields.setdefault("id", f"{item_prefix(kind)}_{rng.getrandbits(192):048x}")
    if isinstance(content := fields.get("content"), str):
        output_part = {"type": "output_text", "text": content, "annotations": [], "logprobs": []}
        input_part = {"type": "input_text", "text": content}
        fields["content"] = [output_part if fields.get("role") == "assistant" else input_part]
    for schema in _item_schemas():
        members = resolve(schema)["properties"]
        if kind in resolve(members.get("type", {})).get("enum", ()):
            valid_fields = {
                k: v for k, v in fields.items() if k not in members or fits(members[k], v)
            }
            stored_item: dict[str, Any] = make_placeholder(schema, rng, valid_fields)
            return stored_item
    return None  # such as a reference to another item


def _item_schemas() -> list[Schema]:
    answer = resolve(operation("GET", _ITEM).answer or {})
    schemas: list[Schema] = answer["anyOf"]
    return schemas


def add_items(
    store: Store, id: str, items: Iterable[Mapping[str, Any]], rng: Random
) -> list[dict[str, Any]]:
    """Append items to a conversation and return them in their stored form.

    Args:
        store: the store of conversations.
        id: id of the conversation.
        items: items of a request or a response; references to other items are not stored.
        rng: random generator of ids; an item whose id is already used gets a new one.
    """
    collection = _ITEMS.format(conversation_id=id)
    stored_items = []
    for item in items:
        stored_item = build_item(item, rng)
        # With a seed, the same request would get the same id again.
        while stored_item is not None and not store.add(CREATED, stored_item["id"], collection):
            stored_item = build_item({**item, "id": None}, rng)
        if stored_item is not None:
            stored_items.append(stored_item)
    store.put_all((collection, item["id"], item) for item in stored_items)
    return stored_items


def list_items(store: Store, id: str) -> list[dict[str, Any]]:
    """Return the items of a conversation, the oldest first, as input items of the Responses API."""
    return store.all(_ITEMS.format(conversation_id=id))


def _create(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Create a conversation with its initial items."""
    conversation = Resource("POST", _CONVERSATIONS).create_object(request, store, rng)
    add_items(store, conversation["id"], request.parameters.get("items") or [], rng)
    return json_response(conversation, rng)


def _create_items(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Add items, and return them."""
    items = add_items(store, request.ids["conversation_id"], request.parameters["items"], rng)
    return json_response(paginate(items, {"order": "asc", "limit": len(items)}), rng)


def _delete_item(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Delete an item, and return the conversation."""
    Resource("DELETE", _ITEM).delete(request, store, rng)
    conversation_request = EndpointRequest(
        "GET", request.path.rpartition("/items/")[0], request.ids
    )
    conversation = Resource("GET", f"{_CONVERSATIONS}/{{conversation_id}}").find(
        conversation_request, store, rng
    )
    return json_response(conversation[2], rng)


ANSWERS = {
    ("POST", _CONVERSATIONS): _create,
    ("POST", _ITEMS): _create_items,
    ("DELETE", _ITEM): _delete_item,
}
