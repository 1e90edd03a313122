"""One request does not stop the others: `benchmarks/attacks.py`, with limits."""

from __future__ import annotations

import json
import sys

import pytest

from benchmark import load_benchmark

attacks = load_benchmark("attacks")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

# Their status: OpenAI's error, or ours if the size limit of a reply is exceeded.
REFUSED = {
    "message-100-mb": 413,
    **dict.fromkeys(
        (
            "n-128-min-length",
            "n-128-tools",
            "embeddings-tokens",
            "completions-100000",
            "completions-echo",
            "prediction-1-mb",
            "moderations-100000",
            "conversation-100000",
            "unique-items",
            "all-of-25",
            "min-properties",
            "grammar",
            "message-30-mb",
            "parts-100000",
            "messages-100000",
            "response-input-100000",
        ),
        400,
    ),
}
# Maximum CPU seconds, megabytes, and milliseconds of delay of another stream.
USUAL = (3.0, 120.0, 25.0)
DEARER = {
    "embeddings-2048-floats": (4.0, 260.0, 25.0),  # an answer of 190 MB
    "n-128-prose": (6.0, 250.0, 25.0),  # one of 80 MB
    # Python cannot switch threads while it copies a string of 30 MB, which takes 6 ms, and 25 if
    # the memory is new.
    "message-30-mb": (5.0, 200.0, 40.0),
}


@pytest.mark.parametrize("name", attacks.ATTACKS)
def test_what_an_attack_costs(name: str) -> None:
    """Take the best of six measurements, because other load only adds to them."""
    path, make = attacks.ATTACKS[name]
    body = json.dumps(make()).encode()
    costs = []
    for _ in range(6):
        costs.append(attacks.measure(path, body))
        best = attacks.Cost(*map(min, zip(*costs, strict=True)))
        assert best.status == REFUSED.get(name, 200)
        bounds = DEARER.get(name, USUAL)
        if all(a <= b for a, b in zip((best.cpu, best.memory, best.late), bounds, strict=True)):
            return
    raise AssertionError(f"{name}: {best}, limits {bounds}")
