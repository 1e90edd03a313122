"""The envelope of a chat completion: everything but model output, such as id, time and model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any

from openai_mockserver.api.ids import NOISE_BITS, chat_id, fingerprint
from openai_mockserver.dialects.dialect import ExtraStep
from openai_mockserver.models import find_chat_model
from openai_mockserver.seed import now

__all__ = ["Envelope", "ORDERS"]

ORDERS = ("interleaved", "interleaved to the end", "in turn", "in turn, ends last")
"""The orders in which the chunks of several choices can follow each other."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The members of one response that are not model output.

    Args:
        id, created, model, system_fingerprint, service_tier: members that every chunk repeats.
        logprobs_key: whether choices without log probabilities have ``"logprobs":null``.
        omits: members that OpenAI sends today and that this response, from an earlier year, lacks;
            also members of its usage, and ``role`` for the chunk that only has the role.
        extra: members that only the provider has, by path, such as ``provider`` or ``x_groq.id``.
        turns: provider-specific members that change from chunk to chunk, with their successive
            values.
        extra_steps: comments, heartbeats and other chunks without model output.
        noise: the number of the `ids.Padding` from which padding is taken.
        paddings: successive lengths of random padding, in characters; random by default.
        order: the order of the chunks of several choices: one of `ORDERS`, or the choice index of
            each chunk.
        sequence: the groups of `sequence.GROUPS` that each chunk contains, if a choice does not
            follow the usual order (text after its tool calls, for example).
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
        """Return a new envelope, with the values that OpenAI would use for this request now."""
        created = now(rng)
        model = find_chat_model(str(request.get("model", "gpt-4o-mini")))
        return cls(
            chat_id(created, rng),
            created,
            model.snapshot,
            _fingerprint(model.snapshot) if model.fingerprint else None,
            "default",
            model.logprobs_key,
            noise=rng.getrandbits(NOISE_BITS),
        )

    def vary(self, other: Envelope) -> tuple[str, ...]:
        """Return the names of the values that differ between this envelope and the other."""
        mine, others = self._values_by_name(), other._values_by_name()
        return tuple(name for name, value in mine.items() if value != others.get(name))

    def values(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the values with these names, as strings."""
        values = self._values_by_name()
        return tuple([str(values[name]) for name in names])

    def _values_by_name(self) -> Mapping[str, Any]:
        return {**self.extra, "id": self.id, "created": self.created}

    def watch(self) -> tuple[list[tuple[str, str]], Envelope]:
        """Return the list of ids that rendering will create (here none), and this envelope."""
        return [], self

    def replay(self, values: tuple[str, ...]) -> Envelope:
        """Return an envelope that creates the ids among these values again (here none)."""
        return self


@lru_cache(maxsize=256)
def _fingerprint(snapshot: str) -> str:
    """Return the fingerprint of the deployment, which is always the same for the same model."""
    return fingerprint(Random(snapshot))
