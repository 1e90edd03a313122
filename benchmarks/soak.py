"""Mixed load for ten minutes, on a mock and on a recorder before it: is memory flat, is all there?

Eight clients at once ask for JSON, streams, embeddings and uploads; they leave in the middle, reset
their connections, send what is no HTTP, and are killed. What is read whole is compared with what
was to come, and each call through the recorder has its file. Told are the memory and descriptors of
both at each tenth of the time, and what went wrong. Arguments: seconds (600), and a seed (1).
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

from attacks import CHAT, EMBEDDINGS, memory_of, request
from uploads import digest_of, download, upload

CLIENTS = 8
TEXT = "word " * 200
UPLOAD = 2_000_000
TIMEOUT = 30.0
KEPT = 200  # calls

SERVER = f"""
import sys
from openai_mockserver import MockOpenAI, Pace, Reply
from openai_mockserver.faults import reset
from openai_mockserver.generate import generate

with MockOpenAI(
    default=lambda request: generate(request.json, "0"), keep_calls={KEPT}, keep_bytes=16 << 20
) as mock:
    mock.on(user="whole").reply(Reply({TEXT!r}))
    mock.on(user="paced").reply(Reply({TEXT!r}), pace=Pace(0.0, 0.002))
    mock.on(user="reset").reply(Reply({TEXT!r}), faults=[reset(after=9)])
    print(mock.base_url.removesuffix("/v1").rpartition(":")[2], flush=True)
    sys.stdin.read()
"""

KILLED = """
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.sendall(sys.stdin.buffer.read())
while client.recv(100):
    print(flush=True)
"""


class Sample(NamedTuple):
    """What two processes have, seconds after the beginning: MB of memory, and descriptors."""

    at: float
    memory: tuple[float, ...]
    descriptors: tuple[int, ...]


class Result(NamedTuple):
    """What a soak showed: samples, how often each thing was done, and what went wrong."""

    samples: list[Sample]
    done: Counter[str]
    wrong: list[str]


@contextmanager
def run(log: IO[str], *command: str) -> Iterator[tuple[int, str]]:
    """A process that says one line when it is ready: its id, and the line."""
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True)
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        yield running.pid, running.stdout.readline()
    finally:
        running.kill()
        running.communicate()


def ask(user: str, **more: Any) -> bytes:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": user}]} | more
    return json.dumps(body).encode()


def count_descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


# What clients do


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)


def read_whole(client: socket.socket) -> bytes:
    """A response's body, which has a length or ends with the last chunk."""
    got = bytearray()
    while more := client.recv(65536):
        got += more
        head, split, body = bytes(got).partition(b"\r\n\r\n")
        if not split:
            continue
        length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
        if length and len(body) >= int(length):
            return body
        if not length and body.endswith(b"\r\n0\r\n\r\n"):
            return without_chunks(body)
    raise AssertionError(f"broken off after {len(got)} bytes")


def without_chunks(body: bytes) -> bytes:
    """A body without HTTP's chunks around its parts."""
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        parts.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(parts)


