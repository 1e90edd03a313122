"""Looks for leaks of memory and files: mixed load on a mock and the recorder in front of it.

Eight clients at once request JSON, streams, embeddings and uploads. Some disconnect in the middle
of a stream, reset their connections, send garbage, or are killed. Complete responses are compared
with the expected ones, and each call through the recorder must have its file. The output shows the
memory and the descriptors of both processes after each tenth of the work, and every failure.
Arguments: number of actions (36000, which take about ten minutes), and a seed (1).

The clients do a fixed amount of work, and pause for each sample; before it, the journals of both
processes are filled with equal calls. So the speed of the machine, the requests under way and the
calls that the journals happen to hold make no difference.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import IO, Any, NamedTuple

from attacks import CHAT, EMBEDDINGS, build_request, read_memory
from uploads import compute_digest, download, upload

CLIENTS = 8
TEXT = "word " * 200
PROMPT = "word " * 4000  # makes each request large enough to show in the memory if it is kept
UPLOAD = 2_000_000
TIMEOUT = 30.0
KEEP_CALLS = 200  # calls in each journal
ROUNDS = 10

SERVER = f"""
import sys
from openai_mockserver import MockOpenAI, Pace, Reply
from openai_mockserver.faults import reset
from openai_mockserver.generate import generate

with MockOpenAI(
    default=lambda request: generate(request.json, "0"),
    keep_calls={KEEP_CALLS},
    keep_bytes=16 << 20,
) as mock:
    mock.on(user="whole").reply(Reply({TEXT!r}))
    mock.on(user="paced").reply(Reply({TEXT!r}), pace=Pace(0.0, 0.002))
    mock.on(user="reset").reply(Reply({TEXT!r}), faults=[reset(after=9)])
    print(mock.base_url.removesuffix("/v1").rpartition(":")[2], flush=True)
    sys.stdin.read()
"""

RECORDER = f"""
from importlib import import_module

import_module("openai_mockserver.cli.record").KEEP_CALLS = {KEEP_CALLS}
import_module("openai_mockserver.cli").main()
"""

CLIENT = """
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.sendall(sys.stdin.buffer.read())
while client.recv(100):
    print(flush=True)
"""


class Sample(NamedTuple):
    """MB of memory and descriptors of the two processes, ``at`` seconds after the start."""

    at: float
    memory: tuple[float, ...]
    descriptors: tuple[int, ...]


class Result(NamedTuple):
    """The result of a soak: samples, how often each action ran, and the failures."""

    samples: list[Sample]
    counts: Counter[str]
    failures: list[str]


@contextmanager
def start_process(log: IO[str], *command: str) -> Iterator[tuple[int, str]]:
    """Start a process that prints a line when it is ready; yield its id and the line."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.pid, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def build_chat(user: str, **more: Any) -> bytes:
    messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": user}]
    return json.dumps({"model": "gpt-4o", "messages": messages} | more).encode()


def count_descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


# What clients do


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)


def read_whole(client: socket.socket) -> bytes:
    """Read a response, and return its body, which has a length or is chunked."""
    data = bytearray()
    while block := client.recv(65536):
        data += block
        head, split, body = bytes(data).partition(b"\r\n\r\n")
        if not split:
            continue
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        if length and len(body) >= int(length):
            return body
        if not length and body.endswith(b"\r\n0\r\n\r\n"):
            return decode_chunks(body)
    raise AssertionError(f"the response ended early, after {len(data)} bytes")


def decode_chunks(body: bytes) -> bytes:
    """Return a body without its chunked framing."""
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        parts.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(parts)


