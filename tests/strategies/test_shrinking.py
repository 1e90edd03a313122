"""Bugs that are planted into a consumer are found, and by streams of a few events."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from openai_mockserver import Stream, sse
from openai_mockserver.strategies import streams
from properties import examples
from strategies.toy import BUGS, consume, expected_outcome

pytestmark = pytest.mark.slow

SEARCH = settings(
    max_examples=20_000, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
SHRINK_SLOWLY = (  # for half a second and more
    "drops the last event without a blank line",
    "takes no BOM away",
    "splits UTF-8",
    "drops all but the first choice of a chunk",
    "needs usage to come without choices",
    "stops at an empty delta",
)


def outcome(stream: Stream, bug: str = "") -> dict[str, Any]:
    """Return the consumer's result, choice by choice."""
    result = consume(stream.reads(), bug)
    calls, choices = result["calls"], range(len(stream.reply.choices))
    return {
        "text": [result["text"].get(n, "") for n in choices],
        "calls": [[(c["name"], c["arguments"]) for c in calls.get(n, [])] for n in choices],
        "finish": [result["finish"].get(n) for n in choices],
        "usage": result["usage"],
    }


def is_wrong(stream: Stream, bug: str = "") -> bool:
    """Whether the consumer fails or has another result."""
    try:
        return outcome(stream, bug) != expected_outcome(stream.reply)
    except (ValueError, KeyError, TypeError):
        return True


@settings(max_examples=examples(1000))
@given(streams())
def test_without_a_bug_the_consumer_is_right(stream: Stream) -> None:
    assert outcome(stream) == expected_outcome(stream.reply)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str) -> None:
    first = settings(SEARCH, phases=[Phase.generate])
    failing_stream = find(streams(), lambda s: is_wrong(s, bug), settings=first, random=Random(bug))
    assert not is_wrong(failing_stream)


@pytest.mark.parametrize(
    "bug", [pytest.param(bug, marks=[pytest.mark.slow] * (bug in SHRINK_SLOWLY)) for bug in BUGS]
)
def test_a_planted_bug_shrinks_to_a_few_events(bug: str) -> None:
    failing_stream = find(
        streams(), lambda s: is_wrong(s, bug), settings=SEARCH, random=Random(bug)
    )
    assert len(sse.decode(failing_stream.bytes() + b"\n\n")) <= 5, failing_stream.code()
