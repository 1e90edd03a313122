"""Measures streams without pauses: the cost of an event, and the requests that a core answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

from measurements.limit import Limit, Times
from measurements.processes import Process
from measurements.servers import OURS, OURS_AN_EVENT, Server, serve_ours, serve_starlette
from measurements.table import Goal, print_goals, print_table

__all__ = ["ONE_WRITE", "WRITE_AN_EVENT", "Cost", "measure_cost", "print_throughput"]

ONE_WRITE, WRITE_AN_EVENT = "C, one write a stream", "C, a write an event"
CONNECTIONS = 50


class Cost(NamedTuple):
    """The cost and the times of a server's streams."""

    cpu: float  # microseconds an event
    rate: float  # requests a second
    whole: Times
    first_bytes: Times
    load_cpu: float  # microseconds an event; if above ``cpu``, the server waits for the load


def measure_cost(limit: Limit, process: Process, seconds: float) -> Cost:
    """Load a server for a number of seconds, and divide its CPU time by the events received."""
    before = process.read_cpu_seconds()
    results = limit.measure_throughput(process.port, CONNECTIONS, seconds)
    cpu = process.read_cpu_seconds() - before
    if results["failed"] or results["fewest_events"] != results["most_events"]:
        raise RuntimeError(f"some answers are incomplete: {results}")
    times = results["whole"], results["first_bytes"]
    load_cpu = results["load_cpu"] / results["events"] * 1e3
    return Cost(cpu / results["events"] * 1e6, results["rate"], *times, load_cpu)


def _take_medians(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""

    def merge(times: list[Times]) -> Times:
        return Times(*map(median, zip(*times, strict=True)))

    return Cost(
        median(cost.cpu for cost in costs),
        median(cost.rate for cost in costs),
        merge([cost.whole for cost in costs]),
        merge([cost.first_bytes for cost in costs]),
        median(cost.load_cpu for cost in costs),
    )


def measure_all(
    limit: Limit, servers: Sequence[Server], rounds: int, seconds: float
) -> dict[str, Cost]:
    """Measure servers in turn, several times, so that other load disturbs all of them equally."""
    costs: dict[str, list[Cost]] = {server.name: [] for server in servers}
    with ExitStack() as stack:
        running = {server.name: stack.enter_context(server.start()) for server in servers}
        for process in running.values():
            measure_cost(limit, process, 2 * seconds)  # warm up
        for _ in range(rounds):
            for name, process in running.items():
                costs[name].append(measure_cost(limit, process, seconds))
    return {name: _take_medians(each) for name, each in costs.items()}


def print_throughput(limit: Limit, peers: Sequence[Server], quick: bool) -> None:
    """Measure and print."""
    servers = [
        Server(ONE_WRITE, lambda: limit.serve("stream")),
        Server(WRITE_AN_EVENT, lambda: limit.serve("event")),
        Server(OURS, serve_ours),
        Server(OURS_AN_EVENT, lambda: serve_ours("none", "--no-coalesce")),
        *peers,
        Server("Starlette, `json.dumps` an event", serve_starlette),
    ]
    costs = measure_all(limit, servers, 1 if quick else 3, 0.5 if quick else 3)
    least = costs[ONE_WRITE].cpu
    rows = [
        (
            name,
            cost.cpu,
            f"{cost.cpu / least:.1f}",
            f"{'> ' * (cost.load_cpu > cost.cpu)}{cost.rate:,.0f}",
            cost.whole.p50,
            cost.whole.p99,
            cost.first_bytes.p50,
        )
        for name, cost in costs.items()
    ]
    columns = [
        "no pauses",
        "CPU µs an event",
        "× C's one write",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "first byte p50 ms",
    ]
    title = f"Streams of {limit.events} events, {CONNECTIONS} connections, one core"
    print_table(title, columns, rows)
    print_goals(list_goals(costs, [peer.name for peer in peers]))


def list_goals(costs: dict[str, Cost], peers: Sequence[str]) -> Iterator[Goal]:
    ours, one_write = costs[OURS], costs[ONE_WRITE]
    yield Goal("CPU an event", ours.cpu, 1, " µs")
    yield Goal(f"CPU, against {ONE_WRITE}", ours.cpu / one_write.cpu, 15, " ×")
    write_an_event = costs[WRITE_AN_EVENT].cpu
    yield Goal(f"CPU, against {WRITE_AN_EVENT}", ours.cpu / write_an_event, 1, " ×")
    each = costs[OURS_AN_EVENT].cpu / write_an_event
    yield Goal(f"CPU with a write an event, against {WRITE_AN_EVENT}", each, 1.3, " ×")
    for name in peers:
        yield Goal(f"CPU, against {name}", ours.cpu / costs[name].cpu, 0.5, " ×")
    for name in peers:
        if name.startswith("aimock"):
            yield Goal(f"requests/s, against {name}", ours.rate / costs[name].rate, 3, " ×", True)
    yield Goal("p99, against p50", ours.whole.p99 / ours.whole.p50, 5, " ×")
