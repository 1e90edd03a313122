"""Measures `serve --workers`: what more processes bring, and how streams spread over them.

The figures are those of all processes of a server together. Memory that they share is counted once
(proportional set size). The load needs a core of its own, so with as many workers as cores it takes
part of one from them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from measurements.held import SILENCE
from measurements.limit import GAP, Limit, list_due_times
from measurements.paced import Pacing, measure_pacing
from measurements.processes import LOAD_CORE, Process, raise_descriptor_limit
from measurements.servers import serve_ours
from measurements.table import print_table
from measurements.throughput import Cost, measure_cost

__all__ = ["list_counts", "print_workers"]

HELD, FEW_HELD = 10_000, 500
PACED, FEW_PACED = 1000, 100  # streams for each worker
HOLD = 2.0  # seconds for which all are open


class Group(Process):
    """The processes of a server: the first one, and those that it has started."""

    def __init__(self, first: Process) -> None:
        self.pid, self.port = first.pid, first.port
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        self.workers = [_SingleProcess(int(pid), self.port) for pid in children.split()]
        self._all = [first, *self.workers]

    def read_cpu_seconds(self) -> float:
        return sum(one.read_cpu_seconds() for one in self._all)

    def read_memory(self) -> int:
        return sum(_read_proportional_memory(one.pid) for one in self._all)

    def count_descriptors(self) -> int:
        return sum(one.count_descriptors() for one in self._all)

    def spread(self) -> None:
        """Let the processes run on all cores but that of the load, if there are enough."""
        cores = sorted(os.sched_getaffinity(0))
        free = [core for core in cores if core != cores[min(LOAD_CORE, len(cores) - 1)]]
        enough = free if len(free) >= len(self.workers) else cores
        for one in self._all:
            for task in Path(f"/proc/{one.pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), enough)


class _SingleProcess(Process):
    def __init__(self, pid: int, port: int) -> None:
        self.pid, self.port = pid, port


def _read_proportional_memory(pid: int) -> int:
    """Return the resident bytes of a process; of those that n processes share, one nth."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(rollup.partition("\nPss:")[2].split()[0]) * 1024


@contextmanager
def serve_workers(count: int, pace: str = "none") -> Iterator[Group]:
    """Run `openai-mockserver serve` with a number of workers."""
    with serve_ours(pace, "--workers", str(count)) as first:
        group = Group(first)
        group.spread()
        yield group


class Spread(NamedTuple):
    """Streams that are held open: how many each worker has, and the bytes of all processes."""

    by_worker: list[int]
    memory: int


def measure_spread(limit: Limit, group: Group, streams: int) -> Spread:
    """Hold streams open, and count the connections of each worker."""
    members: Sequence[Process] = group.workers or [group]
    before = [member.count_descriptors() for member in members]
    with limit.hold(group.port, streams) as results:
        time.sleep(HOLD)
        pairs = zip(members, before, strict=True)
        by_worker = [member.count_descriptors() - count for member, count in pairs]
        memory = group.read_memory()
    if results["open"] != streams:
        raise RuntimeError(f"{streams - results['open']} of {streams} streams were lost")
    return Spread(by_worker, memory)


def list_counts(cores: int) -> list[int]:
    """Return the numbers of workers to measure: 1, 2, 4 and so on, up to the cores but one.

    >>> list_counts(2), list_counts(9)
    ([1, 2], [1, 2, 4, 8])
    """
    return [1, 2, *(count for count in (4, 8, 16, 32) if count < cores)]


def print_workers(limit: Limit, counts: Sequence[int], quick: bool) -> None:
    """Measure and print."""
    due = list_due_times(limit.events, GAP)
    held = min(FEW_HELD if quick else HELD, raise_descriptor_limit() - 200)
    costs: dict[int, Cost] = {}
    paces: dict[int, Pacing] = {}
    spreads: dict[int, Spread] = {}
    for count in counts:
        with serve_workers(count) as group:
            measure_cost(limit, group, 0.5 if quick else 3)  # warm up
            costs[count] = measure_cost(limit, group, 0.5 if quick else 5)
        streams = count * (FEW_PACED if quick else PACED)
        paces[count] = measure_pacing(limit, serve_workers(count, f"0,{GAP}"), streams, due)
        with serve_workers(count, f"0,{SILENCE}") as group:
            spreads[count] = measure_spread(limit, group, held)
    print_table(
        f"Streams of {limit.events} events without pauses",
        ["workers", "requests/s", "× one worker", "CPU µs an event", "p50 ms", "p99 ms"],
        [
            (n, one.rate, one.rate / costs[counts[0]].rate, one.cpu, one.whole.p50, one.whole.p99)
            for n, one in costs.items()
        ],
    )
    print_table(
        f"Streams of {limit.events} events, {GAP * 1000:.0f} ms apart",
        [
            "workers",
            "streams",
            "late p50 ms",
            "late p99 ms",
            "arrived",
            "CPU % a stream",
            "kB a stream",
        ],
        [
            (
                n,
                n * (FEW_PACED if quick else PACED),
                one.delay.p50,
                one.delay.p99,
                f"{one.arrived_share:.1%}",
                one.cpu / GAP / 1e6 * 100,
                one.memory,
            )
            for n, one in paces.items()
        ],
    )
    print_table(
        f"{held:,} streams held open",
        ["workers", "fewest in a worker", "most in a worker", "MB in all"],
        [
            (n, min(one.by_worker), max(one.by_worker), one.memory / 1e6)
            for n, one in spreads.items()
        ],
    )
