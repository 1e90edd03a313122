"""What to render a recorded stream again with: the request it answers, and its envelope.

For chats, `chat_imitation` finds that; here is what the other endpoints need.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

from openai_mockserver import sse
from openai_mockserver.api import responses
from openai_mockserver.api.envelope import Envelope
from openai_mockserver.api.responses import renderer
from openai_mockserver.api.responses.envelope import adapt_format
from openai_mockserver.api.responses.items import KINDS
from openai_mockserver.dialects import Dialect, dialects, find_dialect
from openai_mockserver.dialects.json_style import COMPACT, Style
from openai_mockserver.dialects.providers.openai import COMPLETIONS_2023, RESPONSES
from openai_mockserver.dialects.responses import Order, ResponsesFormat
from openai_mockserver.faults import keepalive
from openai_mockserver.reply import Reply
from openai_mockserver.script import Comment, Event, Raw, Script


class Imitation(NamedTuple):
    """What renders a recording again: the arguments for ``render``, found by the tables alone."""

    arguments: dict[str, Any]
    learned: bool = False


def imitate_completion(script: Script, provider: str) -> Imitation:
    """The imitation of a recorded stream of legacy completions."""
    chunks = [
        json.loads(event.data)
        for event in sse.decode(sse.body(script.steps))
        if event.data.startswith("{")
    ]
    told = [choice for chunk in chunks for choice in chunk["choices"]]
    request = {
        "stream": True,
        "stream_options": {
            "include_usage": any(c.get("usage") and not c["choices"] for c in chunks)
        },
        "n": len({choice["index"] for choice in told}),
        "logprobs": 5 if any(choice.get("logprobs") for choice in told) else None,
    }
    stated = (chunk.get("system_fingerprint") for chunk in chunks)
    envelope = Envelope(
        chunks[0]["id"],
        chunks[0]["created"],
        chunks[0]["model"],
        next(filter(None, stated), None),
    )
    dialect = find_dialect(provider.removesuffix("-router"))
    if b'": ' in sse.body(script.steps).partition(b",")[0]:
        dialect = replace(dialect or Dialect("openai"), completions=COMPLETIONS_2023)
    return Imitation({"request": request, "envelope": envelope, "dialect": dialect})


def equal(one: bytes, other: bytes) -> bool:
    """Whether two bodies with the same ids and times are the same."""
    return one == other


# The Responses API

_CHANCE = (
    (re.compile(rb'"(id|item_id)":( ?)"[^"]*"'), rb'"\1":\2""'),
    (re.compile(rb'"encrypted_content":( ?)"[^"]*"'), rb'"encrypted_content":\1""'),
    # In March 2026 a tool search was added with another call id than it was finished with.
    (
        re.compile(rb'(\.added","item":\{"id":"","type":"tool_search_call".*"call_id":)"[^"]*"'),
        rb'\1""',
    ),
    (
        re.compile(rb'"obfuscation":( ?)"([^"]*)"'),
        lambda found: b'"obfuscation":%d' % len(found[2]),
    ),
)


def same_response(one: bytes, other: bytes) -> bool:
    """Whether two bodies are equal but for ids, ciphers, and the letters of padding."""
    if b'"obfuscation":"REDACTED"' in other:  # which hides its length too
        one, other = (re.sub(rb'"obfuscation":"[^"]*"', b"", body) for body in (one, other))
    for pattern, alike in _CHANCE:
        one, other = pattern.sub(alike, one), pattern.sub(alike, other)
    return one == other


def render_response(
    reply: Reply,
    *,
    keepalives: Sequence[int],
    comments: Sequence[tuple[int, Comment]] = (),
    rng: Random,
    **arguments: Any,
) -> Script:
    """A response in which keep-alives have these sequence numbers.

    ``comments`` are those between the events, each with the number of events before it.
    """
    if not arguments["envelope"].opening:
        reply = replace(reply, alone=True)
    script = responses.render(reply, **arguments, rng=rng)
    for number in keepalives:
        script = keepalive(number)(script)
    steps = list(script.steps)
    places = [place for place, step in enumerate(steps) if isinstance(step, Event | Raw)]
    for number, comment in reversed(comments):
        steps.insert(places[number] if number < len(places) else len(steps), comment)
    return replace(script, steps=tuple(steps))


def imitate_response(script: Script, provider: str) -> Imitation:
    """The imitation of a recorded stream of the Responses API."""
    body = sse.body(script.steps)
    events = [json.loads(e.data) for e in sse.decode(body) if e.data.startswith("{")]
    stated = [event["response"] for event in events if isinstance(event.get("response"), dict)]
    first, last = (stated[0], stated[-1]) if stated else ({}, {})
    opening = [e["type"].removeprefix("response.") for e in events if "response" in e]
    numbers = iter(range(10**9))
    spelled = _spell_as(form(provider, events, first, last), body, first)
    ends = {
        name: value
        for name, value in last.items()
        if (name not in _BUILT if name not in first else name not in _OWN)
        and _spell(first.get(name, ...)) != _spell(value)
        and not (name in spelled.echoes and first.get(name) == value)
    }
    if last.get("status") == "completed" and last.get("usage") is None:
        ends["usage"] = None
    # Bedrock shuffles the members of the tools that it repeats.
    is_shuffled = any(first.get(name, ...) == value for name, value in ends.items())
    request: dict[str, Any] = {
        "stream": True,
        "stream_options": {"include_obfuscation": any("obfuscation" in e for e in events)},
    }
    if any(event.get("logprobs") for event in events):
        request |= {"include": [renderer.LOGPROBS], "top_logprobs": 20}
    skipped = events[0].get("sequence_number", 0)
    known = ("created", "queued", "in_progress")
    comments = _find_comments(script)
    envelope = responses.Envelope(
        first.get("id", ""),
        first.get("created_at", 0),
        last.get("completed_at") or 0,
        first,
        lambda prefix: f"{prefix}_{next(numbers)}",
        last.get("service_tier"),
        ends,
        _find_item_members(events),
        spelled,
        tuple(n for n in known if n in opening or n == "created") if stated else (),
        skipped - 1,
        tuple(comment.text for number, comment in comments if not number),
    )
    return Imitation(
        {
            "request": request,
            "envelope": envelope,
            "keepalives": [e["sequence_number"] for e in events if e["type"] == "keepalive"],
            "comments": [(number, comment) for number, comment in comments if number],
        },
        is_shuffled or _has_unknown_items(events) or not _has_order(envelope.form, first),
    )


_BUILT = {"status", "output", "usage", "error", "incomplete_details"}
_OWN = _BUILT | {"service_tier", "completed_at"}
"""The members of the last response that follow from the reply and the envelope."""


def _spell(value: Any) -> str:
    return json.dumps(value, default=repr)


def _find_comments(script: Script) -> list[tuple[int, Comment]]:
    """The comments, which keep the connection alive, each with the number of events before it."""
    found, count = [], 0
    for step in script.steps:
        if isinstance(step, Comment):
            found.append((count, step))
        count += isinstance(step, Event | Raw)
    return found


def _has_order(form: ResponsesFormat, response: Mapping[str, Any]) -> bool:
    """Whether the members of the first response, which the envelope repeats, are in our order."""
    order = Order(form.members) if form.members else form.response
    return list(order.sort_members(response)) == list(response)


_ITEM_MEMBERS = {
    "message": {"id", "type", "status", "content", "role", "phase"},
    "reasoning": {
        "id",
        "type",
        "status",
        "content",
        "summary",
        "encrypted_content",
        "format",
        "signature",
    },
}


def _find_item_members(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The members that the provider adds to all messages, or to all reasoning, by type."""
    found = {}
    for type_, known in _ITEM_MEMBERS.items():
        items = [e["item"] for e in events if "item" in e and e["item"]["type"] == type_]
        found[type_] = {
            name: value
            for name, value in (items[0] if items else {}).items()
            if name not in known and all(item.get(name) == value for item in items)
        }
    return found


