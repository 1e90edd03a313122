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
from openai_mockserver.dialects import dialects
from openai_mockserver.dialects.providers.openai import RESPONSES
from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.faults import keepalive
from openai_mockserver.reply import Reply
from openai_mockserver.script import Comment, Script


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
    dialect = provider.removesuffix("-router")
    return Imitation({"request": request, "envelope": envelope, "dialect": dialect})


def equal(one: bytes, other: bytes) -> bool:
    """Whether two bodies with the same ids and times are the same."""
    return one == other


# The Responses API

_CHANCE = (
    (re.compile(rb'"(id|item_id)":"[^"]*"'), rb'"\1":""'),
    (re.compile(rb'"encrypted_content":"[^"]*"'), rb'"encrypted_content":""'),
    (re.compile(rb'"obfuscation":"([^"]*)"'), lambda found: b'"obfuscation":%d' % len(found[1])),
)


def same_response(one: bytes, other: bytes) -> bool:
    """Whether two bodies are equal but for ids, ciphers, and the letters of padding."""
    for pattern, alike in _CHANCE:
        one, other = pattern.sub(alike, one), pattern.sub(alike, other)
    return one == other


def render_response(
    reply: Reply, *, keepalives: Sequence[int], rng: Random, **arguments: Any
) -> Script:
    """A response in which keep-alives have these sequence numbers."""
    script = responses.render(reply, **arguments, rng=rng)
    for number in keepalives:
        script = keepalive(number)(script)
    return script


def imitate_response(script: Script, provider: str) -> Imitation:
    """The imitation of a recorded stream of the Responses API."""
    events = [
        json.loads(event.data)
        for event in sse.decode(sse.body(script.steps))
        if event.data.startswith("{")
    ]
    told = [event["response"] for event in events if "response" in event]
    first, last = told[0], told[-1]
    opening = [e["type"].removeprefix("response.") for e in events if "response" in e]
    numbers = iter(range(10**9))
    ends = {k: v for k, v in last.items() if k not in _OWN and (k not in first or first[k] != v)}
    request: dict[str, Any] = {
        "stream": True,
        "stream_options": {"include_obfuscation": any("obfuscation" in e for e in events)},
    }
    if any(event.get("logprobs") for event in events):
        request |= {"include": [renderer.LOGPROBS], "top_logprobs": 20}
    skipped = events[0].get("sequence_number", 0)
    known = ("created", "queued", "in_progress")
    envelope = responses.Envelope(
        first["id"],
        first["created_at"],
        last.get("completed_at") or 0,
        first,
        lambda prefix: f"{prefix}_{next(numbers)}",
        last.get("service_tier"),
        ends,
        form(provider, events, first, last),
        tuple(n for n in known if n in opening or n == "created"),
        skipped - 1,
        tuple(step.text for step in script.steps if isinstance(step, Comment)),
    )
    kept = [e["sequence_number"] for e in events if e["type"] == "keepalive"]
    return Imitation({"request": request, "envelope": envelope, "keepalives": kept})


_OWN = {"status", "output", "usage", "error", "incomplete_details", "service_tier", "completed_at"}


def form(
    provider: str, events: list[dict[str, Any]], first: Mapping[str, Any], last: Mapping[str, Any]
) -> ResponsesFormat:
    """The form in which these events are written."""
    details = (last.get("usage") or {}).get("input_tokens_details") or {}
    items = [event["item"] for event in events if "item" in event]
    thoughts = [item for item in items if item["type"] == "reasoning"]
    own = dialects()[provider].responses if provider in _OWN_FORMS else None
    made = own or RESPONSES[_era(events, first)]
    return replace(
        made,
        cache_writes="cache_write_tokens" in details,
        has_hidden_content=any("content" in item for item in thoughts),
    )


_OWN_FORMS = frozenset({"deepseek", "openrouter", "xai"})


def _era(events: list[dict[str, Any]], first: Mapping[str, Any]) -> str:
    """Which of OpenAI's forms it is."""
    if "sequence_number" not in events[0]:
        return "2025-03"
    if first.get("background"):
        return "background"
    if list(events[0])[1] == "sequence_number":
        return "2025"
    searches = [e["item"] for e in events if e.get("item", {}).get("type") == "web_search_call"]
    return "now" if not searches or "action" in searches[0] else "2026-01"
