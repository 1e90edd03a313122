"""The ``usage`` object of a response, to and from the `Usage` of a reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.reply import (
    Usage,
)

# How usage is called here and in a chat.
_CHAT_NAMES = {
    "input_tokens": "prompt_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens": "completion_tokens",
    "output_tokens_details": "completion_tokens_details",
    "total_tokens": "total_tokens",
}


def usage_json(usage: Usage, form: ResponsesFormat) -> dict[str, Any]:
    told: dict[str, Any] = {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
    if form.cache_writes:
        told["input_tokens_details"] = {"cache_write_tokens": 0} | told["input_tokens_details"]
    for here, there in _CHAT_NAMES.items():
        if isinstance(more := usage.extra.get(there), Mapping):
            told[here] = told[here] | more
    told |= {k: v for k, v in usage.extra.items() if k not in _CHAT_NAMES.values()}
    return form.usage.sort_members(told)


def read_usage(usage: Mapping[str, Any]) -> Usage:
    asked = dict(usage.get("input_tokens_details") or {})
    said = dict(usage.get("output_tokens_details") or {})
    cached, thought = asked.pop("cached_tokens", 0), said.pop("reasoning_tokens", 0)
    if not asked.get("cache_write_tokens"):
        asked.pop("cache_write_tokens", None)
    extra = {k: v for k, v in usage.items() if k not in _CHAT_NAMES}
    for name, details in (("prompt_tokens_details", asked), ("completion_tokens_details", said)):
        if details:
            extra[name] = details
    return Usage(
        usage.get("input_tokens") or 0,
        usage.get("output_tokens") or 0,
        -1 if (total := usage.get("total_tokens")) is None else total,
        cached_tokens=cached or 0,
        reasoning_tokens=thought or 0,
        extra=extra,
    )
