"""What one request can do to a server, and to a stream of 10 ms events beside it.

Each request of `ATTACKS` is sent to a server in a process of its own. Told are the CPU seconds that
its process took, how much its peak of memory grew, and by how much the latest event of the stream
was later than that of an equal stream of another server, which nobody attacks: what else runs on
the machine makes both late. Arguments choose attacks by name. Goal: 25 ms at most.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

CHAT, COMPLETIONS, EMBEDDINGS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
GAP = 0.01
PATIENCE = 30.0  # seconds
TICKS = 6000
TICK = json.dumps(
    {"model": "m", "stream": True, "messages": [{"role": "user", "content": "tick"}]}
).encode()

SERVER = f"""
import sys
from openai_mockserver import MockOpenAI, Pace, Reply
from openai_mockserver.generate import generate

with MockOpenAI(default=lambda request: generate(request.json, "0"), keep_calls=10) as mock:
    ticks = Reply(["tick"] * {TICKS}, finish_reason="stop")
    mock.on(user="tick").reply(ticks, pace=Pace(0.0, {GAP}))
    print(mock.base_url.removesuffix("/v1").rpartition(":")[2], flush=True)
    sys.stdin.read()
"""


def chat(content: str = "Hi", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": content}]} | more


def said_as(schema: Any, **more: Any) -> dict[str, Any]:
    told = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    return chat(response_format=told, **more)


def called(**parameters: Any) -> dict[str, Any]:
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    return chat(tools=[tool], tool_choice="required", n=128)


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"allOf": [schema, schema]} if depth < 100 else {"allOf": [schema]}
    return schema


def shared_all_of(depth: int) -> dict[str, Any]:
    """Each definition twice the one before: small to write, and 2 to the depth to follow."""
    levels = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(depth)}
    return {"$ref": "#/$defs/d0", "$defs": levels | {f"d{depth}": {"type": "string"}}}


MOVIE = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
WARM = {"model": "text-embedding-3-large", "input": "Hi"}
PROSE = "The quick brown fox jumps over the lazy dog. "

ATTACKS: dict[str, tuple[str, Callable[[], Any]]] = {
    "nothing": (CHAT, chat),
    "n-128-min-length": (CHAT, lambda: said_as({"type": "string", "minLength": 900_000}, n=128)),
    "n-128-prose": (CHAT, lambda: chat(n=128, logprobs=True, top_logprobs=20)),
    "n-128-tools": (CHAT, lambda: called(type="string", minLength=400_000)),
    "embeddings-2048": (
        EMBEDDINGS,
        lambda: {
            "model": "text-embedding-3-large",
            "input": [f"text {n}" for n in range(2048)],
            "encoding_format": "base64",
        },
    ),
    "embeddings-2048-floats": (
        EMBEDDINGS,
        lambda: {"model": "text-embedding-3-large", "input": [f"text {n}" for n in range(2048)]},
    ),
    "embeddings-tokens": (
        EMBEDDINGS,
        lambda: {"model": "text-embedding-3-small", "input": [PROSE * 20_000] * 20},
    ),
    "completions-100000": (
        COMPLETIONS,
        lambda: {"model": "gpt-3.5-turbo-instruct", "prompt": ["Hi"] * 100_000},
    ),
    "completions-echo": (
        COMPLETIONS,
        lambda: {
            "model": "gpt-3.5-turbo-instruct",
            "prompt": [PROSE * 20] * 20,
            "n": 128,
            "echo": True,
            "logprobs": 5,
        },
    ),
    "prediction-1-mb": (
        CHAT,
        lambda: chat(
            prediction={"type": "content", "content": PROSE * 23_000},
            logprobs=True,
            top_logprobs=20,
        ),
    ),
    "prediction-repeated": (
        CHAT,
        lambda: chat(prediction={"type": "content", "content": "a b " * 5_000}),
    ),
    "moderations-100000": ("/v1/moderations", lambda: {"input": ["Hi"] * 100_000}),
    "conversation-100000": (
        "/v1/conversations",
        lambda: {"items": [{"type": "message", "role": "user", "content": "Hi"}] * 100_000},
    ),
    "unique-items": (
        CHAT,
        lambda: said_as({"type": "array", "items": MOVIE, "minItems": 3000, "uniqueItems": True}),
    ),
    "all-of-25": (CHAT, lambda: said_as(shared_all_of(25))),
    "min-properties": (CHAT, lambda: said_as({"type": "object", "minProperties": 50_000})),
    "many-enums": (CHAT, lambda: said_as({"enum": list(range(20_000)), "not": {"const": -1}})),
    "grammar": (
        CHAT,
        lambda: chat(
            tools=[
                {
                    "type": "custom",
                    "custom": {
                        "name": "g",
                        "format": {
                            "type": "grammar",
                            "grammar": {"syntax": "lark", "definition": "start: /[ab]{900000}/"},
                        },
                    },
                }
            ],
            tool_choice="required",
            n=128,
        ),
    ),
    "message-1-mb": (CHAT, lambda: chat(PROSE * 23_000)),
    "message-10-mb": (CHAT, lambda: chat(PROSE * 230_000)),
    "message-10-mb-letters": (CHAT, lambda: chat("a" * 10_000_000)),
    "message-30-mb": (CHAT, lambda: chat(PROSE * 690_000)),
    "message-100-mb": (CHAT, lambda: chat(PROSE * 2_300_000)),
    "parts-100000": (CHAT, lambda: chat([{"type": "text", "text": "Hi"}] * 100_000)),  # type: ignore[arg-type]
    "messages-100000": (
        CHAT,
        lambda: chat() | {"messages": [{"role": "user", "content": "Hi"}] * 100_000},
    ),
    "response-input-100000": (
        "/v1/responses",
        lambda: {"model": "gpt-4o", "input": [{"role": "user", "content": "Hi"}] * 100_000},
    ),
}


class Cost(NamedTuple):
    """What an attack cost: its answer, CPU seconds, MB of memory, and lateness in ms."""

    status: int
    seconds: float
    cpu: float
    memory: float
    late: float


@contextmanager
def server() -> Iterator[tuple[int, int]]:
    """A server's process id and port."""
    running = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        yield running.pid, int(running.stdout.readline())
    finally:
        running.stdin.close()
        running.stdout.close()
        try:
            running.wait(5)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int, what: str) -> float:
    """Megabytes of a process: ``VmRSS`` now, ``VmHWM`` at most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


class Ticks(threading.Thread):
    """The stream beside: when each of its events came."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.times: list[float] = []
        self.begun = threading.Event()
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(request(CHAT, TICK))
        self.start()

    def run(self) -> None:
        with self._socket, suppress(ConnectionError):
            while read := self._socket.recv(65536):
                self.times += [time.perf_counter()] * read.count(b"\n\n\r\n")
                if len(self.times) > 20:
                    self.begun.set()

    def __enter__(self) -> Ticks:
        return self

    def __exit__(self, *exc: object) -> None:
        with suppress(OSError):  # the server has closed it
            self._socket.shutdown(socket.SHUT_RDWR)
        self.join()

    def late(self, since: float) -> float:
        """How late the latest event was that came since then, in seconds."""
        first = self.times[1]
        due = [first + GAP * n for n in range(len(self.times) + 1)]
        pairs = list(zip(self.times[1:], due, strict=False))
        usual = min(at - then for at, then in pairs)
        missing = time.perf_counter() - due[len(pairs)] - usual  # the one that is still to come
        return max(missing, *(at - then - usual for at, then in pairs if at >= since), 0.0)


