"""What goes into a scheduler and what comes out of it: requests, admissions, refusals, events.

Rules of this file: values only; times are seconds as floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from openai_mockserver.engine.capacity import Engine
from openai_mockserver.engine.windows import Level

__all__ = ["Admission", "Event", "Reason", "Refusal", "Snapshot", "Work"]


@dataclass(frozen=True, slots=True)
class Work:
    """What a request asks of the engine.

    Args:
        prompt_tokens: tokens of the prompt.
        completion_tokens: tokens of the answer; None if they are not known yet.
        max_tokens: the most tokens that the answer may have, which count for the limit of tokens.
        key: whose limits count, usually the API key.
        model: the model, which has limits of its own.
        blocks: the names of the prompt's blocks, from `chain_blocks`.
    """

    prompt_tokens: int = 0
    completion_tokens: int | None = None
    max_tokens: int = 0
    key: str = ""
    model: str = ""
    blocks: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that was admitted.

    Args:
        id: number of the request, by which the scheduler knows it.
        cached_tokens: tokens of the prompt that are cached.
        levels: the levels of the limits after this request, by unit: ``requests`` and ``tokens``.
        has_slot: whether it has a slot; otherwise it waits.
    """

    id: int
    cached_tokens: int = 0
    levels: dict[str, Level] = field(default_factory=dict)
    has_slot: bool = True


Reason = Literal["requests", "tokens", "concurrent", "start_up", "failure", "overload"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was not admitted.

    Args:
        reason: the limit that is reached, or what else is the matter with the server.
        status: the status of the answer.
        retry_after: seconds after which the request would be admitted if no other came; infinity if
            it never would be, None if that is not known.
        levels: the levels of the limits, as for `Admission`.
        requested: how much the request takes of the limit.
    """

    reason: Reason
    status: int
    retry_after: float | None = None
    levels: dict[str, Level] = field(default_factory=dict)
    requested: int = 0


class Event(NamedTuple):
    """Something that happened to a request."""

    time: float
    id: int
    kind: Literal["slot", "first token", "end"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of an engine.

    Args:
        engine: the engine.
        running: requests that have a slot.
        waiting: requests that wait for one.
        batch: requests that decode.
        itl: seconds between two tokens at this batch, without a prompt in between.
        cached_blocks: blocks that the prefix cache holds.
        admitted, refused, ended, cancelled: numbers of requests so far.
        prompt_tokens: tokens of the prompts that were admitted.
        cached_tokens: those of them that were cached.
        limits: the levels of the limits of which something is used, by key, model and unit.
    """

    engine: Engine
    running: int = 0
    waiting: int = 0
    batch: int = 0
    itl: float = 0.0
    cached_blocks: int = 0
    admitted: int = 0
    refused: int = 0
    ended: int = 0
    cancelled: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    limits: dict[tuple[str, ...], Level] = field(default_factory=dict)
