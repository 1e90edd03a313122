"""Real consumers over generated streams: their mistakes must be listed in `findings.found`.

A failure prints the smallest stream with a new mistake as code, to be added there. OpenAI's SDK and
httpx-sse are always searched, briefly and reproducibly. `scripts/findings` also searches the
others, and `OPENAI_MOCKSERVER_EXAMPLES=5000 scripts/findings openai` searches longer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis.strategies import SearchStrategy

from findings.consumers import Consumer, explain_mismatch
from findings.found import FOUND, find_unexplained
from openai_mockserver import Stream
from openai_mockserver.judge import AnsweredStream
from openai_mockserver.strategies import faulty, scripts, streams
from properties import examples

REQUESTED_COUNT = os.environ.get("OPENAI_MOCKSERVER_EXAMPLES")
FEW = examples(150)
SEARCH = settings(
    max_examples=int(REQUESTED_COUNT or FEW),
    derandomize=not REQUESTED_COUNT,
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
def test_every_mistake_is_listed(
    consumer: Consumer,
    judge_stream: Callable[[AnsweredStream], list[str]],
    kind: str,
    record_property: Callable[[str, object], None],
) -> None:
    draw_count = mistake_count = 0

    def check_stream(stream: Stream) -> None:
        nonlocal draw_count, mistake_count
        assume(explain_mismatch(consumer, stream) is None)
        sentences = judge_stream(stream)
        draw_count, mistake_count = draw_count + 1, mistake_count + bool(sentences)
        assert find_unexplained(consumer.name, stream, sentences) == []

    search_stream = given(STRATEGIES[kind])(check_stream)
    for finding in FOUND[consumer.name]:
        search_stream = example(finding.stream)(search_stream)
    SEARCH(search_stream)()
    example_count = len(FOUND[consumer.name])
    record_property("searches", (draw_count - example_count, mistake_count - example_count))
