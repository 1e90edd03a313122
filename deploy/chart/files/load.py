"""Sends chat streams to a server, several at a time, and prints what they took.

It needs nothing but Python: the chart runs it in the image, as the test and as the load test.
OPENAI_BASE_URL and OPENAI_API_KEY say which server. The exit code is 1 if no stream was complete.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import urlsplit


class Result(NamedTuple):
    """What happened to a request; times are seconds, counted from its start.

    Args:
        outcome: ``complete``, ``incomplete``, a status such as ``429``, or the name of an error.
        first: when the first event arrived.
        last: when the last event arrived.
        events: how many arrived, without ``[DONE]``.
    """

    outcome: str
    first: float = 0.0
    last: float = 0.0
    events: int = 0


def open_stream(connection: http.client.HTTPConnection, path: str, model: str) -> Result:
    """Send one request, and read its stream to the end."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "Tell me a story"}],
        "stream": True,
    }
    headers = {
        "Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'any')}",
        "Content-Type": "application/json",
    }
    start = time.monotonic()
    connection.request("POST", f"{path}/chat/completions", json.dumps(body), headers)
    response = connection.getresponse()
    if response.status != 200:
        response.read()
        return Result(str(response.status))
    first = last = 0.0
    events = 0
    for line in response:
        if line == b"data: [DONE]\n":
            return Result("complete", first, last, events)
        if line.startswith(b"data:"):
            last = time.monotonic() - start
            first = first or last
            events += 1
    return Result("incomplete", first, last, events)


def send_request(base_url: str, model: str, timeout: float) -> Result:
    """Return what happens to one request on a connection of its own; `timeout` is in seconds."""
    url = urlsplit(base_url)
    connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = connect(url.netloc, timeout=timeout)
    try:
        return open_stream(connection, url.path.rstrip("/"), model)
    except (OSError, http.client.HTTPException) as error:
        return Result(type(error).__name__)
    finally:
        connection.close()


def find_percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that a share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def summarize(results: Sequence[Result], seconds: float) -> str:
    """Return the lines of the report; `seconds` is what all requests took together."""
    counts = Counter(result.outcome for result in results)
    complete = [result for result in results if result.outcome == "complete" and result.events]
    lines = [
        f"{len(results)} requests in {seconds:.1f} s: "
        + ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    ]
    if complete:
        events = sum(result.events for result in complete)
        lines.append(f"{events} events, {events / seconds:.0f} a second")
    paces = [(one.last - one.first) / (one.events - 1) for one in complete if one.events > 1]
    for name, values in (("first event", [one.first for one in complete]), ("pace", paces)):
        if values:
            p50, p99 = (1000 * find_percentile(values, share) for share in (0.5, 0.99))
            lines.append(f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=200, help="in all")
    parser.add_argument("--concurrency", type=int, default=20, help="at the same time")
    parser.add_argument("--model", default="gpt-4o")
    parser.add_argument("--timeout", type=float, default=60, help="seconds of silence")
    options = parser.parse_args()
    base_url = os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    start = time.monotonic()
    with ThreadPoolExecutor(options.concurrency) as pool:
        arguments = [(base_url, options.model, options.timeout)] * options.requests
        results = list(pool.map(lambda one: send_request(*one), arguments))
    print(summarize(results, time.monotonic() - start), flush=True)
    return 0 if any(result.outcome == "complete" for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
