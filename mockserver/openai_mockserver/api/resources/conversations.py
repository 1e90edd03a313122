"""``/v1/conversations``: items that are kept as the answers of the Responses API have them.

Rules of this file: no I/O; what is generic of conversations is in `operations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.ids import item_prefix
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.resources.operations import Thing
from openai_mockserver.api.resources.pagination import paginate
from openai_mockserver.api.resources.placeholders import make_placeholder
from openai_mockserver.api.store import CREATED, Store
from openai_mockserver.api.validation.checks import fits
from openai_mockserver.api.validation.schema import Schema, operation, resolve
from openai_mockserver.script import Script

__all__ = ["ANSWERS", "add", "item", "messages_of"]

_CONVERSATIONS = "/v1/conversations"
_ITEMS = f"{_CONVERSATIONS}/{{conversation_id}}/items"
_ITEM = f"{_ITEMS}/{{item_id}}"


def item(given: Mapping[str, Any], rng: Random) -> dict[str, Any] | None:
    """An item as it is kept, of one as it is given; None of one that is not kept.

    >>> (item({"role": "user", "content": "Hi"}, Random(0)) or {})["content"]
    [{'type': 'input_text', 'text': 'Hi'}]
    """
    kind = given.get("type") or ("message" if "role" in given else "item_reference")
    told = {k: v for k, v in given.items() if v is not None} | {"type": kind}
    told.setdefault("id", f"{item_prefix(kind)}_{rng.getrandbits(192):048x}")
    if isinstance(content := told.get("content"), str):
        said = {"type": "output_text", "text": content, "annotations": [], "logprobs": []}
        heard = {"type": "input_text", "text": content}
        told["content"] = [said if told.get("role") == "assistant" else heard]
    for schema in _schemas():
        members = resolve(schema)["properties"]
        if kind in resolve(members.get("type", {})).get("enum", ()):
            known = {k: v for k, v in told.items() if k not in members or fits(members[k], v)}
            made: dict[str, Any] = make_placeholder(schema, rng, known)
            return made
    return None  # as a reference to another


def _schemas() -> list[Schema]:
    answer = resolve(operation("GET", _ITEM).answer or {})
    several: list[Schema] = answer["anyOf"]
    return several


def add(
    store: Store, id: str, items: Iterable[Mapping[str, Any]], rng: Random
) -> list[dict[str, Any]]:
    """Put items at the end of a conversation; gives them as they are kept.

    Args:
        store: where conversations are.
        id: the conversation's.
        items: as a request or a response has them; references to others are not kept.
        rng: where ids come from. An item whose id is taken gets another.
    """
    where = _ITEMS.format(conversation_id=id)
    made = []
    for given in items:
        kept = item(given, rng)
        # With a seed the same request draws the same id again.
        while kept is not None and store.get(CREATED, kept["id"]) is not None:
            kept = item({**given, "id": None}, rng)
        if kept is not None:
            store.put(CREATED, kept["id"], where)
            store.put(where, kept["id"], kept)
            made.append(kept)
    return made


def messages_of(store: Store, id: str) -> list[dict[str, Any]]:
    """The items of a conversation, the oldest first, as input items of the Responses API."""
    return store.all(_ITEMS.format(conversation_id=id))


def _create(asked: Asked, store: Store, rng: Random) -> Script:
    """A conversation, with the items that it begins with."""
    made = Thing("POST", _CONVERSATIONS).created(asked, store, rng)
    add(store, made["id"], asked.parameters.get("items") or [], rng)
    return json_response(made, rng)


def _add(asked: Asked, store: Store, rng: Random) -> Script:
    """The items, as they are kept."""
    made = add(store, asked.ids["conversation_id"], asked.parameters["items"], rng)
    return json_response(paginate(made, {"order": "asc", "limit": len(made)}), rng)


def _remove(asked: Asked, store: Store, rng: Random) -> Script:
    """The conversation, without the item."""
    Thing("DELETE", _ITEM).delete(asked, store, rng)
    conversation = Asked("GET", asked.path.rpartition("/items/")[0], asked.ids)
    found = Thing("GET", f"{_CONVERSATIONS}/{{conversation_id}}").found(conversation, store, rng)
    return json_response(found[2], rng)


ANSWERS = {
    ("POST", _CONVERSATIONS): _create,
    ("POST", _ITEMS): _add,
    ("DELETE", _ITEM): _remove,
}