def read_text(body: bytes) -> str:
    """Return the text of a stream's chunks."""
    lines = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: {")]
    choices = [choice for line in lines for choice in json.loads(line)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def read_json(port: int, rng: Random) -> None:
    with connect(port) as client:
        for _ in range(2):
            client.sendall(build_request(CHAT, build_chat("whole")))
            text = json.loads(read_whole(client))["choices"][0]["message"]["content"]
            assert text == TEXT, f"{len(text)} characters"


def read_stream(port: int, rng: Random) -> None:
    with connect(port) as client:
        client.sendall(build_request(CHAT, build_chat(rng.choice(("whole", "paced")), stream=True)))
        text = read_text(read_whole(client))
        assert text == TEXT, f"{len(text)} characters"


def leave(port: int, rng: Random) -> None:
    with connect(port) as client:
        client.sendall(build_request(CHAT, build_chat("paced", stream=True)))
        for _ in range(rng.randint(0, 5)):
            client.recv(400)
        if rng.random() < 0.5:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def be_killed(port: int, rng: Random) -> None:
    command = [sys.executable, "-S", "-E", "-c", CLIENT, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(build_request(CHAT, build_chat("paced", stream=True)))
        process.stdin.close()
        for _ in range(rng.randint(1, 5)):
            assert process.stdout.readline(), "the client received nothing before it was killed"
        process.kill()


def be_reset(port: int, rng: Random) -> None:
    data = b""
    with connect(port) as client, suppress(ConnectionError):
        client.sendall(build_request(CHAT, build_chat("reset", stream=True)))
        while block := client.recv(65536):
            data += block
        raise AssertionError("the stream ended without a reset")
    assert data.count(b"data: {") == 9, f"{data.count(b'data: {')} events"


def send_garbage(port: int, rng: Random) -> None:
    with connect(port) as client, suppress(ConnectionError):
        client.sendall(rng.randbytes(rng.randint(1, 3000)) + b"\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass


def embed(port: int, rng: Random) -> None:
    payload = {"model": "text-embedding-3-small", "input": ["Hi"] * rng.randint(1, 20)}
    with connect(port) as client:
        client.sendall(build_request(EMBEDDINGS, json.dumps(payload).encode()))
        assert len(json.loads(read_whole(client))["data"]) == len(payload["input"])


def generate_tools(port: int, rng: Random) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    with connect(port) as client:
        client.sendall(
            build_request(CHAT, build_chat(f"{rng.random()}", tools=[tool], tool_choice="required"))
        )
        assert json.loads(read_whole(client))["choices"][0]["message"]["tool_calls"]


def keep_file(port: int, rng: Random) -> None:
    size = UPLOAD + rng.randrange(1000)
    uploaded_size, id = upload(port, size, 1)
    assert uploaded_size == size
    assert download(port, id) == (size, compute_digest(size))
    with connect(port) as client:
        client.sendall(f"DELETE /v1/files/{id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert json.loads(read_whole(client))["deleted"]


_ON_BOTH = (read_json, read_stream, leave, be_killed, be_reset, send_garbage, embed, generate_tools)
_ON_MOCK = (keep_file,)
_ALWAYS_RECORDED = (read_json, read_stream, be_killed, be_reset, embed, generate_tools)


# The soak


class Soak:
    """Clients of a mock and a recorder.

    Args:
        ports: the ports of the mock and of the recorder in front of it.
        folder: the folder of recordings.
    """

    def __init__(self, ports: tuple[int, int], folder: Path) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.min_recordings = 0
        self._ports = ports
        self._folder = folder
        self._lock = threading.Lock()

    def be_client(self, rng: Random, number: int) -> None:
        """Run a number of actions, one after the other."""
        for _ in range(number):
            self.act(rng.choice((*_ON_BOTH, *_ON_MOCK)), rng)

    def act(self, action: Callable[[int, Random], None], rng: Random) -> None:
        """Run one action, and log its outcome."""
        is_recorded = action not in _ON_MOCK and rng.random() < 0.5
        place = "recorder" if is_recorded else "mock"
        try:
            action(self._ports[is_recorded], rng)
        except Exception as error:
            with self._lock:
                self.failures.append(f"{action.__name__} at the {place}: {error!r}")
        with self._lock:
            self.counts[action.__name__] += 1
            if is_recorded and action in _ALWAYS_RECORDED:
                self.min_recordings += 2 if action is read_json else 1

    def sweep(self) -> None:
        """Check that all recordings are complete, and remove their files."""
        for path in self._folder.glob("*.jsonl"):
            lines = path.read_bytes().splitlines()
            if b'"end"' not in lines[-1]:
                self.failures.append(f'{path.name} is incomplete: its last line has no "end"')
            self.counts["recordings"] += 1
            path.unlink()


def measure(actions: int, seed: int = 1, report: Callable[[Sample], None] | None = None) -> Result:
    """Load a mock and a recorder.

    Args:
        actions: how many actions the clients run in all.
        seed: seed for the actions of the clients.
        report: called with the sample after each tenth of the actions.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = stack.enter_context(tempfile.TemporaryFile("w+"))
        mock, line = stack.enter_context(start_process(log, sys.executable, "-c", SERVER))
        port = int(line)
        upstream = f"http://127.0.0.1:{port}/v1"
        record = [sys.executable, "-c", RECORDER, "record", "--port", "0", "-q"]
        record += ["--upstream", upstream, "-o", str(folder)]
        recorder, line = stack.enter_context(start_process(log, *record))
        ports = port, int(line.rpartition(":")[2].split("/")[0])
        soak = Soak(ports, folder)
        start = time.monotonic()

        def sample() -> Sample:
            memory = tuple(read_memory(pid, "VmRSS") for pid in (mock, recorder))
            descriptors = tuple(map(count_descriptors, (mock, recorder)))
            return Sample(time.monotonic() - start, memory, descriptors)

        rng = Random(seed)
        for action in (*_ON_BOTH, *_ON_MOCK) * 4:  # warm up
            soak.act(action, rng)
        fill_journals(ports)
        samples = [settle(sample)]
        rngs = [Random(f"{seed} {number}") for number in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as threads:
            for _ in range(ROUNDS):
                list(threads.map(soak.be_client, rngs, [actions // ROUNDS // CLIENTS] * CLIENTS))
                fill_journals(ports)
                samples.append(sample())
                soak.sweep()
                if report is not None:
                    report(samples[-1])
        samples.append(settle(sample, samples[0]))
        soak.sweep()
        if unfinished_files := list(folder.iterdir()):
            soak.failures.append(f"{len(unfinished_files)} recordings are unfinished")
        if soak.counts["recordings"] < soak.min_recordings:
            soak.failures.append(
                f"{soak.counts['recordings']} recordings, at least {soak.min_recordings} expected"
            )
        log.seek(0)
        soak.failures += [line.strip() for line in log if "Error" in line or "Exception" in line]
        return Result(samples, soak.counts, soak.failures)


def fill_journals(ports: tuple[int, int]) -> None:
    """Push all earlier calls out of the journals, and so remove their files on disk."""
    for port in ports:
        with connect(port) as connection:
            for _ in range(KEEP_CALLS):
                connection.sendall(build_request(CHAT, build_chat("whole")))
                read_whole(connection)


def settle(sample: Callable[[], Sample], before: Sample | None = None) -> Sample:
    """Return the sample with the fewest descriptors within the time in which connections close.

    Idle connections close after 4 s. With a sample from before, wait up to 30 s for its numbers.
    """
    least = sample()
    for _ in range(60 if before is None else 300):
        if before is not None and least.descriptors == before.descriptors:
            break
        time.sleep(0.1)
        least = min(least, sample(), key=lambda one: sum(one.descriptors))
    return least


def main() -> None:
    actions = int(sys.argv[1]) if len(sys.argv) > 1 else 36_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1

    def report(one: Sample) -> None:
        memory = " ".join(f"{size:7.1f}" for size in one.memory)
        descriptors = " ".join(f"{number:4}" for number in one.descriptors)
        print(f"{one.at:6.0f} s  {memory} MB  {descriptors} descriptors", flush=True)

    print("          mock recorder")
    result = measure(actions, seed, report)
    print("before and after:")
    report(result.samples[0])
    report(result.samples[-1])
    print(", ".join(f"{number} {name}" for name, number in result.counts.most_common()))
    print(f"{len(result.failures)} failures", *result.failures[:20], sep="\n")


if __name__ == "__main__":
    main()
