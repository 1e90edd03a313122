"""Log probabilities: those nobody wrote, and their JSON in chat and its kin, there and back.

Rules of this file: the same piece always has the same log probability.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Any

from openai_mockserver.reply import Logprob

__all__ = ["likely", "logprob_json", "read_logprob"]


@lru_cache(maxsize=4096)
def likely(piece: str, top: int) -> Logprob:
    """A plausible log probability, the same for the same piece."""
    rng = Random(piece)
    logprob = -rng.expovariate(4.0)
    others = (Logprob(rng.choice(_OTHERS), logprob - rng.uniform(1, 9)) for _ in range(top - 1))
    alternatives = sorted(others, key=lambda entry: -entry.logprob)
    return Logprob(piece, logprob, None, (Logprob(piece, logprob), *alternatives) if top else ())


_OTHERS = (" the", " a", " to", " and", " of", ",", ".", " in", " is", " it")


def logprob_json(entry: Logprob, top: int | None) -> dict[str, Any]:
    """Its JSON, with so many alternatives; without a member for them where ``top`` is None."""
    members: dict[str, Any] = {
        "token": entry.token,
        "logprob": entry.logprob,
        "bytes": entry.bytes,
    }
    if top is not None:
        members["top_logprobs"] = [logprob_json(other, None) for other in entry.top[:top]]
    return members


def read_logprob(entry: dict[str, Any]) -> Logprob:
    """The log probability that its JSON states."""
    octets = entry.get("bytes")
    return Logprob(
        entry["token"],
        entry["logprob"],
        None if octets is None else tuple(octets),
        tuple(map(read_logprob, entry.get("top_logprobs") or ())),
    )
