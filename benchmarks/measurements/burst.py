"""Measures a thousand requests at once: when the first bytes of each response arrive."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from measurements.limit import Limit, Times
from measurements.processes import Process
from measurements.servers import OURS, Server, serve_ours
from measurements.table import Goal, print_goals, print_table
from measurements.throughput import ONE_WRITE, measure_cost

__all__ = ["print_burst"]

REQUESTS = 1000
WARM_UP = 1.0  # seconds


def measure_burst(limit: Limit, process: Process, rounds: int) -> list[dict[str, Times]]:
    """Send the requests on open connections, several times."""
    measure_cost(limit, process, WARM_UP)
    results = [limit.measure_burst(process.port, REQUESTS) for _ in range(rounds)]
    lost_count = sum(REQUESTS - one["completed"] for one in results)
    if lost_count:
        raise RuntimeError(f"{lost_count} requests have no complete response")
    return results


def print_burst(limit: Limit, peers: Sequence[Server], quick: bool) -> None:
    """Measure and print."""
    servers = [
        Server(ONE_WRITE, lambda: limit.serve("stream")),
        Server(OURS, serve_ours),
        *peers,
    ]
    rows, first = [], {}
    for server in servers:
        with server.start() as process:
            results = measure_burst(limit, process, 1 if quick else 3)
        times = [one["first_bytes"] for one in results]
        first[server.name] = Times(*map(median, zip(*times, strict=True)))
        last = median(one["whole"].max for one in results)
        rows.append((server.name, *first[server.name], last))
    columns = ["burst", "first bytes p50 ms", "p99 ms", "the last ms", "all answered ms"]
    print_table(f"{REQUESTS:,} requests at once", columns, rows)
    print_goals([Goal("first bytes of the last request", first[OURS].max, 300, " ms")])
