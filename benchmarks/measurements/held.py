"""Measures open, silent streams: their memory, and what they leave behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from measurements.limit import Limit
from measurements.processes import Process, raise_descriptor_limit
from measurements.servers import OURS, Server, serve_ours
from measurements.table import Goal, print_goals, print_table

__all__ = ["print_held"]

LIMIT = "C"
STREAMS, FEW = 10_000, 500
SILENCE = 600.0  # seconds between two events
HOLD = 2.0  # seconds for which all are open
MB = 1_000_000


class Held(NamedTuple):
    """The result of a measurement."""

    memory: int  # bytes by which the server grew
    whole: int  # bytes of the server in all
    lost_streams: int
    leaked_descriptors: int  # descriptors still open after all clients had left


def measure_held(limit: Limit, process: Process, streams: int) -> Held:
    """Hold ``streams`` streams open, then let all clients leave."""
    fresh = process.count_descriptors()
    with limit.hold(process.port, 20):
        pass
    wait_for_descriptors(process, fresh, 1)
    descriptors, memory = process.count_descriptors(), process.read_memory()
    with limit.hold(process.port, streams) as results:
        time.sleep(HOLD)
        whole = process.read_memory()
    leaked_descriptors = wait_for_descriptors(process, descriptors) - descriptors
    return Held(whole - memory, whole, streams - results["open"], leaked_descriptors)


def wait_for_descriptors(process: Process, target: int, seconds: float = 10) -> int:
    """Wait until a server has at most ``target`` descriptors; return how many it has."""
    end = time.monotonic() + seconds
    while (count := process.count_descriptors()) > target and time.monotonic() < end:
        time.sleep(0.05)
    return count


def print_held(limit: Limit, quick: bool) -> None:
    """Measure and print."""
    streams = min(FEW if quick else STREAMS, raise_descriptor_limit() - 200)
    servers = [
        Server(LIMIT, lambda: limit.serve("paced", SILENCE)),
        Server(OURS, lambda: serve_ours(f"0,{SILENCE}")),
    ]
    results: dict[str, Held] = {}
    for server in servers:
        with server.start() as process:
            results[server.name] = measure_held(limit, process, streams)
    rows = [
        (
            name,
            one.memory / streams / 1000,
            one.whole / MB,
            one.lost_streams,
            one.leaked_descriptors,
        )
        for name, one in results.items()
    ]
    columns = ["held", "kB a stream", "MB in all", "streams lost", "descriptors left open"]
    print_table(f"{streams:,} streams held open", columns, rows)
    print_goals(list_goals(results[OURS], streams))


def list_goals(ours: Held, streams: int) -> Iterator[Goal]:
    yield Goal("memory a held stream", ours.memory / streams / 1000, 20, " kB")
    yield Goal(f"memory with {streams:,} streams", ours.whole / MB, 250, " MB")
    yield Goal("streams lost", ours.lost_streams, 0)
    yield Goal("descriptors left open", ours.leaked_descriptors, 0)
