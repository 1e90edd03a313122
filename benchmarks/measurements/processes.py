"""Starts processes on separate cores, and measures them.

The kernel counts the CPU time and memory: for all threads of a process, but not for its client.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "Process",
    "find_free_port",
    "pin_to",
    "raise_descriptor_limit",
    "start_server",
    "wait_for_port",
]

SERVER_CORE, LOAD_CORE = 0, 1


def raise_descriptor_limit() -> int:
    """Raise the limit of open files to its maximum, also for child processes; return it."""
    maximum = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (maximum, maximum))
    return maximum


@contextmanager
def pin_to(core: int) -> Iterator[None]:
    """Run processes that are started in this context on one core, if the machine has several."""
    affinity = os.sched_getaffinity(0)
    cores = sorted(affinity)
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, affinity)


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[Any], seconds: float = 60) -> None:
    """Wait until a server accepts connections."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"{process.args!r} does not answer: exit code {process.poll()}")


class Process:
    """A running server, and its cost."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.pid = process.pid
        self.port = port

    def read_cpu_seconds(self) -> float:
        """Return the CPU seconds of all threads, even ended ones, in user and kernel mode."""
        # The clock of clock_getcpuclockid(3), because /proc counts hundredths of a second.
        return time.clock_gettime(~self.pid << 3 | 2)

    def read_memory(self) -> int:
        """Return the resident bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def count_descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    @contextmanager
    def watch_memory(self) -> Iterator[list[int]]:
        """Read the memory every 50 ms in this context; yield the growing list."""
        samples, end_event = [self.read_memory()], threading.Event()

        def sample() -> None:
            while not end_event.wait(0.05):
                samples.append(self.read_memory())

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            yield samples
        finally:
            end_event.set()
            thread.join()


@contextmanager
def start_server(command: Sequence[str | Path], port: int | None = None) -> Iterator[Process]:
    """Start a server on its core. Without a port, read it from the first line that it prints."""
    output = subprocess.PIPE if port is None else subprocess.DEVNULL
    with pin_to(SERVER_CORE):
        process = subprocess.Popen([*map(str, command)], stdout=output, text=True)
    try:
        if port is None:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{process.args!r} does not start")
            port = _find_port(line)
        wait_for_port(port, process)
        yield Process(process, port)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _find_port(line: str) -> int:
    """Return the port in a line that holds only a port, or a URL with 127.0.0.1."""
    _, marker, rest = line.partition("127.0.0.1:")
    return int((rest if marker else line).split("/")[0])
