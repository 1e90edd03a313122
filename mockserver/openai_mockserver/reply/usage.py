"""Token counts, as in OpenAI's usage object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from openai_mockserver.reply.text import check_type, print_repr

__all__ = ["Usage"]


@dataclass(frozen=True, slots=True, repr=False)
class Usage:
    """Token counts, as in OpenAI's usage object.

    ``total_tokens`` defaults to the sum of prompt and completion tokens. ``extra`` holds members
    that other providers add, under their JSON names and in their order.

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
                check_type(int, count, f"Usage.{name}", optional=False)
        if type(self.extra) is not dict:
            check_type(Mapping, self.extra, "Usage.extra", optional=False)
        object.__setattr__(self, "extra", dict(self.extra))
        if self.total_tokens < 0:
            object.__setattr__(self, "total_tokens", self.prompt_tokens + self.completion_tokens)

    def __repr__(self) -> str:
        arguments = [repr(self.prompt_tokens), repr(self.completion_tokens)]
        defaults = {"total_tokens": self.prompt_tokens + self.completion_tokens, "extra": {}}
        for member in fields(self)[2:]:
            value = getattr(self, member.name)
            if value != defaults.get(member.name, 0):
                arguments.append(f"{member.name}={value!r}")
        return f"Usage({', '.join(arguments)})"


USAGE_COUNTS = tuple(f.name for f in fields(Usage) if f.name != "extra")
"""The names of the counts in `Usage`."""

_get_counts = attrgetter(*USAGE_COUNTS)
