"""What is known of each OpenAI model, in one table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """How OpenAI answers for a model: its dated name and which members its chunks carry."""

    snapshot: str
    fingerprint: bool = False
    logprobs_key: bool = True


# Alias → snapshot as recorded (WIRE.md §0.9, §1): reasoning models omit the `logprobs` key, and
# gpt-3.5, gpt-4, gpt-5* and the o-series have no fingerprint.
MODELS = {
    "gpt-4o": Model("gpt-4o-2024-08-06", fingerprint=True),
    "gpt-4o-mini": Model("gpt-4o-mini-2024-07-18", fingerprint=True),
    "gpt-4.1": Model("gpt-4.1-2025-04-14", fingerprint=True),
    "gpt-4.1-mini": Model("gpt-4.1-mini-2025-04-14", fingerprint=True),
    "gpt-4.1-nano": Model("gpt-4.1-nano-2025-04-14", fingerprint=True),
    "gpt-4-turbo": Model("gpt-4-turbo-2024-04-09", fingerprint=True),
    "gpt-4": Model("gpt-4-0613"),
    "gpt-3.5-turbo": Model("gpt-3.5-turbo-0125"),
    "gpt-5": Model("gpt-5-2025-08-07", logprobs_key=False),
    "gpt-5-mini": Model("gpt-5-mini-2025-08-07", logprobs_key=False),
    "gpt-5-nano": Model("gpt-5-nano-2025-08-07", logprobs_key=False),
    "gpt-5.1": Model("gpt-5.1-2025-11-13", logprobs_key=False),
    "gpt-5.2": Model("gpt-5.2-2025-12-11", logprobs_key=False),
    "gpt-5.4": Model("gpt-5.4-2026-03-05", logprobs_key=False),
    "o1": Model("o1-2024-12-17", logprobs_key=False),
    "o3": Model("o3-2025-04-16", logprobs_key=False),
    "o3-mini": Model("o3-mini-2025-01-31", logprobs_key=False),
    "o4-mini": Model("o4-mini-2025-04-16", logprobs_key=False),
}

_SNAPSHOTS = {model.snapshot: model for model in MODELS.values()}


def model_named(name: str) -> Model:
    """How this model answers; an unknown one answers under its own name."""
    if known := MODELS.get(name) or _SNAPSHOTS.get(name):
        return known
    reasoning = name.startswith(("gpt-5", "o1", "o3", "o4"))
    return Model(name, fingerprint=not reasoning, logprobs_key=not reasoning)
