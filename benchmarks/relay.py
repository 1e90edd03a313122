"""Measures the delay that the recorder adds to the first byte of a stream, and to each event.

It reads the same stream from the upstream and through the recorder, in turn. Upstream, recorder and
client are separate processes. Goal: at most 1 ms for the first byte, and 0.5 µs per event. A second
upstream closes each connection, so that the recorder needs a new one for each request.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

import httpx2

from openai_mockserver import stream

ROUNDS, NAME = 40, "long"
CLOSING = "add_header; name=connection; value=close"
PAYLOAD = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}


@contextmanager
def start_command(*arguments: str) -> Iterator[str]:
    """Start a command of openai-mockserver; yield its URL."""
    command = [sys.executable, "-m", "openai_mockserver", *arguments, "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = re.search(r" on (http://\S+)", process.stdout.readline())
        assert url
        yield url[1]
        process.terminate()


def measure_stream(client: httpx2.Client, url: str) -> tuple[float, float]:
    """Return the milliseconds to the first byte, and to the last."""
    start = time.perf_counter()
    first = 0.0
    with client.stream("POST", f"{url}/chat/completions", json=PAYLOAD) as response:
        for _ in response.iter_raw():
            first = first or time.perf_counter() - start
    return first * 1000, (time.perf_counter() - start) * 1000


def main() -> None:
    events = len(stream(NAME).script.events)
    measurements: dict[str, list[tuple[float, float]]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        client = stack.enter_context(httpx2.Client(trust_env=False))
        # A pause separates events: each is a separate read, and a separate line of the recording.
        serve = ("serve", "--stream", NAME, "--pace", "0,0.0005")
        urls = {"upstream": stack.enter_context(start_command(*serve))}
        urls["closing upstream"] = stack.enter_context(start_command(*serve, "--fault", CLOSING))
        for name in list(urls):
            recorder = start_command("record", "--upstream", urls[name], "-o", folder)
            urls[name.replace("upstream", "recorder")] = stack.enter_context(recorder)
        for url in urls.values():
            measure_stream(client, url)
        for _ in range(ROUNDS):
            for name, url in urls.items():
                measurements.setdefault(name, []).append(measure_stream(client, url))
    first = {name: median(t[0] for t in times) for name, times in measurements.items()}
    total = {name: median(t[1] for t in times) for name, times in measurements.items()}
    delay = first["recorder"] - first["upstream"]
    event_delay = (total["recorder"] - total["upstream"] - delay) / events * 1000
    print(f"first byte: upstream {first['upstream']:.2f} ms, recorder {first['recorder']:.2f} ms")
    print(f"the recorder adds {delay:.2f} ms to the first byte (goal 1)")
    reconnect_delay = first["closing recorder"] - first["closing upstream"]
    print(f"and {reconnect_delay:.2f} ms if it needs a new connection")
    print(f"and {event_delay:.1f} µs to each of {events} events (goal 0.5)")


if __name__ == "__main__":
    main()
