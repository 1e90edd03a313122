"""Responses that can be asked for later: kept, given again, resumed, cancelled, deleted.

Rules of this file: what was made here is given as it was made, and what was deleted is gone. Of an
id that was never seen a response is made up, so that code which is only given an id can run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from random import Random
from typing import Any

import msgspec.json

from openai_mockserver import seed, sse, tokens
from openai_mockserver.api import errors, headers, ids
from openai_mockserver.api.context import make_context
from openai_mockserver.api.endpoint import Asked, Rendered
from openai_mockserver.api.messages import read_messages
from openai_mockserver.api.resources import conversations
from openai_mockserver.api.responses.envelope import Envelope, as_begun
from openai_mockserver.api.responses.renderer import compose, render_again, render_body
from openai_mockserver.api.store import Store
from openai_mockserver.dialects.responses import SEQUENCE_NUMBER
from openai_mockserver.reply import ApiError, Reply
from openai_mockserver.script import Event, Head, Script

__all__ = ["Kept"]

KIND = "response"
"""The kind under which the store has responses."""


@dataclass(frozen=True)
class Kept:
    """A response that was made. What it holds is made when it is first asked for.

    Args:
        make_response: makes the response as it is in the end.
        script: how it was sent; None if it was not, or if that does not hold any more.
        input: what was asked, as the request has it.
        before: the messages before that.
        was_shown: whether it was asked for since, so that its client knows how it ended.
    """

    make_response: Callable[[], Mapping[str, Any]]
    script: Script | None = None
    input: object = None
    before: tuple[Mapping[str, Any], ...] = ()
    was_shown: bool = False

    @cached_property
    def response(self) -> Mapping[str, Any]:
        """The response as it is in the end."""
        return self.make_response()

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Those of its stream, if it was streamed."""
        return () if self.script is None else self.script.events

    @cached_property
    def items(self) -> tuple[Mapping[str, Any], ...]:
        """What it was asked, as input items, which have the same ids each time."""
        created = int(self.response.get("created_at") or 0)
        return tuple(_items(self.input, Random(self.response["id"]), created))

    @cached_property
    def messages(self) -> tuple[Mapping[str, Any], ...]:
        """The conversation up to its end."""
        asked = read_messages({"input": self.input})
        return (*self.before, *asked, *read_messages({"input": self.response["output"]}))

    @property
    def in_background(self) -> bool:
        """Whether it was made after the request was answered."""
        return bool(self.response.get("background"))


# Keeping


def keep(asked: Asked, rendered: Rendered, store: Store) -> Script:
    """Remember the response; gives what is answered, which in the background is not yet all."""
    script, id = rendered.script, rendered.id
    make_response: Callable[[], Mapping[str, Any]] | None = rendered.make_object
    if script.head.status != 200:
        return script
    if make_response is None:
        response = _read_response(script)
        if response is None:
            return script
        id, make_response = response["id"], partial(_same, response)
    input_ = asked.parameters.get("input")
    kept = Kept(make_response, script, input_, _before(asked, store))
    if (conversation := _conversation(asked)) is not None:
        said_here = [*kept.items, *kept.response["output"]]
        conversations.add(store, conversation, said_here, Random(id))
    if asked.parameters.get("store") is False:
        store.delete(KIND, id)
        return script
    store.put(KIND, id, kept)
    # What was rendered is in the background if the request says so; of other scripts nobody knows.
    may_be = rendered.make_object is None or bool(asked.parameters.get("background"))
    if may_be and kept.in_background and not script.is_stream:
        return _with_body(script, render_body(as_begun(kept.response, "queued"), Random(id)))
    return script


def _same(response: Mapping[str, Any]) -> Mapping[str, Any]:
    return response


def _with_body(script: Script, other: Script) -> Script:
    """A response with the body of another, and its own head: the same id and time."""
    length = other.head.header("content-length") or "0"
    headers = tuple(
        (name, length if name.lower() == "content-length" else value)
        for name, value in script.head.headers
    )
    return replace(other, head=replace(script.head, headers=headers))


