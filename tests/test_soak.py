"""Random scripts and mixed load: all responses arrive, and nothing leaks.

3,000 scripts by default; OPENAI_MOCKSERVER_SOAK sets another number. `benchmarks/soak.py` runs the
mixed load for ten minutes.
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


def make_step(rng: Random) -> Step:
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
    steps = tuple(make_step(rng) for _ in range(rng.randrange(9)))
    script = Script(rng.choice(HEADS), steps, rng.choice(ENDS))
    return to_raw(script) if rng.random() < 0.2 else script


def count_files() -> int:
    """Return the number of open files and sockets of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.slow
def test_random_scripts_arrive_and_leak_nothing() -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("open files are counted in /proc")
    rounds = int(os.environ.get("OPENAI_MOCKSERVER_SOAK", "3000"))
    rng = Random(rounds)
    failed_scripts: list[str] = []
    ended_calls = threading.Semaphore(0)

    def note_end(call: Call) -> None:
        ended_calls.release()

    with MockOpenAI() as mock:
        # The first server leaves some files open, such as the event loop's pipe: no leak.
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
            expected_bytes, data = encode_script(script), b""
            while len(data) < len(expected_bytes) and (read := client.recv(65536)):
                data += read
            if data != expected_bytes:
                failed_scripts.append(repr(script))
            # Reuse a connection only if its state is certain.
            is_regular = script.head is HEADS[0] and not script.raw
            if expected_end(script) != "open" or not is_regular:
                client.close()
                client = None
            assert ended_calls.acquire(timeout=10), script
        if client is not None:
            client.close()
        server = mock.start()
        assert isinstance(server, Loopback)
        loop = server._server_run._loop
        assert loop is not None
        task_count = asyncio.run_coroutine_threadsafe(count_request_tasks(), loop).result(5)
    assert failed_scripts == []
    assert task_count == 0
    assert threading.active_count() == threads
    assert count_files() <= files
    print(f"{rounds} scripts")


@pytest.mark.slow
def test_mixed_load_loses_and_leaks_nothing() -> None:
    """Eight clients load a mock and a recorder; some disconnect, are reset or are killed."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("memory and open files are counted in /proc")
    result = load_benchmark("soak").measure(1200)
    before, *during, after = result.samples
    assert result.failures == []
    assert min(result.counts.values()) > 10, "each action ran"
    assert after.descriptors == before.descriptors
    for process in range(2):
        memory = [one.memory[process] for one in during]
        # The second half has more than a thousand requests of 20 kB for each process.
        assert max(memory[5:]) < memory[4] + 10


async def count_request_tasks() -> int:
    """Return the number of requests that the server's event loop still handles."""
    await asyncio.sleep(0)
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]  # type: ignore[union-attr]
    return sum("RequestResponseCycle" in name for name in names)
