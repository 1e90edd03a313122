"""Measures streams at a model's pace: the delay of their events, and the cost of each stream.

Streams begin evenly over one second. The delay of an event is relative to the first event of its
stream and the pace. The load adds to it by reading many streams in one thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from measurements.limit import GAP, Limit, Times, list_due_times
from measurements.processes import Process
from measurements.servers import OURS, Server, serve_ours
from measurements.table import Goal, print_goals, print_table

__all__ = ["LIMIT", "SPREAD", "Pacing", "list_goals", "print_paced", "print_pacing"]

LIMIT = "C"
SPREAD = 1.0  # seconds in which the streams begin
COUNTS = (200, 1000, 5000)


class Pacing(NamedTuple):
    """The result of a measurement."""

    delay: Times
    first_bytes: Times
    cpu: float  # microseconds an event
    memory: float  # kB a stream
    arrived_share: float  # of all events, from 0 to 1
    seconds: float


def measure_pacing(
    limit: Limit, running: AbstractContextManager[Process], streams: int, due: list[float]
) -> Pacing:
    """Play ``streams`` streams on a server that has just been started."""
    patience = 5 * due[-1] + SPREAD
    with running as process:
        limit.measure_paced(process.port, 20, due, 0.1, 0.5)  # warm up
        memory, cpu = process.read_memory(), process.read_cpu_seconds()
        with process.watch_memory() as samples:
            results = limit.measure_paced(process.port, streams, due, SPREAD, patience)
        return Pacing(
            results["late"],
            results["first_bytes"],
            (process.read_cpu_seconds() - cpu) / max(1, results["events"]) * 1e6,
            (max(samples) - memory) / streams / 1000,
            results["events"] / (streams * len(due)),
            results["seconds"],
        )


def print_paced(limit: Limit, peers: Sequence[Server], quick: bool) -> None:
    """Measure and print."""
    due = list_due_times(limit.events, GAP)
    # A peer waits before each event, and sends [DONE] with the last.
    plain = [GAP * min(n, limit.events - 2) for n in range(limit.events)]
    servers = [
        Server(LIMIT, lambda: limit.serve("paced", GAP)),
        Server(OURS, lambda: serve_ours(f"0,{GAP}")),
        *peers,
    ]
    results: dict[tuple[str, int], Pacing] = {}
    for count in COUNTS[:1] if quick else COUNTS:
        for server in servers:
            times = plain if server in peers else due
            results[server.name, count] = measure_pacing(limit, server.start(), count, times)
    title = (
        f"{limit.events} events, {GAP * 1000:.0f} ms apart; "
        f"the last is due {due[-1]:.1f} s after the first"
    )
    print_pacing("paced", "streams", title, results)
    print_goals(list_goals(results, "streams"))


def print_pacing(
    heading: str, counted: str, title: str, results: dict[tuple[str, int], Pacing]
) -> None:
    """Print a table with a row for each server and count."""
    rows = [
        (
            name,
            count,
            one.delay.p50,
            one.delay.p99,
            one.first_bytes.p99,
            f"{one.arrived_share:.1%}",
            one.seconds,
            one.cpu,
            one.memory,
        )
        for (name, count), one in results.items()
    ]
    columns = [
        heading,
        counted,
        "late p50 ms",
        "late p99 ms",
        "first byte p99 ms",
        "arrived",
        "seconds",
        "CPU µs an event",
        f"kB a {counted[:-1]}",
    ]
    print_table(title, columns, rows)


def list_goals(results: dict[tuple[str, int], Pacing], counted: str) -> Iterator[Goal]:
    """Yield the goals of our own results, for streams or sessions."""
    bounds = {200: (1, 5), 1000: (2, 20), 5000: (300, None)}
    for (name, count), one in results.items():
        if name != OURS:
            continue
        p50, p99 = bounds[count]
        yield Goal(f"{count:,} {counted}, late p50", one.delay.p50, p50, " ms")
        if p99 is not None:
            yield Goal(f"{count:,} {counted}, late p99", one.delay.p99, p99, " ms")
        if count == 1000:
            ratio = one.cpu / results[LIMIT, count].cpu
            yield Goal(f"{count:,} {counted}, CPU against {LIMIT}", ratio, 2, " ×")
        if count == 5000:
            share = one.arrived_share
            yield Goal(f"{count:,} {counted}, events that arrived", share, 1, is_minimum=True)