def _has_unknown_items(events: list[dict[str, Any]]) -> bool:
    """Whether an item's type is in no table, so that its reply holds how it came."""
    return any(event["item"]["type"] not in KINDS for event in events if "item" in event)


def _spell_as(form: ResponsesFormat, body: bytes, first: Mapping[str, Any]) -> ResponsesFormat:
    """The form with a proxy's lines, and spelled as by a recorder that encodes JSON again."""
    form = replace(
        form,
        has_event_lines=b"event: " in body,
        ends_with_done=body.rstrip().endswith(b"data: [DONE]"),
    )
    if form.style != COMPACT:
        return form
    style = Style(
        has_spaces=b'": ' in body.partition(b",")[0],
        ascii=re.search(rb"\\u(?!00[01])", body) is not None,
        floats="js" if type(first.get("temperature")) is int else "ryu",
    )
    return replace(form, style=style)


def form(
    provider: str, events: list[dict[str, Any]], first: Mapping[str, Any], last: Mapping[str, Any]
) -> ResponsesFormat:
    """The form in which these events are written: of the finite forms in the tables."""
    details = (last.get("usage") or {}).get("input_tokens_details") or {}
    added = [e["item"] for e in events if e["type"] == "response.output_item.added"]
    name = _own_dialect(provider, events, first)
    own_format = dialects()[name].responses if name else None
    return replace(
        adapt_format(own_format or RESPONSES[_era(events, first)], str(first.get("model"))),
        cache_writes="cache_write_tokens" in details,
        has_hidden_content=any("content" in i for i in added if i["type"] == "reasoning"),
    )


def _own_dialect(
    provider: str, events: list[dict[str, Any]], first: Mapping[str, Any]
) -> str | None:
    """The dialect with the provider's own form, in this era or of this kind of model."""
    if provider == "openrouter" and next(iter(first), "") == "object":
        return "openrouter-2025"
    if provider == "bedrock-mantle" and first and "completed_at" not in first:
        return "bedrock-mantle-gpt-oss"
    return {"open-responses": "lmstudio"}.get(
        provider, provider if provider in _OWN_FORMS else None
    )


_OWN_FORMS = frozenset({"bedrock-mantle", "deepseek", "openrouter", "xai"})


def _era(events: list[dict[str, Any]], first: Mapping[str, Any]) -> str:
    """Which of OpenAI's forms it is."""
    items = [event["item"] for event in events if "item" in event]
    if "sequence_number" not in events[0]:
        return "2025-03" if any(next(iter(item)) == "type" for item in items) else "2025-04"
    if first.get("background"):
        return "background"
    if list(events[0])[1] == "sequence_number":
        texts = [
            event["part"] for event in events if event["type"] == "response.content_part.added"
        ]
        has_none = any("text" in part and "logprobs" not in part for part in texts)
        return "2025-05" if has_none else "2025"
    searches = [item for item in items if item["type"] == "web_search_call"]
    types = [event["type"] for event in events]
    errors = [event for event in events if event["type"] == "error"]
    is_flat = not all("error" in event for event in errors)
    is_single = "response.failed" in types and not errors
    is_old = is_flat or is_single or (searches and "action" not in searches[0])
    return "2026-01" if is_old else "now"
