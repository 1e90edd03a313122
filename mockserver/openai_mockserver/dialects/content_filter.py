"""Azure's content filter: its verdicts, as each of Azure's formats states them.

Rules of this file: data, and one function of a choice. The categories are those of
learn.microsoft.com/azure/ai-services/openai/concepts/content-filter; what passes is as recorded
(WIRE.md §5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai_mockserver.reply import Choice

__all__ = [
    "COMPLETION_FILTER",
    "HIT",
    "PROMPT_FILTER",
    "PROMPT_HIT",
    "PROMPT_SAFE",
    "SAFE",
    "filter_results",
]

_PASSED = {"filtered": False, "severity": "safe"}
_NOT_DETECTED = {"detected": False, "filtered": False}
_CATEGORIES = ("hate", "self_harm", "sexual", "violence")


def _with_jailbreak(results: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict on a prompt, which is also searched for attempts to break out."""
    return dict(sorted({**results, "jailbreak": _NOT_DETECTED}.items()))


SAFE: Mapping[str, Any] = dict.fromkeys(_CATEGORIES, _PASSED)
"""The verdict on text that passes."""

HIT: Mapping[str, Any] = {**SAFE, "violence": {"filtered": True, "severity": "medium"}}
"""The verdict on text that is filtered."""

PROMPT_SAFE = _with_jailbreak(SAFE)
"""The verdict on a prompt that passes."""

PROMPT_HIT = _with_jailbreak(HIT)
"""The verdict on a prompt that is refused."""


def filter_results(choice: Choice) -> Mapping[str, Any]:
    """The verdict in the chunk that ends a choice: empty unless the text was filtered."""
    return HIT if choice.finish_reason == "content_filter" else {}


# The Responses API lists the categories in another order, and states offsets.
_IN_RESPONSES = {name: SAFE[name] for name in ("hate", "sexual", "violence", "self_harm")}


def _filter_of(source: str, results: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "blocked": False,
        "source_type": source,
        "content_filter_raw": [],
        "content_filter_results": results,
        "content_filter_offsets": {"start_offset": 0, "end_offset": 0, "check_offset": 0},
    }


PROMPT_FILTER = _filter_of("prompt", {**_IN_RESPONSES, "jailbreak": _NOT_DETECTED})
"""The verdict on a prompt, as a response states it."""

COMPLETION_FILTER = _filter_of(
    "completion",
    {
        "protected_material_code": _NOT_DETECTED,
        "protected_material_text": _NOT_DETECTED,
        **_IN_RESPONSES,
    },
)
"""The verdict on an answer, as a response states it."""
