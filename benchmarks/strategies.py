"""Measures how fast streams are drawn, for a bare parser and for the OpenAI client in process.

Two references: Hypothesis alone, which draws equally many bytes, and the client on a transport that
only serves bytes. Rates are streams per CPU second. Machines differ, so compare the ratios. Goals:
2000 for a bare parser; for the client at least 0.25 times as many.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from openai_mockserver import MockOpenAI, Stream, sse
from openai_mockserver.strategies import faulty, replies, scripts, streams

STREAMS = 2000
ROUNDS = 5
ALL = settings(
    max_examples=STREAMS,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def measure_rate(strategy: SearchStrategy[Any], use: Callable[[Any], object]) -> float:
    """Return the rate in streams per CPU second."""

    @ALL
    @given(strategy)
    def run(value: Any) -> None:
        use(value)

    start = time.process_time()
    run()
    return STREAMS / (time.process_time() - start)


def parse_stream(stream: Stream) -> object:
    """Decode bytes to events, as a bare parser does."""
    return sse.decode(stream.bytes())


class Minimal(httpx2.BaseTransport):
    """A transport that serves the bytes of a stream."""

    def __init__(self) -> None:
        self.reads: list[bytes] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, stream=Reads(self.reads))


class Reads(httpx2.SyncByteStream):
    def __init__(self, reads: list[bytes]) -> None:
        self.reads = reads

    def __iter__(self) -> Iterator[bytes]:
        yield from self.reads


mock, minimal = MockOpenAI(), Minimal()
in_process = mock.client(max_retries=0)
bare = openai.OpenAI(
    api_key="sk-none", max_retries=0, http_client=httpx2.Client(transport=minimal, trust_env=False)
)


def consume(stream: Stream) -> object:
    """Read a stream's chunks with the client, as an application does."""
    mock.reset()
    mock.reply(stream)
    return read_chunks(in_process)


def consume_bare(stream: Stream) -> object:
    """Read a stream's chunks with the client and the minimal transport, without a mock."""
    minimal.reads = stream.reads()
    return read_chunks(bare)


def read_chunks(client: openai.OpenAI) -> object:
    """Return all chunks of one stream, or the error that the client raises."""
    try:
        return list(
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "Hi"}], stream=True
            )
        )
    except Exception as error:
        return error


CASES: dict[str, tuple[SearchStrategy[Any], Callable[[Any], object]]] = {
    "Hypothesis alone": (st.binary(min_size=64, max_size=64), len),
    "replies()": (replies(), lambda reply: reply),
    "scripts(), a bare parser": (scripts(), parse_stream),
    "streams(), a bare parser": (streams(), parse_stream),
    "scripts() and faulty()": (scripts().flatmap(faulty), parse_stream),
    "scripts(), the openai client": (scripts(), consume),
    "scripts(), openai without a mock": (scripts(), consume_bare),
}


def main() -> None:
    """Print the median rates of alternating rounds."""
    rates: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, case in CASES.items():
            rates[name].append(measure_rate(*case))
    medians = {name: statistics.median(round_rates) for name, round_rates in rates.items()}
    for name, median_rate in medians.items():
        print(f"{name:<30} {median_rate:>7.0f} per CPU second")
    parser = medians["scripts(), a bare parser"]
    print(f"a bare parser / Hypothesis alone: {parser / medians['Hypothesis alone']:.2f}")
    for name in ("scripts(), the openai client", "scripts(), openai without a mock"):
        print(f"{name} / a bare parser: {medians[name] / parser:.2f}")


if __name__ == "__main__":
    main()
