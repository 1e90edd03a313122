"""Measures sessions over WebSockets that talk at a model's pace: delay, CPU and memory.

Each session asks for one response. The goals are those of as many paced streams over HTTP, and the
limit is the same C program, which sends the same frames when they are due.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from measurements.limit import GAP, Limit, read_session
from measurements.paced import LIMIT, SPREAD, Pacing, list_goals, print_pacing
from measurements.processes import Process
from measurements.servers import OURS, Server, serve_ours
from measurements.table import print_goals

__all__ = ["print_websockets"]

COUNTS = (200, 1000)


def print_websockets(limit: Limit, quick: bool) -> None:
    """Measure and print."""
    with serve_ours() as process:
        frames = read_session(process.port)
    due = [GAP * max(0, n - 1) for n in range(len(frames))]  # the first two together
    servers = [
        Server(LIMIT, lambda: limit.serve_frames(frames, due)),
        Server(OURS, lambda: serve_ours(f"0,{GAP}")),
    ]
    results = {
        (server.name, count): _measure(limit, server.start(), count, due)
        for count in (COUNTS[:1] if quick else COUNTS)
        for server in servers
    }
    title = f"a response each, of {len(due)} events, {GAP * 1000:.0f} ms apart"
    print_pacing("WebSockets", "sessions", title, results)
    print_goals(list_goals(results, "sessions"))


def _measure(
    limit: Limit, running: AbstractContextManager[Process], sessions: int, due: list[float]
) -> Pacing:
    """Play sessions on a server that has just been started."""
    patience = 5 * due[-1] + SPREAD
    with running as process:
        limit.measure_websockets(process.port, 20, due, 0.1, patience)  # warm up
        memory, cpu = process.read_memory(), process.read_cpu_seconds()
        with process.watch_memory() as samples:
            results = limit.measure_websockets(process.port, sessions, due, SPREAD, patience)
        return Pacing(
            results["late"],
            results["first_bytes"],
            (process.read_cpu_seconds() - cpu) / max(1, results["events"]) * 1e6,
            (max(samples) - memory) / sessions / 1000,
            results["events"] / (sessions * len(due)),
            results["seconds"],
        )
