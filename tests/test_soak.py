"""Many random scripts, and mixed load: everything arrives, and nothing is left behind.

A few thousand scripts by default; OPENAI_MOCKSERVER_SOAK says how many instead. Ten minutes of
mixed load are `benchmarks/soak.py`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from pathlib import Path
from random import Random

import httpx2
import pytest

from benchmark import load_benchmark
from openai_mockserver import Boundary, Comment, Event, Head, MockOpenAI, Pause, Raw, Script
from openai_mockserver.http1 import to_raw
from openai_mockserver.journal import Call
from openai_mockserver.script import End, Step
from openai_mockserver.server import Loopback
from test_http1 import REQUEST, encode_script, expected_end

HEADS = [
    Head(200, (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"))),
    Head(200, (("Content-Type", "text/event-stream"),)),
    Head(429, (("Content-Length", "7"), ("X", "é"))),
]
ENDS: list[End] = ["finish", "finish", "finish", "close", "truncate", "reset", "half_close"]


def step(rng: Random) -> Step:
    """Return a random step."""
    match rng.randrange(12):
        case 0:
            return Pause(rng.choice((0, 0.0001, 0.002)))
        case 1:
            return Boundary()
        case 2:
            return Comment("x" * rng.randrange(9))
        case 3 | 4:
            return Raw(rng.randbytes(rng.randrange(40)))
        case 5:
            return Event("é" * rng.randrange(2000))
        case _:
            return Event(f'{{"n":{rng.random()}}}')


def make_script(rng: Random) -> Script:
    """Return a random script."""
    steps = tuple(step(rng) for _ in range(rng.randrange(9)))
    script = Script(rng.choice(HEADS), steps, rng.choice(ENDS))
    return to_raw(script) if rng.random() < 0.2 else script


def count_files() -> int:
    """Return how many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.slow
def test_random_scripts_arrive_and_leave_nothing_behind() -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("open files are counted in /proc")
    rounds = int(os.environ.get("OPENAI_MOCKSERVER_SOAK", "3000"))
    rng = Random(rounds)
    wrong: list[str] = []
    stop_semaphore = threading.Semaphore(0)

    def note_end(call: Call) -> None:
        stop_semaphore.release()

    with MockOpenAI() as mock:
        # What the first server leaves open, such as the event loop's pipe, is not a leak.
        httpx2.get(mock.base_url, trust_env=False)
    threads, files = threading.active_count(), count_files()
    with MockOpenAI(keep_calls=10, on_end=note_end) as mock:
        url = httpx2.URL(mock.base_url)
        client: socket.socket | None = None
        for _ in range(rounds):
            script = make_script(rng)
            mock.reset()
            mock.reply(script)
            client = client or socket.create_connection((url.host, url.port or 0), timeout=10)
            client.sendall(REQUEST)
            expected, data = encode_script(script), b""
            while len(data) < len(expected) and (read := client.recv(65536)):
                data += read
            if data != expected:
                wrong.append(repr(script))
            # Reuse a connection only if its state is certain.
            is_regular = script.head is HEADS[0] and not script.raw
            if expected_end(script) != "open" or not is_regular:
                client.close()
                client = None
            assert stop_semaphore.acquire(timeout=10), script
        if client is not None:
            client.close()
        server = mock.start()
        assert isinstance(server, Loopback)
        loop = server._server_run._loop
        assert loop is not None
        task_count = asyncio.run_coroutine_threadsafe(tasks(), loop).result(5)
    assert wrong == []
    assert task_count == 0
    assert threading.active_count() == threads
    assert count_files() <= files
    print(f"{rounds} scripts")


@pytest.mark.slow
def test_mixed_load_loses_nothing_and_leaves_nothing_behind() -> None:
    """Eight clients of a mock and a recorder; some leave, are reset or are killed."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("memory and open files are counted in /proc")
    result = load_benchmark("soak").measure(20)
    before, *during, after = result.samples
    assert result.failures == []
    assert min(result.counts.values()) > 10, "each action ran"
    assert all(a <= b for a, b in zip(after.descriptors, before.descriptors, strict=True))
    # The recorder's journal still grows, the mock's is full.
    assert max(one.memory[0] for one in during[5:]) < during[2].memory[0] + 10
    assert max(one.memory[1] for one in during) < before.memory[1] + 90


async def tasks() -> int:
    """Return how many tasks the server's loop runs besides this one and the server itself."""
    await asyncio.sleep(0)
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]  # type: ignore[union-attr]
    return sum("RequestResponseCycle" in name for name in names)