def recall(asked: Asked, store: Store) -> tuple[Mapping[str, Any], ...] | ApiError:
    """The conversation that a response goes on with; an error where it was not kept.

    An error too where a response is to be made later, and not to be kept until then.
    """
    if asked.parameters.get("background") and asked.parameters.get("store") is False:
        return ApiError(400, "Background mode requires store=true.", param="store")
    previous = asked.parameters.get("previous_response_id")
    if isinstance(previous, str) and store.is_gone(KIND, previous):
        return ApiError(
            400,
            f"Previous response with id '{previous}' not found.",
            code="previous_response_not_found",
            param="previous_response_id",
        )
    return _before(asked, store)


def _conversation(asked: Asked) -> str | None:
    """The id of the conversation that a response belongs to."""
    given = asked.parameters.get("conversation")
    id = given.get("id") if isinstance(given, Mapping) else given
    return id if isinstance(id, str) else None


def _before(asked: Asked, store: Store) -> tuple[Mapping[str, Any], ...]:
    if (id := _conversation(asked)) is not None:
        items = conversations.messages_of(store, id)
        return tuple(read_messages({"input": items}))
    previous = asked.parameters.get("previous_response_id")
    kept = store.get(KIND, previous) if isinstance(previous, str) else None
    return kept.messages if isinstance(kept, Kept) else ()


def _read_response(script: Script) -> dict[str, Any] | None:
    """The response as a ready-made script leaves it, if there is one."""
    texts: list[str | bytes] = [event.data for event in reversed(script.events)]
    texts = texts or [sse.body(script.steps)]
    for text in texts:
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError):
            continue
        if isinstance(value, dict):
            value = value.get("response", value)
            if isinstance(value, dict) and value.get("object") == "response":
                whole = isinstance(value.get("output"), list) and isinstance(value.get("id"), str)
                return value if whole else None
    return None


def _items(given: object, rng: Random, created: int) -> list[dict[str, Any]]:
    """The input as items, each with an id of that time."""
    listed = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(listed, list):
        return []
    new_id = ids.response_ids(created, rng)
    return [
        _item(item, new_id(ids.item_prefix(str(item.get("type") or "message"))))
        for item in listed
        if isinstance(item, dict)
    ]


def _item(item: dict[str, Any], id: str) -> dict[str, Any]:
    if item.get("type", "message") != "message":
        return {"id": id, "status": "completed"} | item
    content, role = item.get("content"), item.get("role")
    if isinstance(content, str):
        said = "output" if role == "assistant" else "input"
        part: dict[str, Any] = {"type": f"{said}_text", "text": content}
        content = [part | ({"annotations": []} if role == "assistant" else {})]
    made = {"id": id, "type": "message", "status": "completed", "content": content, "role": role}
    return item | made | ({"id": item["id"]} if item.get("id") else {})


# Giving again


def _found(asked: Asked, store: Store, rng: Random) -> Kept | ApiError:
    id = asked.ids["response_id"]
    kept = store.get(KIND, id)
    if isinstance(kept, Kept):
        return kept
    if store.is_gone(KIND, id):
        return ApiError(404, f"Response with id '{id}' not found.", code="")
    return _made_up(id)


def _made_up(id: str) -> Kept:
    rng = seed.Seeded(id)  # always the same: its items' ids have a time in them
    request = {"model": "gpt-4o-mini", "input": f"What is {id}?", "background": True}
    envelope = replace(Envelope.fresh(request, rng), id=id)
    said = Reply(f"Nothing here made {id}, so this was made up.")
    rendered = compose(said, make_context(request, envelope=envelope, rng=rng))
    assert rendered.make_object is not None
    return Kept(rendered.make_object, None, request["input"])


