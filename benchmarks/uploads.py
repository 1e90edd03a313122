"""What uploads take: 8 at once, to a server in a process of its own, and each served back.

Told are the seconds, by how much the server's peak of memory grew, and by how much the latest event
of a stream of 10 ms events beside them was later than that of another server, which is left alone.
Arguments: MB of each upload (500), and how many there are (8). Goal: 200 MB of memory at most.
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

from attacks import Ticks, memory_of, server

MB = 1_000_000
BLOCK = bytes(range(256)) * 400  # about 100 kB


class Cost(NamedTuple):
    """What uploads cost: seconds, MB of memory, and lateness in ms."""

    seconds: float
    memory: float
    late: float


def upload(port: int, size: int, number: int) -> tuple[int, str]:
    """Send a file; gives its size as the server tells it, and its id."""
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
        _, _, body = read(client)
    told = json.loads(body)
    return told["bytes"], told["id"]


def download(port: int, id: str) -> tuple[int, str]:
    """Read a file; gives its size and digest."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"GET /v1/files/{id}/content HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        size, digest, _ = read(client)
    return size, digest


def read(client: socket.socket) -> tuple[int, str, bytes]:
    """A response's size, its digest, and the first of its bytes."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = client.recv(65536)
        assert more, got
        got += more
    head, _, first = got.partition(b"\r\n\r\n")
    assert b" 200 OK" in head, got[:1000]
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    digest, size = hashlib.blake2b(first), len(first)
    while size < length and (more := client.recv(1 << 18)):
        digest.update(more)
        size += len(more)
        first += more if len(first) < 1000 else b""
    return size, digest.hexdigest(), first


def digest_of(size: int) -> str:
    """The digest of what was uploaded."""
    digest = hashlib.blake2b()
    for at in range(0, size, len(BLOCK)):
        digest.update(BLOCK[: size - at])
    return digest.hexdigest()


def measure(size: int, number: int) -> Cost:
    """Measure what a number of uploads at once, each of ``size`` bytes, cost."""
    wanted = size, digest_of(size)
    with ExitStack() as stack:
        pid, port = stack.enter_context(server())
        _, calm = stack.enter_context(server())
        threads = stack.enter_context(ThreadPoolExecutor(number))
        ticks, others = stack.enter_context(Ticks(port)), stack.enter_context(Ticks(calm))
        assert ticks.begun.wait(10)
        assert others.begun.wait(10)
        upload(port, 1, 0)  # what is loaded once
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        memory, began = memory_of(pid, "VmRSS"), time.perf_counter()
        ids = []
        for told, id in threads.map(lambda n: upload(port, size, n), range(number)):
            assert told == size
            ids.append(id)
        for got in threads.map(lambda id: download(port, id), ids):
            assert got == wanted
        seconds = time.perf_counter() - began
        late = max(0.0, ticks.late(began) - others.late(began))
        return Cost(seconds, memory_of(pid, "VmHWM") - memory, late * 1000)


def main() -> None:
    sizes = [int(argument) for argument in sys.argv[1:]] + [500, 8][len(sys.argv) - 1 :]
    cost = measure(sizes[0] * MB, sizes[1])
    print(
        f"{sizes[1]} uploads of {sizes[0]} MB: {cost.seconds:.1f} s, "
        f"{cost.memory:.0f} MB of memory, {cost.late:.0f} ms late"
    )


if __name__ == "__main__":
    main()
