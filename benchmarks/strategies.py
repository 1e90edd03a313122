"""How fast streams are drawn: for a bare parser, and through the OpenAI client in process.

The limits are Hypothesis itself, drawing as many bytes and doing nothing with them, and the client
on a transport that only gives it the bytes. Rates are streams a CPU-second; machines differ, so the
ratios are what counts. Goals: 2000 for a bare parser; for the client at least 0.25 times as many.
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


class Minimal(httpx2.BaseTransport):
    """The bytes of a stream, and nothing else."""

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


def consumed(stream: Stream) -> object:
    """What an application does: the client's chunks, one after the other."""
    mock.reset()
    mock.reply(stream)
    return chunks(in_process)


def consumed_bare(stream: Stream) -> object:
    """The same, without a mock."""
    minimal.reads = stream.reads()
    return chunks(bare)


def chunks(client: openai.OpenAI) -> object:
    """All chunks of one stream, or what the client raises."""
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
    "scripts(), it without a mock": (scripts(), consumed_bare),
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
    parser = medians["scripts(), a bare parser"]
    print(f"a bare parser / Hypothesis alone: {parser / medians['Hypothesis alone']:.2f}")
    for name in ("scripts(), the openai client", "scripts(), it without a mock"):
        print(f"{name} / a bare parser: {medians[name] / parser:.2f}")


if __name__ == "__main__":
    main()
