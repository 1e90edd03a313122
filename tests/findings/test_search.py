"""Real consumers over streams nobody wrote: what they get wrong has been found before, or fails.

A failure prints the smallest stream that shows it, as code: `findings.found` is to have it then.
OpenAI's SDK and httpx-sse are always searched, a little and always alike; `scripts/findings`
searches the others, too, and `OPENAI_MOCKSERVER_EXAMPLES=5000 scripts/findings openai` searches
longer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis.strategies import SearchStrategy

from findings.consumers import Consumer, unasked
from findings.found import FOUND, unexplained
from findings.judge import Told
from openai_mockserver import Stream
from openai_mockserver.strategies import faulty, scripts, streams
from properties import examples

ASKED = os.environ.get("OPENAI_MOCKSERVER_EXAMPLES")
FEW = examples(150)
SEARCH = settings(
    max_examples=int(ASKED or FEW),
    derandomize=not ASKED,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
STRATEGIES: dict[str, SearchStrategy[Stream]] = {
    "streams": streams(),
    "lawful streams": streams(quirks=False),
    "faulty streams": scripts().flatmap(partial(faulty, http=True)),
}


@pytest.mark.hypothesis
@pytest.mark.parametrize("kind", STRATEGIES)
def test_what_is_wrong_was_found_before(
    consumer: Consumer,
    judged: Callable[[Told], list[str]],
    kind: str,
    record_property: Callable[[str, object], None],
) -> None:
    drawn = wrong = 0

    def nothing_new(stream: Stream) -> None:
        nonlocal drawn, wrong
        assume(unasked(consumer, stream) is None)
        said = judged(stream)
        drawn, wrong = drawn + 1, wrong + bool(said)
        assert unexplained(consumer.name, stream, said) == []

    searched = given(STRATEGIES[kind])(nothing_new)
    for finding in FOUND[consumer.name]:
        searched = example(finding.stream)(searched)
    SEARCH(searched)()
    pinned = len(FOUND[consumer.name])
    record_property("searched", (drawn - pinned, wrong - pinned))
