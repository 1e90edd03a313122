"""Token counts, as in OpenAI's usage object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from openai_mockserver.reply.text import must_be, print_repr

__all__ = ["Usage"]


@dataclass(frozen=True, slots=True, repr=False)
class Usage:
    """Token counts, as in OpenAI's usage object; ``total_tokens`` is the sum unless given.

    ``extra`` holds what others add to it, by its names in JSON and in its order.

    >>> Usage(9, 3, extra={"cost": 0.0001}).total_tokens
    12
    """

    _repr_pretty_ = print_repr

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = -1
    cached_tokens: int = 0
    prompt_audio_tokens: int = 0
    reasoning_tokens: int = 0
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        counts = _get_counts(self)
        if {*map(type, counts)} != {int}:
            for name, count in zip(USAGE_COUNTS, counts, strict=True):
                must_be(int, count, f"Usage.{name}", optional=False)
        if type(self.extra) is not dict:
            must_be(Mapping, self.extra, "Usage.extra", optional=False)
        object.__setattr__(self, "extra", dict(self.extra))
        if self.total_tokens < 0:
            object.__setattr__(self, "total_tokens", self.prompt_tokens + self.completion_tokens)

    def __repr__(self) -> str:
        given = [repr(self.prompt_tokens), repr(self.completion_tokens)]
        unsaid = {"total_tokens": self.prompt_tokens + self.completion_tokens, "extra": {}}
        for one in fields(self)[2:]:
            value = getattr(self, one.name)
            if value != unsaid.get(one.name, 0):
                given.append(f"{one.name}={value!r}")
        return f"Usage({', '.join(given)})"


USAGE_COUNTS = tuple(f.name for f in fields(Usage) if f.name != "extra")
"""The counts of `Usage`."""

_get_counts = attrgetter(*USAGE_COUNTS)
