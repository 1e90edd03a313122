"""Measures sessions over WebSockets that talk at a model's pace: delay, CPU and memory.

The goals are those of as many paced streams over HTTP (`paced`), whose load is a program in C; this
one is in Python and adds more to the delay.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from measurements.limit import GAP
from measurements.processes import LOAD_CORE, pin_to
from measurements.servers import OURS, serve_ours
from measurements.table import Goal, print_goals, print_table

__all__ = ["print_websockets"]

LOAD = Path(__file__).with_name("websocket_load.py")
SPREAD = 1.0  # seconds in which the sessions begin
COUNTS = (200, 1000)


def print_websockets(quick: bool) -> None:
    """Measure and print."""
    rows, goals = [], []
    for count in COUNTS[:1] if quick else COUNTS:
        with serve_ours(f"0,{GAP}") as process:
            _run_load(process.port, 20, 0.1)  # warm up
            memory, cpu = process.read_memory(), process.read_cpu_seconds()
            with process.watch_memory() as samples:
                result = _run_load(process.port, count, SPREAD)
            seconds = process.read_cpu_seconds() - cpu
        cuts = statistics.quantiles(result["late"], n=100)
        grown = (max(samples) - memory) / count / 1000
        rows.append(
            (
                OURS,
                count,
                cuts[49],
                cuts[98],
                f"{result['ended'] / count:.1%}",
                seconds / result["events"] * 1e6,
                grown,
            )
        )
        p50, p99 = {200: (1, 5), 1000: (2, 20)}[count]
        goals += [
            Goal(f"{count:,} sessions, late p50", cuts[49], p50, " ms"),
            Goal(f"{count:,} sessions, late p99", cuts[98], p99, " ms"),
        ]
    columns = [
        "WebSockets",
        "sessions",
        "late p50 ms",
        "late p99 ms",
        "completed",
        "CPU µs an event",
        "kB a session",
    ]
    print_table(f"a response each, events {GAP * 1000:.0f} ms apart", columns, rows)
    print_goals(goals)


def _run_load(port: int, count: int, spread: float) -> dict[str, Any]:
    command = [sys.executable, LOAD, str(port), str(count), str(GAP), str(spread)]
    with pin_to(LOAD_CORE):
        process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True)
    output, _ = process.communicate(timeout=120)
    result: dict[str, Any] = json.loads(output)
    return result
