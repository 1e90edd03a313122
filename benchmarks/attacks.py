"""Measures what one request can do to a server, and to a stream of 10 ms events beside it.

Each request of `ATTACKS` is sent to a new server process. The output shows the CPU seconds of that
process, the growth of its peak memory, and the longest delay of an event of the stream. The delay
is relative to an equal stream of a second, idle server, because other load on the machine delays
both. Arguments choose attacks by name. Goal: a delay of at most 25 ms, or of 40 ms for the message
of 30 MB.
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


def make_chat(content: str = "Hi", **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": content}]} | more


def make_schema_request(schema: Any, **more: Any) -> dict[str, Any]:
    response_format = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    return make_chat(response_format=response_format, **more)


def make_tool_request(**parameters: Any) -> dict[str, Any]:
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    return make_chat(tools=[tool], tool_choice="required", n=128)


def nest_schema(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"allOf": [schema, schema]} if depth < 100 else {"allOf": [schema]}
    return schema


def share_all_of(depth: int) -> dict[str, Any]:
    """Return a schema whose definitions each refer to the next one twice: 2 to the depth paths."""
    levels = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(depth)}
    return {"$ref": "#/$defs/d0", "$defs": levels | {f"d{depth}": {"type": "string"}}}


MOVIE = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
WARM = {"model": "text-embedding-3-large", "input": "Hi"}
PROSE = "The quick brown fox jumps over the lazy dog. "

ATTACKS: dict[str, tuple[str, Callable[[], Any]]] = {
    "nothing": (CHAT, make_chat),
    "n-128-min-length": (
        CHAT,
        lambda: make_schema_request({"type": "string", "minLength": 900_000}, n=128),
    ),
    "n-128-prose": (CHAT, lambda: make_chat(n=128, logprobs=True, top_logprobs=20)),
    "n-128-tools": (CHAT, lambda: make_tool_request(type="string", minLength=400_000)),
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
        lambda: make_chat(
            prediction={"type": "content", "content": PROSE * 23_000},
            logprobs=True,
            top_logprobs=20,
        ),
    ),
    "prediction-repeated": (
        CHAT,
        lambda: make_chat(prediction={"type": "content", "content": "a b " * 5_000}),
    ),
    "moderations-100000": ("/v1/moderations", lambda: {"input": ["Hi"] * 100_000}),
    "conversation-100000": (
        "/v1/conversations",
        lambda: {"items": [{"type": "message", "role": "user", "content": "Hi"}] * 100_000},
    ),
    "unique-items": (
        CHAT,
        lambda: make_schema_request(
            {"type": "array", "items": MOVIE, "minItems": 3000, "uniqueItems": True}
        ),
    ),
    "all-of-25": (CHAT, lambda: make_schema_request(share_all_of(25))),
    "min-properties": (
        CHAT,
        lambda: make_schema_request({"type": "object", "minProperties": 50_000}),
    ),
    "many-enums": (
        CHAT,
        lambda: make_schema_request({"enum": list(range(20_000)), "not": {"const": -1}}),
    ),
    "grammar": (
        CHAT,
        lambda: make_chat(
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
    "message-1-mb": (CHAT, lambda: make_chat(PROSE * 23_000)),
    "message-10-mb": (CHAT, lambda: make_chat(PROSE * 230_000)),
    "message-10-mb-letters": (CHAT, lambda: make_chat("a" * 10_000_000)),
    "message-30-mb": (CHAT, lambda: make_chat(PROSE * 690_000)),
    "message-100-mb": (CHAT, lambda: make_chat(PROSE * 2_300_000)),
    "parts-100000": (CHAT, lambda: make_chat([{"type": "text", "text": "Hi"}] * 100_000)),  # type: ignore[arg-type]
    "messages-100000": (
        CHAT,
        lambda: make_chat() | {"messages": [{"role": "user", "content": "Hi"}] * 100_000},
    ),
    "response-input-100000": (
        "/v1/responses",
        lambda: {"model": "gpt-4o", "input": [{"role": "user", "content": "Hi"}] * 100_000},
    ),
}


class Cost(NamedTuple):
    """The cost of an attack: its status, seconds, CPU seconds, MB of memory, and delay in ms."""

    status: int
    seconds: float
    cpu: float
    memory: float
    late: float


@contextmanager
def start_server() -> Iterator[tuple[int, int]]:
    """Start a server; yield its process id and port."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.pid, int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def build_request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def read_cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_memory(pid: int, field: str) -> float:
    """Return the memory of a process in MB: ``VmRSS`` is its present size, ``VmHWM`` its peak."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


class Ticks(threading.Thread):
    """Reads a stream during the attack, and notes the arrival of each event."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.times: list[float] = []
        self.start_event = threading.Event()
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(build_request(CHAT, TICK))
        self.start()

    def run(self) -> None:
        with self._socket, suppress(ConnectionError):
            while read := self._socket.recv(65536):
                self.times += [time.perf_counter()] * read.count(b"\n\n\r\n")
                if len(self.times) > 20:
                    self.start_event.set()

    def __enter__(self) -> Ticks:
        return self

    def __exit__(self, *exc: object) -> None:
        with suppress(OSError):  # the server has closed it
            self._socket.shutdown(socket.SHUT_RDWR)
        self.join()

    def get_delay(self, since: float) -> float:
        """Return the longest delay, in seconds, of the events that arrived since a time."""
        first = self.times[1]
        due = [first + GAP * n for n in range(len(self.times) + 1)]
        pairs = list(zip(self.times[1:], due, strict=False))
        usual = min(at - then for at, then in pairs)
        missing = time.perf_counter() - due[len(pairs)] - usual  # the next event
        return max(missing, *(at - then - usual for at, then in pairs if at >= since), 0.0)