def said_in(body: bytes) -> str:
    """The text of a stream's chunks."""
    lines = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: {")]
    choices = [choice for line in lines for choice in json.loads(line)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def read_json(port: int, rng: Random) -> None:
    with connect(port) as client:
        for _ in range(2):
            client.sendall(request(CHAT, ask("whole")))
            said = json.loads(read_whole(client))["choices"][0]["message"]["content"]
            assert said == TEXT, f"{len(said)} characters"


def read_stream(port: int, rng: Random) -> None:
    with connect(port) as client:
        client.sendall(request(CHAT, ask(rng.choice(("whole", "paced")), stream=True)))
        said = said_in(read_whole(client))
        assert said == TEXT, f"{len(said)} characters"


def leave(port: int, rng: Random) -> None:
    with connect(port) as client:
        client.sendall(request(CHAT, ask("paced", stream=True)))
        for _ in range(rng.randint(0, 5)):
            client.recv(400)
        if rng.random() < 0.5:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def be_killed(port: int, rng: Random) -> None:
    command = [sys.executable, "-S", "-E", "-c", KILLED, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(request(CHAT, ask("paced", stream=True)))
        running.stdin.close()
        for _ in range(rng.randint(1, 5)):
            assert running.stdout.readline(), "it got nothing"
        running.kill()


def be_reset(port: int, rng: Random) -> None:
    got = b""
    with connect(port) as client, suppress(ConnectionError):
        client.sendall(request(CHAT, ask("reset", stream=True)))
        while more := client.recv(65536):
            got += more
        raise AssertionError("it ended well")
    assert got.count(b"data: {") == 9, f"{got.count(b'data: {')} events"


def send_garbage(port: int, rng: Random) -> None:
    with connect(port) as client, suppress(ConnectionError):
        client.sendall(rng.randbytes(rng.randint(1, 3000)) + b"\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass


def embed(port: int, rng: Random) -> None:
    asked = {"model": "text-embedding-3-small", "input": ["Hi"] * rng.randint(1, 20)}
    with connect(port) as client:
        client.sendall(request(EMBEDDINGS, json.dumps(asked).encode()))
        assert len(json.loads(read_whole(client))["data"]) == len(asked["input"])


def generate_tools(port: int, rng: Random) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    with connect(port) as client:
        client.sendall(request(CHAT, ask(f"{rng.random()}", tools=[tool], tool_choice="required")))
        assert json.loads(read_whole(client))["choices"][0]["message"]["tool_calls"]


def keep_file(port: int, rng: Random) -> None:
    size = UPLOAD + rng.randrange(1000)
    told, id = upload(port, size, 1)
    assert told == size
    assert download(port, id) == (size, digest_of(size))
    with connect(port) as client:
        client.sendall(f"DELETE /v1/files/{id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert json.loads(read_whole(client))["deleted"]


_ON_BOTH = (read_json, read_stream, leave, be_killed, be_reset, send_garbage, embed, generate_tools)
_ON_MOCK = (keep_file,)
_SURE = (read_json, read_stream, be_killed, be_reset, embed, generate_tools)  # recordings


# The soak


class Soak:
    """Clients on a mock and a recorder.

    Args:
        ports: of the mock, and of the recorder before it.
        folder: the recorder's.
        seed: for what clients do.
    """

    def __init__(self, ports: tuple[int, int], folder: Path, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.expected = 0  # recordings at least
        self._ports = ports
        self._folder = folder
        self._seed = seed
        self._lock = threading.Lock()

    def be_client(self, number: int, until: float) -> None:
        """Do one thing after the other."""
        rng = Random(f"{self._seed} {number}")
        while time.monotonic() < until:
            self.act(rng.choice((*_ON_BOTH, *_ON_MOCK)), rng)

    def act(self, action: Callable[[int, Random], None], rng: Random) -> None:
        """Do one thing, and note how it went."""
        recorded = action not in _ON_MOCK and rng.random() < 0.5
        where = "recorder" if recorded else "mock"
        try:
            action(self._ports[recorded], rng)
        except Exception as error:
            with self._lock:
                self.wrong.append(f"{action.__name__} on the {where}: {error!r}")
        with self._lock:
            self.done[action.__name__] += 1
            if recorded and action in _SURE:
                self.expected += 2 if action is read_json else 1

    def sweep(self) -> None:
        """Look whether recordings are whole files, and remove them."""
        for path in self._folder.glob("*.jsonl"):
            lines = path.read_bytes().splitlines()
            if b'"end"' not in lines[-1]:
                self.wrong.append(f"{path.name} has no end")
            self.done["recordings"] += 1
            path.unlink()


def measure(seconds: float, seed: int = 1, tell: Callable[[Sample], None] | None = None) -> Result:
    """Load a mock and a recorder for a time, in seconds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = stack.enter_context(tempfile.TemporaryFile("w+"))
        mock, line = stack.enter_context(run(log, sys.executable, "-c", SERVER))
        port = int(line)
        upstream = f"http://127.0.0.1:{port}/v1"
        record = [sys.executable, "-m", "openai_mockserver", "record", "--port", "0", "-q"]
        record += ["--upstream", upstream, "-o", str(folder)]
        recorder, line = stack.enter_context(run(log, *record))
        ports = port, int(line.rpartition(":")[2].split("/")[0])
        soak = Soak(ports, folder, seed)
        began = time.monotonic()

        def sample() -> Sample:
            memory = tuple(memory_of(pid, "VmRSS") for pid in (mock, recorder))
            descriptors = tuple(map(count_descriptors, (mock, recorder)))
            return Sample(time.monotonic() - began, memory, descriptors)

        warm = Random(seed)
        for action in (*_ON_BOTH, *_ON_MOCK) * 4:  # what is loaded once
            soak.act(action, warm)
        samples = [settle(sample)]
        with ThreadPoolExecutor(CLIENTS) as threads:
            until = time.monotonic() + seconds
            clients = [threads.submit(soak.be_client, n, until) for n in range(CLIENTS)]
            for tenth in range(1, 11):
                time.sleep(max(0.0, until - seconds + seconds * tenth / 10 - time.monotonic()))
                samples.append(sample())
                soak.sweep()
                if tell is not None:
                    tell(samples[-1])
            for running in clients:
                running.result()
        with connect(port) as client:  # with what the last calls kept, files on disk are gone
            for _ in range(KEPT):
                client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
                read_whole(client)
        samples.append(settle(sample))
        soak.sweep()
        if left := list(folder.iterdir()):
            soak.wrong.append(f"{len(left)} recordings have not ended")
        if soak.done["recordings"] < soak.expected:
            soak.wrong.append(f"{soak.done['recordings']} recordings of {soak.expected}")
        log.seek(0)
        soak.wrong += [line.strip() for line in log if "Error" in line or "Exception" in line]
        return Result(samples, soak.done, soak.wrong)


def settle(sample: Callable[[], Sample]) -> Sample:
    """A sample of when all connections have gone: the least of descriptors within five seconds."""
    least = sample()
    for _ in range(50):
        time.sleep(0.1)
        least = min(least, sample(), key=lambda one: sum(one.descriptors))
    return least


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1

    def tell(one: Sample) -> None:
        memory = " ".join(f"{size:7.1f}" for size in one.memory)
        descriptors = " ".join(f"{number:4}" for number in one.descriptors)
        print(f"{one.at:6.0f} s  {memory} MB  {descriptors} descriptors", flush=True)

    print("          mock recorder")
    result = measure(seconds, seed, tell)
    print("before and after:")
    tell(result.samples[0])
    tell(result.samples[-1])
    print(", ".join(f"{number} {name}" for name, number in result.done.most_common()))
    print(f"{len(result.wrong)} went wrong", *result.wrong[:20], sep="\n")


if __name__ == "__main__":
    main()
