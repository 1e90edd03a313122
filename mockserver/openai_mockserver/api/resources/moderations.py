"""``/v1/moderations``: nothing is flagged but what a few plain words give away.

Rules of this file: no I/O; a score follows from the input alone. The categories are the SDK's.
"""

from __future__ import annotations

import re
from functools import cache
from random import Random
from typing import Any

from openai_mockserver.api.endpoint import Asked
from openai_mockserver.api.json_body import json_response
from openai_mockserver.api.store import Store
from openai_mockserver.api.validation.schema import Schema, operation, resolve
from openai_mockserver.script import Script

__all__ = ["ANSWERS", "moderate"]

_WORDS = {
    "harassment": "idiot|stupid",
    "harassment/threatening": "i will hurt you|i'll hurt you",
    "hate": "hate",
    "illicit": "steal|shoplift",
    "illicit/violent": "bomb",
    "self-harm": "suicide|self-harm",
    "sexual": "porn|sex",
    "violence": "kill|murder|shoot",
    "violence/graphic": "gore",
}
_PATTERNS = {name: re.compile(rf"\b({words})\b", re.IGNORECASE) for name, words in _WORDS.items()}


@cache
def _categories() -> dict[str, list[str]]:
    """The categories, and of what kinds of input each may be."""
    answer = resolve(operation("POST", "/v1/moderations").answer or {})
    result: Schema = resolve(answer["properties"]["results"]["items"])
    kinds = resolve(result["properties"]["category_applied_input_types"])["properties"]
    return {name: resolve(kind["items"])["enum"] for name, kind in kinds.items()}


def _result(parts: list[Any]) -> dict[str, Any]:
    """What is said of one input, of text and images."""
    text = "\n".join(p if isinstance(p, str) else p.get("text", "") for p in parts)
    kinds = {"text" if isinstance(p, str) or p["type"] == "text" else "image" for p in parts}
    found = {name for name, pattern in _PATTERNS.items() if pattern.search(text)}
    rng = Random(repr(parts))
    categories = _categories()
    scores = {
        name: round(rng.uniform(0.7, 0.99) if name in found else rng.uniform(1e-7, 1e-4), 10)
        for name in categories
    }
    return {
        "flagged": bool(found),
        "categories": {name: name in found for name in categories},
        "category_scores": scores,
        "category_applied_input_types": {
            name: [kind for kind in taken if kind in kinds] for name, taken in categories.items()
        },
    }


def moderate(asked: Asked, store: Store, rng: Random) -> Script:
    """A result for each input, flagged by a few plain words."""
    given = asked.parameters["input"]
    several = given if isinstance(given, list) else [given]
    texts = all(isinstance(one, str) for one in several)
    results = [_result([one]) for one in several] if texts else [_result(several)]
    answer = {
        "id": f"modr-{rng.getrandbits(128):032x}",
        "model": asked.parameters.get("model") or "omni-moderation-latest",
        "results": results,
    }
    return json_response(answer, rng)


ANSWERS = {("POST", "/v1/moderations"): moderate}
