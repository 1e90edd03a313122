"""Measures what sharing the state costs a request: in SQLite, and in Redis if it is installed.

Each request is answered in process, 1,000 times, in turn by a mock in memory and by one with each
shared state. The first deciles are compared, because other programs delay every switch to another
process. Argument: the number of requests. Goal: at most 0.3 ms more
for a request that stores something, and nothing for one that does not.
"""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec.json

from openai_mockserver import MockOpenAI, Request

GOAL = 0.3  # ms

MESSAGES = [{"role": "user", "content": "How are you today? " * 10}]
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a response": ("/v1/responses", {"input": "Hi"}),
    "a streamed response": ("/v1/responses", {"input": "Hi", "stream": True}),
    "a stored chat completion": ("/v1/chat/completions", {"messages": MESSAGES, "store": True}),
    "a response, store: false": ("/v1/responses", {"input": "Hi", "store": False}),
    "a chat completion": ("/v1/chat/completions", {"messages": MESSAGES}),
}
"""The path and the body of each request, by what it asks for."""


@contextmanager
def open_places(folder: Path) -> Iterator[dict[str, str | None]]:
    """Yield the places of the states by name; Redis only if its program is installed."""
    places: dict[str, str | None] = {"memory": None, "SQLite": str(folder / "state.sqlite")}
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None or find_spec("redis") is None:
        print("Redis is left out: the program or the package is not installed.")
        yield places
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            while "Ready to accept connections" not in process.stdout.readline():
                assert process.poll() is None, "the server of Redis has ended"
            yield places | {"Redis": f"redis://127.0.0.1:{port}/0"}
        finally:
            process.terminate()


def measure(mock: MockOpenAI, path: str, body: dict[str, Any]) -> float:
    """Return how many seconds a request takes."""
    request = Request("POST", path, body=msgspec.json.encode({"model": "gpt-4o", **body}))
    began = time.perf_counter()
    call = mock.respond(request)
    call.end()
    seconds = time.perf_counter() - began
    assert call.status == 200, call.problem
    return seconds


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    is_reached = True
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        places = stack.enter_context(open_places(folder))
        mocks = {name: MockOpenAI(state=place, keep_calls=1000) for name, place in places.items()}
        for mock in mocks.values():
            mock.reply("Well, and you? " * 20)
        print(f"{'':28}{''.join(f'{name:>12}' for name in mocks)}   (ms; what is added)")
        for title, (path, body) in REQUESTS.items():
            times: dict[str, list[float]] = {name: [] for name in mocks}
            for _ in range(count):
                for name, mock in mocks.items():
                    times[name].append(measure(mock, path, body) * 1000)
            usual = {name: statistics.quantiles(values, n=10)[0] for name, values in times.items()}
            added = {name: usual[name] - usual["memory"] for name in mocks}
            columns = [
                f"{usual[name]:12.3f}" if name == "memory" else f"{added[name]:+12.3f}"
                for name in mocks
            ]
            print(f"{title:28}{''.join(columns)}")
            is_reached &= max(added.values()) <= GOAL
    print(
        "The goal is reached." if is_reached else f"More than {GOAL} ms: the goal is not reached."
    )
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