def measure(path: str, body: bytes) -> Cost:
    """Return the cost of a request to a new server."""
    with ExitStack() as stack:
        pid, port = stack.enter_context(start_server())
        _, calm = stack.enter_context(start_server())
        ticks, others = stack.enter_context(Ticks(port)), stack.enter_context(Ticks(calm))
        assert ticks.start_event.wait(10)
        assert others.start_event.wait(10)
        with socket.create_connection(("127.0.0.1", port)) as client:
            for path_, first in (
                (CHAT, make_chat(n=2)),
                (CHAT, make_schema_request(MOVIE)),
                (EMBEDDINGS, WARM),
            ):
                # Import and load everything before the attack.
                client.sendall(build_request(path_, json.dumps(first).encode()))
                read_answer(client)
        time.sleep(0.3)
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        memory, cpu, start = read_memory(pid, "VmRSS"), read_cpu_seconds(pid), time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(PATIENCE)
            with suppress(
                ConnectionError, TimeoutError
            ):  # the server may answer before the body ends
                client.sendall(build_request(path, body))
            try:
                status = read_answer(client)
            except (ConnectionError, TimeoutError):
                status = 0
        seconds = time.perf_counter() - start
        time.sleep(2 * GAP)
        return Cost(
            status,
            seconds,
            read_cpu_seconds(pid) - cpu,
            read_memory(pid, "VmHWM") - memory,
            max(0.0, ticks.get_delay(start) - others.get_delay(start)) * 1000,
        )


def read_answer(client: socket.socket) -> int:
    """Read a complete response, and return its status."""
    data = bytearray()
    while b"\r\n\r\n" not in data:
        read = client.recv(65536)
        if not read:
            return 0
        data += read
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    lengths = [ln for ln in head.lower().split(b"\r\n") if ln.startswith(b"content-length:")]
    remaining = int(lengths[0].partition(b":")[2]) - len(body)
    while remaining > 0 and (read := client.recv(1 << 20)):
        remaining -= len(read)
    return int(head.split()[1])


def main() -> None:
    names = sys.argv[1:] or list(ATTACKS)
    heads = ("body kB", 9), ("status", 6), ("s", 7), ("CPU s", 7), ("MB", 7), ("late ms", 8)
    print(f"{'attack':24} {' '.join(f'{head:>{width}}' for head, width in heads)}")
    for name in names:
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
