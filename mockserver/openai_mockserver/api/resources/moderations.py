"""``/v1/moderations``: flag inputs that contain one of a few plain words.

Rules of this file: no I/O; a score depends on the input alone. The categories are the SDK's.
"""

from __future__ import annotations

import re
from functools import cache
from random import Random
from typing import Any

from openai_mockserver.api.endpoint import EndpointRequest
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
def _load_categories() -> dict[str, list[str]]:
    """Return the categories with the kinds of input that each applies to."""
    answer = resolve(operation("POST", "/v1/moderations").answer or {})
    result: Schema = resolve(answer["properties"]["results"]["items"])
    kinds = resolve(result["properties"]["category_applied_input_types"])["properties"]
    return {name: resolve(kind["items"])["enum"] for name, kind in kinds.items()}


def _rate_input(parts: list[Any]) -> dict[str, Any]:
    """Return the result for one input, which may have several texts and images."""
    text = "\n".join(part if isinstance(part, str) else part.get("text", "") for part in parts)
    kinds = {
        "text" if isinstance(part, str) or part["type"] == "text" else "image" for part in parts
    }
    flagged_names = {name for name, pattern in _PATTERNS.items() if pattern.search(text)}
    rng = Random(repr(parts))
    categories = _load_categories()
    scores = {
        name: round(
            rng.uniform(0.7, 0.99) if name in flagged_names else rng.uniform(1e-7, 1e-4), 10
        )
        for name in categories
    }
    return {
        "flagged": bool(flagged_names),
        "categories": {name: name in flagged_names for name in categories},
        "category_scores": scores,
        "category_applied_input_types": {
            name: [kind for kind in allowed_kinds if kind in kinds]
            for name, allowed_kinds in categories.items()
        },
    }


def moderate(request: EndpointRequest, store: Store, rng: Random) -> Script:
    """Return a result for each input; a few plain words are flagged."""
    input_ = request.parameters["input"]
    inputs = input_ if isinstance(input_, list) else [input_]
    are_texts = all(isinstance(text, str) for text in inputs)
    results = [_rate_input([text]) for text in inputs] if are_texts else [_rate_input(inputs)]
    answer = {
        "id": f"modr-{rng.getrandbits(128):032x}",
        "model": request.parameters.get("model") or "omni-moderation-latest",
        "results": results,
    }
    return json_response(answer, rng)


ANSWERS = {("POST", "/v1/moderations"): moderate}
