"""Writes a `Usage` as the ``usage`` object of a dialect, and reads such objects.

Rules of this file: OpenAI's counts are fields of `Usage`; all other members are in its ``extra``,
with their names, nesting and values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from openai_mockserver.dialects.template import Hole, parse
from openai_mockserver.reply import Usage

__all__ = ["OPENAI", "read", "has_counts", "write"]

_DETAILS: dict[str, dict[str, str]] = {
    "prompt_tokens_details": {
        "cached_tokens": "cached_tokens",
        "audio_tokens": "prompt_audio_tokens",
    },
    "completion_tokens_details": {
        "reasoning_tokens": "reasoning_tokens",
        "audio_tokens": "audio_tokens",
        "accepted_prediction_tokens": "accepted_prediction_tokens",
        "rejected_prediction_tokens": "rejected_prediction_tokens",
    },
}
_COUNTS = {name: name for name in ("prompt_tokens", "completion_tokens", "total_tokens")}

OPENAI = parse(
    "prompt_tokens,completion_tokens,total_tokens,"
    "prompt_tokens_details{cached_tokens,audio_tokens},"
    "completion_tokens_details{reasoning_tokens,audio_tokens,"
    "accepted_prediction_tokens,rejected_prediction_tokens}"
)
"""OpenAI's usage (WIRE.md Annex C)."""


def write(usage: Usage, layout: Mapping[str, Any] = OPENAI) -> dict[str, Any]:
    """Return the usage object; counts that are not in the layout come last.

    >>> write(Usage(2, 1, cached_tokens=1, extra={"cost": 0.5}), parse("total_tokens,cost=0"))[
    ...     "cost"
    ... ]
    0.5
    """
    if layout is OPENAI and not usage.extra:
        return _write_openai(usage)
    members: dict[str, Any] = {}
    for name, node in layout.items():
        if name in _DETAILS:
            members[name] = _write_details(usage, name, node)
        else:
            members[name] = _write_member(usage, name, node, _COUNTS, usage.extra)
    for name in _COUNTS:
        members.setdefault(name, getattr(usage, name))
    for name in _DETAILS:
        if name not in members and (details := _write_details(usage, name, None)):
            members[name] = details
    return members | {k: v for k, v in usage.extra.items() if k not in members}


def _write_openai(usage: Usage) -> dict[str, Any]:
    """Return the usage object of most answers, which has only OpenAI's counts."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "audio_tokens": usage.prompt_audio_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_tokens,
            "accepted_prediction_tokens": usage.accepted_prediction_tokens,
            "rejected_prediction_tokens": usage.rejected_prediction_tokens,
        },
    }


def _write_details(usage: Usage, name: str, node: Any) -> Any:
    fields = _DETAILS[name]
    extra_value = usage.extra.get(name)
    extra = extra_value if isinstance(extra_value, Mapping) else {}
    layout = node if isinstance(node, dict) else {}
    members = {
        member: _write_member(usage, member, inner, fields, extra)
        for member, inner in layout.items()
    }
    for member, field in fields.items():
        if member not in members and (count := getattr(usage, field)):
            members[member] = count
    members |= {k: v for k, v in extra.items() if k not in members}
    if members or extra_value is not None:
        return members or extra_value
    return layout if isinstance(node, dict) else None


def _write_member(
    usage: Usage, name: str, node: Any, fields: Mapping[str, str], extra: Mapping[str, Any]
) -> Any:
    if name in fields:
        count = getattr(usage, fields[name])
        return count if count or isinstance(node, Hole) else node
    if name in extra:
        return extra[name]
    return 0 if isinstance(node, Hole) else node


def has_counts(usage: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a usage object has counts: in some objects all counts are null."""
    if not isinstance(usage, dict) or not usage:
        return False
    counts = [usage[name] for name in _ANY_COUNTS if name in usage]
    return not counts or any(count is not None for count in counts)


_ANY_COUNTS = (*_COUNTS, "input_tokens", "output_tokens")
"""The counts of chat completions and of the Responses API."""


def read(usage: Mapping[str, Any]) -> Usage:
    """Read a usage object into counts and extra members."""
    counts: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in usage.items():
        if name in _COUNTS:
            if value is not None:
                counts[name] = value
        elif name in _DETAILS and (value is None or isinstance(value, dict)):
            if extra_details := _read_details(value or {}, _DETAILS[name], counts):
                extra[name] = extra_details
        else:
            extra[name] = value
    return Usage(**counts, extra=extra)


def _read_details(
    details: Mapping[str, Any], fields: Mapping[str, str], counts: dict[str, Any]
) -> dict[str, Any]:
    """Add the known counts to ``counts``, and return the other members."""
    extra = {}
    for name, value in details.items():
        if name not in fields:
            extra[name] = value
        elif value is not None:
            counts[fields[name]] = value
    return extra
