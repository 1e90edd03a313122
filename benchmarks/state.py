"""Measures what sharing the state costs a request: in SQLite, and in Redis if it is installed.

Each request is answered in process, 1,000 times, in turn by a mock in memory and by one with each
shared state. The first deciles are compared, because other programs delay every switch to another
process. Argument: the number of requests. Goal: at most 0.3 ms more for a request that reads or
writes once, and nothing for one that does neither. A response that continues another does both.
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
from typing import Any, NamedTuple

import msgspec.json

from openai_mockserver import MockOpenAI, Request, sse

GOAL = 0.3  # ms

MESSAGES = [{"role": "user", "content": "How are you today? " * 10}]


class Case(NamedTuple):
    """A request: its path, its body if it has one, and how many times it may exceed the goal."""

    path: str
    body: dict[str, Any] | None = None
    allowed: float = 1.0


STORED = "{stored}"
"""Stands for the id of a stored response."""

CASES: dict[str, Case] = {
    "a response": Case("/v1/responses", {"input": "Hi"}),
    "a streamed response": Case("/v1/responses", {"input": "Hi", "stream": True}),
    "a stored chat completion": Case("/v1/chat/completions", {"messages": MESSAGES, "store": True}),
    "the items of a response": Case(f"/v1/responses/{STORED}/input_items"),
    "a response that continues one": Case(
        "/v1/responses", {"input": "Hi", "previous_response_id": STORED}, allowed=2.0
    ),
    "a response, store: false": Case("/v1/responses", {"input": "Hi", "store": False}, allowed=0.1),
    "a chat completion": Case("/v1/chat/completions", {"messages": MESSAGES}, allowed=0.1),
}
"""Each request by what it asks for."""


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


def make_request(case: Case, stored_id: str) -> Request:
    """Return the request of a case, given the id of a stored response."""
    path = case.path.replace(STORED, stored_id)
    if case.body is None:
        return Request("GET", path)
    body = msgspec.json.encode({"model": "gpt-4o", **case.body})
    return Request("POST", path, body=body.replace(STORED.encode(), stored_id.encode()))


def store_response(mock: MockOpenAI) -> str:
    """Let a mock store a response, and return its id."""
    call = mock.respond(make_request(CASES["a response"], ""))
    call.end()
    stored_id: str = msgspec.json.decode(sse.body(call.script.steps))["id"]
    return stored_id


def measure(mock: MockOpenAI, request: Request) -> float:
    """Return how many seconds a request takes."""
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
        print(f"{'':30}{''.join(f'{name:>12}' for name in mocks)}   (ms; what is added)")
        for title, case in CASES.items():
            times: dict[str, list[float]] = {name: [] for name in mocks}
            requests = {
                name: make_request(case, store_response(mock)) for name, mock in mocks.items()
            }
            for _ in range(count):
                for name, mock in mocks.items():
                    times[name].append(measure(mock, requests[name]) * 1000)
            usual = {name: statistics.quantiles(values, n=10)[0] for name, values in times.items()}
            added = {name: usual[name] - usual["memory"] for name in mocks}
            columns = [
                f"{usual[name]:12.3f}" if name == "memory" else f"{added[name]:+12.3f}"
                for name in mocks
            ]
            print(f"{title:30}{''.join(columns)}")
            is_reached &= max(added.values()) <= case.allowed * GOAL
    print("The goal is reached." if is_reached else "The goal is not reached.")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
