"""How fast streams are drawn: for a bare parser, and through the OpenAI client in process.

The limit is Hypothesis itself, drawing as many bytes and doing nothing with them. Rates are streams a
CPU-second; machines differ, so the ratios are what counts.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from mockserver import MockOpenAI, Stream, sse
from mockserver.strategies import faulty, replies, scripts, streams

STREAMS = 2000
ROUNDS = 5
ALL = settings(
    max_examples=STREAMS,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def rate(drawn: SearchStrategy[Any], use: Callable[[Any], object]) -> float:
    """Streams a CPU-second."""

    @ALL
    @given(drawn)
    def run(value: Any) -> None:
        use(value)

    began = time.process_time()
    run()
    return STREAMS / (time.process_time() - began)


def parsed(stream: Stream) -> object:
    """What a bare parser does: bytes to events."""
    return sse.decode(stream.bytes())


mock = MockOpenAI()
client = mock.client(max_retries=0)


def consumed(stream: Stream) -> object:
    """What an application does: the client's chunks, one after the other."""
    mock.reset()
    mock.reply(stream)
    try:
        return list(
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "Hi"}], stream=True
            )
        )
    except Exception as error:
        return error


WAYS: dict[str, tuple[SearchStrategy[Any], Callable[[Any], object]]] = {
    "Hypothesis alone": (st.binary(min_size=64, max_size=64), len),
    "replies()": (replies(), lambda reply: reply),
    "scripts(), a bare parser": (scripts(), parsed),
    "streams(), a bare parser": (streams(), parsed),
    "scripts() and faulty()": (scripts().flatmap(faulty), parsed),
    "scripts(), the openai client": (scripts(), consumed),
}


def main() -> None:
    """Print the rates, each the median of rounds that take turns."""
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        for name, way in WAYS.items():
            rates[name].append(rate(*way))
    medians = {name: statistics.median(several) for name, several in rates.items()}
    for name, found in medians.items():
        print(f"{name:<30} {found:>7.0f} a CPU-second")
    bare = medians["scripts(), a bare parser"]
    print(f"a bare parser / Hypothesis alone: {bare / medians['Hypothesis alone']:.2f}")
    print(
        f"the openai client / a bare parser: {medians['scripts(), the openai client'] / bare:.2f}"
    )


if __name__ == "__main__":
    main()
