"""``/v1/conversations``: items that are kept as the answers of the Responses API have them.

Rules of this file: no I/O; what is generic of conversations is in `resources`.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from mockserver.api.bodies import json
from mockserver.api.checks import fits
from mockserver.api.endpoint import Asked
from mockserver.api.resources import Thing, page
from mockserver.api.samples import sample
from mockserver.api.schema import Schema, operation, resolved
from mockserver.api.store import CREATED, Store
from mockserver.script import Script

__all__ = ["ANSWERS", "item"]

_CONVERSATIONS = "/v1/conversations"
_ITEMS = f"{_CONVERSATIONS}/{{conversation_id}}/items"
_ITEM = f"{_ITEMS}/{{item_id}}"

# What the id of an item of this type begins with; of others, "item_".
_IDS = {
    "message": "msg_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "reasoning": "rs_",
    "web_search_call": "ws_",
    "file_search_call": "fs_",
    "code_interpreter_call": "ci_",
    "computer_call": "cu_",
    "image_generation_call": "ig_",
    "mcp_call": "mcp_",
    "custom_tool_call": "ctc_",
}


def item(given: Mapping[str, Any], rng: Random) -> dict[str, Any] | None:
    """An item as it is kept, of one as it is given; None of one that is not kept.

    >>> (item({"role": "user", "content": "Hi"}, Random(0)) or {})["content"]
    [{'type': 'input_text', 'text': 'Hi'}]
    """
    kind = given.get("type") or ("message" if "role" in given else "item_reference")
    told = {k: v for k, v in given.items() if v is not None} | {"type": kind}
    told.setdefault("id", f"{_IDS.get(kind, 'item_')}{rng.getrandbits(192):048x}")
    if isinstance(content := told.get("content"), str):
        said = {"type": "output_text", "text": content, "annotations": [], "logprobs": []}
        heard = {"type": "input_text", "text": content}
        told["content"] = [said if told.get("role") == "assistant" else heard]
    for schema in _schemas():
        members = resolved(schema)["properties"]
        if kind in resolved(members.get("type", {})).get("enum", ()):
            known = {k: v for k, v in told.items() if k not in members or fits(members[k], v)}
            made: dict[str, Any] = sample(schema, rng, known)
            return made
    return None  # as a reference to another


def _schemas() -> list[Schema]:
    answer = resolved(operation("GET", _ITEM).answer or {})
    several: list[Schema] = answer["anyOf"]
    return several


def _kept(where: str, items: list[Any], store: Store, rng: Random) -> list[dict[str, Any]]:
    made = [kept for one in items if (kept := item(one, rng)) is not None]
    for one in made:
        store.put(CREATED, one["id"], where)
        store.put(where, one["id"], one)
    return made


def _create(asked: Asked, store: Store, rng: Random) -> Script:
    """A conversation, with the items that it begins with."""
    made = Thing("POST", _CONVERSATIONS).created(asked, store, rng)
    _kept(f"{_CONVERSATIONS}/{made['id']}/items", asked.parameters.get("items") or [], store, rng)
    return json(made, rng)


def _add(asked: Asked, store: Store, rng: Random) -> Script:
    """The items, as they are kept."""
    made = _kept(asked.path, asked.parameters["items"], store, rng)
    return json(page(made, {"order": "asc", "limit": len(made)}), rng)


def _remove(asked: Asked, store: Store, rng: Random) -> Script:
    """The conversation, without the item."""
    Thing("DELETE", _ITEM).delete(asked, store, rng)
    conversation = Asked("GET", asked.path.rpartition("/items/")[0], asked.ids)
    found = Thing("GET", f"{_CONVERSATIONS}/{{conversation_id}}").found(conversation, store)
    return json(found[2], rng)


ANSWERS = {
    ("POST", _CONVERSATIONS): _create,
    ("POST", _ITEMS): _add,
    ("DELETE", _ITEM): _remove,
}
