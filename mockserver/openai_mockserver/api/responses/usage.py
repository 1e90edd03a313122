"""Convert between the ``usage`` object of a response and the `Usage` of a reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.reply import Usage

# Names of the counts in the Responses API, and in a chat completion.
_CHAT_NAMES = {
    "input_tokens": "prompt_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens": "completion_tokens",
    "output_tokens_details": "completion_tokens_details",
    "total_tokens": "total_tokens",
}


def build_usage(usage: Usage, form: ResponsesFormat) -> dict[str, Any]:
    """Return the ``usage`` object of a response."""
    counts: dict[str, Any] = {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
    if form.cache_writes:
        counts["input_tokens_details"] = {"cache_write_tokens": 0} | counts["input_tokens_details"]
    for name, chat_name in _CHAT_NAMES.items():
        if isinstance(details := usage.extra.get(chat_name), Mapping):
            counts[name] = counts[name] | details
        if isinstance(counts[name], Mapping):
            counts[name] = form.usage_details.sort_members(counts[name])
    counts |= {k: v for k, v in usage.extra.items() if k not in _CHAT_NAMES.values()}
    return form.usage.sort_members(counts)


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Return the `Usage` that a response's ``usage`` object states."""
    input_details = dict(usage.get("input_tokens_details") or {})
    output_details = dict(usage.get("output_tokens_details") or {})
    cached_tokens, reasoning_tokens = (
        input_details.pop("cached_tokens", 0),
        output_details.pop("reasoning_tokens", 0),
    )
    if not input_details.get("cache_write_tokens"):
        input_details.pop("cache_write_tokens", None)
    extra = {k: v for k, v in usage.items() if k not in _CHAT_NAMES}
    for name, details in (
        ("prompt_tokens_details", input_details),
        ("completion_tokens_details", output_details),
    ):
        if details:
            extra[name] = details
    return Usage(
        usage.get("input_tokens") or 0,
        usage.get("output_tokens") or 0,
        -1 if (total := usage.get("total_tokens")) is None else total,
        cached_tokens=cached_tokens or 0,
        reasoning_tokens=reasoning_tokens or 0,
        extra=extra,
    )
