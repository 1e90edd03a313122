"""Measures the cost of the two doors: CPU milliseconds of a stream of 50 chunks read by the SDK.

It is compared with a minimal transport that serves the same chunks from a list; runs alternate.
Goals: in process at most 1.05 times the minimal transport, over the socket at most 1.3 times in
process; a mock with its server started and stopped in at most 0.5 ms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

import httpx2
import openai

from openai_mockserver import MockOpenAI, Reply, sse
from openai_mockserver.api import chat

ROUNDS, REPEATS = 15, 20
REPLY = Reply("word" + " word" * 46)  # with role, finish and [DONE] 50 events
PAYLOAD = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}


class Minimal(httpx2.BaseTransport):
    """A transport that serves chunks from a list."""

    def __init__(self) -> None:
        script = chat.render(REPLY, PAYLOAD)
        self.chunks = [sse.encode(step) for step in script.steps]
        self.headers = [(k.encode(), v.encode()) for k, v in script.head.headers]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=self.headers, stream=Chunks(self.chunks))


class Chunks(httpx2.SyncByteStream):
    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks


def make_reader(client: openai.OpenAI) -> Callable[[], None]:
    """Return a function that reads one stream completely."""

    def read() -> None:
        for _ in client.chat.completions.create(**PAYLOAD):  # type: ignore[call-overload]
            pass

    return read


def measure_cost(function: Callable[[], object]) -> float:
    """Return the CPU milliseconds of all threads for one call of a function."""
    start = time.process_time()
    for _ in range(REPEATS):
        function()
    return (time.process_time() - start) / REPEATS * 1000


def start_and_stop() -> None:
    mock = MockOpenAI()
    assert mock.base_url
    mock.stop()


def main() -> None:
    mock = MockOpenAI()
    mock.reply(REPLY)
    http = [httpx2.Client(transport=Minimal()), httpx2.Client(trust_env=False)]
    doors = {
        "minimal transport": make_reader(openai.OpenAI(api_key="x", http_client=http[0])),
        "in process": make_reader(mock.client()),
        "over the socket": make_reader(
            openai.OpenAI(api_key="x", base_url=mock.base_url, http_client=http[1])
        ),
        "start and stop": start_and_stop,
    }
    for function in doors.values():
        function()
    measurements: dict[str, list[float]] = {name: [] for name in doors}
    for _ in range(ROUNDS):
        for name, function in doors.items():
            measurements[name].append(measure_cost(function))
    mock.stop()
    for name, costs in measurements.items():
        print(f"{name:<18} {median(costs):6.2f} ms")

    def ratio(name: str, other: str) -> float:
        # The minimum is the cost; anything above it is other load on the machine.
        return min(measurements[name]) / min(measurements[other])

    print(f"in process / minimal: {ratio('in process', 'minimal transport'):.2f} (goal 1.05)")
    print(f"socket / in process:  {ratio('over the socket', 'in process'):.2f} (goal 1.3)")
    print(f"start and stop:       {min(measurements['start and stop']):.2f} ms (goal 0.5)")


if __name__ == "__main__":
    main()