def retrieve(asked: Asked, store: Store, rng: Random) -> Script:
    """The response; streamed, it goes on from ``starting_after``."""
    kept = _found(asked, store, rng)
    if isinstance(kept, ApiError):
        return errors.render(kept, rng)
    if not asked.query.get("stream"):
        if store.get(KIND, asked.ids["response_id"]) is not None:
            store.put(KIND, asked.ids["response_id"], replace(kept, was_shown=True))
        return render_body(kept.response, rng)
    events = kept.events or render_again(kept.response, rng).events
    after = asked.query.get("starting_after")
    if after is not None:
        events = tuple(event for event in events if _number(event) > after)
    return Script(Head(200, headers.response_headers(rng)), events)


def _number(event: Event) -> float:
    """An event's sequence number; what has none comes last."""
    found = SEQUENCE_NUMBER.findall(event.data)
    return int(found[-1]) if found else math.inf


def delete(asked: Asked, store: Store, rng: Random) -> Script:
    """That the response is gone."""
    kept = _found(asked, store, rng)
    if isinstance(kept, ApiError):
        return errors.render(kept, rng)
    id = asked.ids["response_id"]
    if store.get(KIND, id) is not None:
        store.delete(KIND, id)
    return render_body({"id": id, "object": "response", "deleted": True}, rng)


def cancel(asked: Asked, store: Store, rng: Random) -> Script:
    """The response, cancelled, where it is made in the background and not known to have ended."""
    kept = _found(asked, store, rng)
    if isinstance(kept, Kept):
        kept = _refuse_cancelling(kept) or kept
    if isinstance(kept, ApiError):
        return errors.render(kept, rng)
    if kept.response.get("status") == "cancelled":
        return render_body(kept.response, rng)
    cancelled = as_begun(kept.response, "cancelled")
    store.put(
        KIND,
        asked.ids["response_id"],
        replace(kept, make_response=partial(_same, cancelled), script=None),
    )
    return render_body(cancelled, rng)


def _refuse_cancelling(kept: Kept) -> ApiError | None:
    """OpenAI's error for a response that cannot be cancelled."""
    status = kept.response.get("status")
    if not kept.in_background:
        return ApiError(400, "Cannot cancel a synchronous response.", code="")
    if kept.was_shown and status in ("completed", "failed", "incomplete"):
        article = "an" if status == "incomplete" else "a"
        return ApiError(400, f"Cannot cancel {article} {status} response.", code="")
    return None


def input_items(asked: Asked, store: Store, rng: Random) -> Script:
    """What the response was asked, the newest first, by pages."""
    kept = _found(asked, store, rng)
    if isinstance(kept, ApiError):
        return errors.render(kept, rng)
    items = list(kept.items)
    if asked.query.get("order", "desc") == "desc":
        items.reverse()
    after = asked.query.get("after")
    known = [item["id"] for item in items]
    if after in known:
        items = items[known.index(after) + 1 :]
    page = items[: asked.query.get("limit", 20)]
    listed = {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else "",
        "has_more": len(items) > len(page),
        "last_id": page[-1]["id"] if page else "",
    }
    return render_body(listed, rng)


# What is counted, and what is made smaller


def input_tokens(asked: Asked, store: Store, rng: Random) -> Script:
    """How many tokens the input has."""
    messages = [*_before(asked, store), *read_messages(asked.parameters)]
    counted = tokens.count_messages(messages, asked.parameters.get("model"))
    return render_body({"object": "response.input_tokens", "input_tokens": counted}, rng)


def compact(asked: Asked, store: Store, rng: Random) -> Script:
    """The conversation in one sealed item."""
    created = seed.now(rng)
    new_id = ids.response_ids(created, rng)
    items = _items(asked.parameters.get("input"), rng, created)
    sealed = ids.letters(64, Random(repr(items)))
    messages = [*_before(asked, store), *read_messages(asked.parameters)]
    counted = tokens.count_messages(messages, asked.parameters.get("model"))
    compacted = {
        "id": new_id("resp"),
        "object": "response.compaction",
        "created_at": created,
        "output": [
            {"id": new_id("cmp"), "type": "compaction", "encrypted_content": f"gAAAAAB{sealed}"}
        ],
        "usage": {
            "input_tokens": counted,
            "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
            "output_tokens": len(items),
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": counted + len(items),
        },
    }
    return render_body(compacted, rng)
