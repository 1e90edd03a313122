"""Log probabilities: generated ones, and their JSON in chat completions and transcriptions.

Rules of this file: the same piece always gets the same log probability.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Any

from openai_mockserver.reply import Logprob

__all__ = ["logprob_to_json", "make_logprob", "read_logprob"]


@lru_cache(maxsize=4096)
def make_logprob(piece: str, top: int) -> Logprob:
    """Return a plausible log probability for a piece, with ``top`` alternatives."""
    rng = Random(piece)
    logprob = -rng.expovariate(4.0)
    others = (Logprob(rng.choice(_OTHERS), logprob - rng.uniform(1, 9)) for _ in range(top - 1))
    alternatives = sorted(others, key=lambda entry: -entry.logprob)
    return Logprob(piece, logprob, None, (Logprob(piece, logprob), *alternatives) if top else ())


_OTHERS = (" the", " a", " to", " and", " of", ",", ".", " in", " is", " it")


def logprob_to_json(entry: Logprob, top: int | None) -> dict[str, Any]:
    """Return the JSON of a log probability.

    Args:
        entry: the log probability.
        top: the largest number of alternatives; None to omit ``top_logprobs``.
    """
    members: dict[str, Any] = {
        "token": entry.token,
        "logprob": entry.logprob,
        "bytes": entry.bytes,
    }
    if top is not None:
        members["top_logprobs"] = [logprob_to_json(other, None) for other in entry.top[:top]]
    return members


def read_logprob(entry: dict[str, Any]) -> Logprob:
    """Return the log probability with this JSON."""
    octets = entry.get("bytes")
    return Logprob(
        entry["token"],
        entry["logprob"],
        None if octets is None else tuple(octets),
        tuple(map(read_logprob, entry.get("top_logprobs") or ())),
    )
