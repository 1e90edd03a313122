"""Measures the time from the start of `serve` to its first answer."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from statistics import median

from measurements.limit import REQUEST
from measurements.processes import SERVER_CORE, find_free_port, pin_to
from measurements.table import Goal, print_goals, print_table

__all__ = ["print_startup"]


def measure_start(*options: str) -> tuple[float, float]:
    """Return the seconds until `serve` answers a request, and those that Python alone takes."""
    port = find_free_port()
    command = [sys.executable, "-m", "openai_mockserver", "serve", "--port", str(port), "--quiet"]
    with pin_to(SERVER_CORE):
        start = time.perf_counter()
        process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL)
        try:
            while process.poll() is None:
                try:
                    client = socket.create_connection(("127.0.0.1", port))
                except ConnectionRefusedError:
                    time.sleep(0.002)
                    continue
                with client:
                    client.sendall(REQUEST)
                    assert client.recv(65536).startswith(b"HTTP/1.1 200")
                    duration = time.perf_counter() - start
                break
            else:
                raise RuntimeError(f"serve ended with {process.returncode}")
        finally:
            process.kill()
            process.wait()
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", ""], check=True)
        return duration, time.perf_counter() - start


def print_startup(quick: bool) -> None:
    """Measure and print."""
    measure_start("--pace", "none")  # fill the page cache
    times = [measure_start("--pace", "none") for _ in range(2 if quick else 7)]
    ours, python = (median(each) for each in zip(*times, strict=True))
    rows = [("`serve`, to its first answer", ours), ("`python -c ''`, to its end", python)]
    print_table("Start", ["start", "seconds"], rows)
    print_goals([Goal("start of serve", ours, 0.6, " s")])
