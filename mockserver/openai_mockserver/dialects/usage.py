"""The ``usage`` object of a chat completion: a `Usage` in a layout of its own, and back.

Rules of this file: what OpenAI counts has fields of its own in `Usage`, all else is ``extra`` and
keeps its names, nesting and values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from openai_mockserver.dialects.template import Hole, parse
from openai_mockserver.reply import Usage

__all__ = ["OPENAI", "read", "states_counts", "write"]

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
    """The usage object. What is counted and has no place in the layout comes last.

    >>> write(Usage(2, 1, cached_tokens=1, extra={"cost": 0.5}), parse("total_tokens,cost=0"))[
    ...     "cost"
    ... ]
    0.5
    """
    if layout is OPENAI and not usage.extra:
        return _write_openai(usage)
    told: dict[str, Any] = {}
    for name, node in layout.items():
        if name in _DETAILS:
            told[name] = _details(usage, name, node)
        else:
            told[name] = _one(usage, name, node, _COUNTS, usage.extra)
    for name in _COUNTS:
        told.setdefault(name, getattr(usage, name))
    for name in _DETAILS:
        if name not in told and (details := _details(usage, name, None)):
            told[name] = details
    return told | {k: v for k, v in usage.extra.items() if k not in told}


def _write_openai(usage: Usage) -> dict[str, Any]:
    """What `write` gives for most answers: the counts, and nothing else."""
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


def _details(usage: Usage, name: str, node: Any) -> Any:
    fields = _DETAILS[name]
    given = usage.extra.get(name)
    extra = given if isinstance(given, Mapping) else {}
    inner = node if isinstance(node, dict) else {}
    told = {member: _one(usage, member, one, fields, extra) for member, one in inner.items()}
    for member, field in fields.items():
        if member not in told and (count := getattr(usage, field)):
            told[member] = count
    told |= {k: v for k, v in extra.items() if k not in told}
    return told or (given if given is not None else inner if isinstance(node, dict) else None)


def _one(
    usage: Usage, name: str, node: Any, fields: Mapping[str, str], extra: Mapping[str, Any]
) -> Any:
    if name in fields:
        count = getattr(usage, fields[name])
        return count if count or isinstance(node, Hole) else node
    if name in extra:
        return extra[name]
    return 0 if isinstance(node, Hole) else node


def states_counts(usage: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a usage object counts anything: some have nulls for all that they could."""
    if not isinstance(usage, dict) or not usage:
        return False
    stated = [usage[name] for name in _ANY_COUNTS if name in usage]
    return not stated or any(count is not None for count in stated)


_ANY_COUNTS = (*_COUNTS, "input_tokens", "output_tokens")
"""The counts of chat, and those of the Responses API."""


def read(usage: Mapping[str, Any]) -> Usage:
    """The counts of a usage object, and what else it says."""
    counts: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in usage.items():
        if name in _COUNTS:
            if value is not None:
                counts[name] = value
        elif name in _DETAILS and (value is None or isinstance(value, dict)):
            if beyond := _read_details(value or {}, _DETAILS[name], counts):
                extra[name] = beyond
        else:
            extra[name] = value
    return Usage(**counts, extra=extra)


def _read_details(
    details: Mapping[str, Any], fields: Mapping[str, str], counts: dict[str, Any]
) -> dict[str, Any]:
    beyond = {}
    for name, value in details.items():
        if name not in fields:
            beyond[name] = value
        elif value is not None:
            counts[fields[name]] = value
    return beyond