def measure(path: str, body: bytes) -> Cost:
    """The cost of a request to a fresh server."""
    with ExitStack() as stack:
        pid, port = stack.enter_context(server())
        _, calm = stack.enter_context(server())
        ticks, others = stack.enter_context(Ticks(port)), stack.enter_context(Ticks(calm))
        assert ticks.begun.wait(10)
        assert others.begun.wait(10)
        with socket.create_connection(("127.0.0.1", port)) as client:
            for path_, first in ((CHAT, chat(n=2)), (CHAT, said_as(MOVIE)), (EMBEDDINGS, WARM)):
                # What is imported and loaded once is not the attack's.
                client.sendall(request(path_, json.dumps(first).encode()))
                answer(client)
        time.sleep(0.3)
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        memory, cpu, began = memory_of(pid, "VmRSS"), cpu_of(pid), time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(PATIENCE)
            with suppress(ConnectionError, TimeoutError):  # an answer before the body was read
                client.sendall(request(path, body))
            try:
                status = answer(client)
            except (ConnectionError, TimeoutError):
                status = 0
        seconds = time.perf_counter() - began
        time.sleep(2 * GAP)
        return Cost(
            status,
            seconds,
            cpu_of(pid) - cpu,
            memory_of(pid, "VmHWM") - memory,
            max(0.0, ticks.late(began) - others.late(began)) * 1000,
        )


def answer(client: socket.socket) -> int:
    """Read a whole answer; gives its status."""
    got = bytearray()
    while b"\r\n\r\n" not in got:
        read = client.recv(65536)
        if not read:
            return 0
        got += read
    head, _, body = bytes(got).partition(b"\r\n\r\n")
    lengths = [ln for ln in head.lower().split(b"\r\n") if ln.startswith(b"content-length:")]
    left = int(lengths[0].partition(b":")[2]) - len(body)
    while left > 0 and (read := client.recv(1 << 20)):
        left -= len(read)
    return int(head.split()[1])


def main() -> None:
    chosen = sys.argv[1:] or list(ATTACKS)
    heads = ("body kB", 9), ("status", 6), ("s", 7), ("CPU s", 7), ("MB", 7), ("late ms", 8)
    print(f"{'attack':24} {' '.join(f'{head:>{width}}' for head, width in heads)}")
    for name in chosen:
        path, make = ATTACKS[name]
        body = json.dumps(make()).encode()
        cost = measure(path, body)
        print(
            f"{name:24} {len(body) / 1000:9.1f} {cost.status:6} {cost.seconds:7.2f} {cost.cpu:7.2f}"
            f" {cost.memory:7.0f} {cost.late:8.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
