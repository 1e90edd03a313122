"""What one chat completion has around what the model says: id, time, model, extras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any

from openai_mockserver.api.ids import NOISE_BITS, chat_id, fingerprint
from openai_mockserver.dialects.dialect import ExtraStep
from openai_mockserver.models import chat_model
from openai_mockserver.seed import now

__all__ = ["Envelope", "ORDERS"]

ORDERS = ("interleaved", "interleaved to the end", "in turn", "in turn, ends last")
"""How the chunks of several choices follow each other."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What one response has around what the model says.

    Args:
        id, created, model, system_fingerprint, service_tier: what every chunk repeats.
        logprobs_key: whether choices say ``"logprobs":null``.
        omits: members that OpenAI sends now and this response does not, as in its year.
        extra: members of the provider's own, by their path, as ``provider`` or ``x_groq.id``.
        turns: those that change from chunk to chunk: their values in turn.
        extra_steps: comments, heartbeats and other chunks that say nothing.
        noise: the number of the `ids.Padding` that pads it.
        paddings: the lengths of random padding, in turn; random ones by default.
        order: of the chunks of several choices: one of `ORDERS`, or the index of each chunk.
        sequence: what each chunk says, of a choice that says text after its tool calls, or the
            like: see `sequence.GROUPS`.
    """

    id: str
    created: int
    model: str
    system_fingerprint: str | None = None
    service_tier: str | None = "default"
    logprobs_key: bool = True
    omits: frozenset[str] = frozenset()
    extra: Mapping[str, Any] = field(default_factory=dict)
    turns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    extra_steps: tuple[ExtraStep, ...] = ()
    noise: int = 0
    paddings: tuple[int, ...] = ()
    order: str | tuple[int, ...] = "interleaved"
    sequence: tuple[str, ...] = ()

    @classmethod
    def fresh(cls, request: Mapping[str, Any], rng: Random) -> Envelope:
        """A new one, as OpenAI would answer this request now."""
        created = now(rng)
        answering = chat_model(str(request.get("model", "gpt-4o-mini")))
        return cls(
            chat_id(created, rng),
            created,
            answering.snapshot,
            _fingerprint(answering.snapshot) if answering.fingerprint else None,
            "default",
            answering.logprobs_key,
            noise=rng.getrandbits(NOISE_BITS),
        )

    def vary(self, other: Envelope) -> tuple[str, ...]:
        """The names of the values that another response to the same request has otherwise."""
        mine, others = self._known(), other._known()
        return tuple(name for name, value in mine.items() if value != others.get(name))

    def values(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The values of these names, as they are written."""
        known = self._known()
        return tuple([str(known[name]) for name in names])

    def _known(self) -> Mapping[str, Any]:
        return {**self.extra, "id": self.id, "created": self.created}

    def watch(self) -> tuple[list[tuple[str, str]], Envelope]:
        """The same, and a list of the ids that are made with it: none."""
        return [], self

    def replay(self, values: tuple[str, ...]) -> Envelope:
        """The same, which makes the ids among these values again: none."""
        return self


@lru_cache(maxsize=256)
def _fingerprint(snapshot: str) -> str:
    """The fingerprint is the deployment's: the same for the same model."""
    return fingerprint(Random(snapshot))
