"""Azure's content filter: its results in each of Azure's formats.

Rules of this file: data, and one function of a choice. The categories are those of
learn.microsoft.com/azure/ai-services/openai/concepts/content-filter; results for text that passes
are as recorded (WIRE.md §5).
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
    """Return the results for a prompt, which is also searched for jailbreaks."""
    return dict(sorted({**results, "jailbreak": _NOT_DETECTED}.items()))


SAFE: Mapping[str, Any] = dict.fromkeys(_CATEGORIES, _PASSED)
"""The results for text that passes."""

HIT: Mapping[str, Any] = {**SAFE, "violence": {"filtered": True, "severity": "medium"}}
"""The results for text that is filtered."""

PROMPT_SAFE = _with_jailbreak(SAFE)
"""The results for a prompt that passes."""

PROMPT_HIT = _with_jailbreak(HIT)
"""The results for a prompt that is refused."""


def filter_results(choice: Choice) -> Mapping[str, Any]:
    """Return the results in the chunk that ends a choice: empty unless the text was filtered."""
    return HIT if choice.finish_reason == "content_filter" else {}


# The Responses API lists the categories in another order, and adds offsets.
_IN_RESPONSES = {name: SAFE[name] for name in ("hate", "sexual", "violence", "self_harm")}


def _make_filter(source: str, results: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "blocked": False,
        "source_type": source,
        "content_filter_raw": [],
        "content_filter_results": results,
        "content_filter_offsets": {"start_offset": 0, "end_offset": 0, "check_offset": 0},
    }


PROMPT_FILTER = _make_filter("prompt", {**_IN_RESPONSES, "jailbreak": _NOT_DETECTED})
"""The results for a prompt, in the Responses API."""

COMPLETION_FILTER = _make_filter(
    "completion",
    {
        "protected_material_code": _NOT_DETECTED,
        "protected_material_text": _NOT_DETECTED,
        **_IN_RESPONSES,
    },
)
"""The results for an answer, in the Responses API."""
