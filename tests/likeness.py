"""Which request, and which envelope, a recorded response answers: what to render it again with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mockserver import sse
from mockserver.api import responses
from mockserver.api.form import FORMS, Form
from mockserver.script import Comment, Script


def like_response(script: Script, provider: str) -> tuple[dict[str, Any], responses.Envelope]:
    """The request and the envelope of a recorded stream of the Responses API."""
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
        request |= {"include": [responses.LOGPROBS], "top_logprobs": 20}
    skipped = events[0].get("sequence_number", 0)
    known = ("created", "queued", "in_progress")
    return request, responses.Envelope(
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


_OWN = {"status", "output", "usage", "error", "incomplete_details", "service_tier", "completed_at"}


def form(
    provider: str, events: list[dict[str, Any]], first: Mapping[str, Any], last: Mapping[str, Any]
) -> Form:
    """The form in which these events are written."""
    details = (last.get("usage") or {}).get("input_tokens_details") or {}
    items = [event["item"] for event in events if "item" in event]
    thoughts = [item for item in items if item["type"] == "reasoning"]
    made = FORMS[provider if provider in _OWN_FORMS else _era(events, first)]
    return replace(
        made,
        cache_writes="cache_write_tokens" in details,
        thought_content=any("content" in item for item in thoughts),
    )


_OWN_FORMS = frozenset({"deepseek", "openrouter", "xai"})


def _era(events: list[dict[str, Any]], first: Mapping[str, Any]) -> str:
    """Which of OpenAI's forms it is."""
    if "sequence_number" not in events[0]:
        return "openai-2025-03"
    if first.get("background"):
        return "openai-background"
    if list(events[0])[1] == "sequence_number":
        return "openai-2025"
    searches = [e["item"] for e in events if e.get("item", {}).get("type") == "web_search_call"]
    return "openai" if not searches or "action" in searches[0] else "openai-2026-01"
