"""Measures 8 uploads at once to a server in a separate process, and their downloads.

The output shows the seconds, the growth of the server's peak memory, and the longest
delay of an event in a stream of 10 ms events, relative to the same stream of an idle server.
Arguments: MB of each upload (500), and their number (8). Goal: at most 200 MB of memory.
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from attacks import Ticks, read_memory, start_server

MB = 1_000_000
BLOCK = bytes(range(256)) * 400  # about 100 kB


class Cost(NamedTuple):
    """The cost of uploads: seconds, MB of memory, and delay in ms."""

    seconds: float
    memory: float
    late: float


def upload(port: int, size: int, number: int) -> tuple[int, str]:
    """Upload a file; return its size as the server reports it, and its id."""
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{number}"\r\n\r\n'
    tail = '\r\n--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n'
    lines = [
        "POST /v1/files HTTP/1.1",
        "Host: localhost",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {len(head) + size + len(tail)}",
    ]
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall("\r\n".join([*lines, "", head]).encode())
        for at in range(0, size, len(BLOCK)):
            client.sendall(BLOCK[: size - at])
        client.sendall(tail.encode())
        _, _, body = read_response(client)
    file = json.loads(body)
    return file["bytes"], file["id"]


def download(port: int, id: str) -> tuple[int, str]:
    """Download a file; return its size and digest."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"GET /v1/files/{id}/content HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        size, digest, _ = read_response(client)
    return size, digest


def read_response(client: socket.socket) -> tuple[int, str, bytes]:
    """Read a response; return the size and digest of its body, and its first bytes."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        assert more, data
        data += more
    head, _, first = data.partition(b"\r\n\r\n")
    assert b" 200 OK" in head, data[:1000]
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    digest, size = hashlib.blake2b(first), len(first)
    while size < length and (more := client.recv(1 << 18)):
        digest.update(more)
        size += len(more)
        first += more if len(first) < 1000 else b""
    return size, digest.hexdigest(), first


def compute_digest(size: int) -> str:
    """Return the digest of an uploaded file of ``size`` bytes."""
    digest = hashlib.blake2b()
    for at in range(0, size, len(BLOCK)):
        digest.update(BLOCK[: size - at])
    return digest.hexdigest()


def measure(size: int, number: int) -> Cost:
    """Return the cost of a number of uploads at once, each of ``size`` bytes."""
    size_and_digest = size, compute_digest(size)
    with ExitStack() as stack:
        pid, port = stack.enter_context(start_server())
        _, calm = stack.enter_context(start_server())
        threads = stack.enter_context(ThreadPoolExecutor(number))
        ticks, others = stack.enter_context(Ticks(port)), stack.enter_context(Ticks(calm))
        assert ticks.start_event.wait(10)
        assert others.start_event.wait(10)
        upload(port, 1, 0)  # warm up
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        memory, start = read_memory(pid, "VmRSS"), time.perf_counter()
        ids = []
        for uploaded_size, id in threads.map(lambda n: upload(port, size, n), range(number)):
            assert uploaded_size == size
            ids.append(id)
        for result in threads.map(lambda id: download(port, id), ids):
            assert result == size_and_digest
        seconds = time.perf_counter() - start
        late = max(0.0, ticks.get_delay(start) - others.get_delay(start))
        return Cost(seconds, read_memory(pid, "VmHWM") - memory, late * 1000)


def main() -> None:
    sizes = [int(argument) for argument in sys.argv[1:]] + [500, 8][len(sys.argv) - 1 :]
    cost = measure(sizes[0] * MB, sizes[1])
    print(
        f"{sizes[1]} uploads of {sizes[0]} MB: {cost.seconds:.1f} s, "
        f"{cost.memory:.0f} MB of memory, {cost.late:.0f} ms late"
    )


if __name__ == "__main__":
    main()
