"""Fails if requests take more work than before, by counts that other load does not change.

A warm request of each kind is answered in process. The guard counts its function calls, its
bytecode instructions, and the bytes that remain allocated afterwards. `guard.json` holds the
baseline for each version of Python. A count that is more than a tenth above it is a failure.
`python benchmarks/guard.py --update` writes the present counts as the baseline.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any

import httpx2
from measurements.in_process import (
    Exchange,
    ask_chat,
    ask_completions,
    ask_responses,
    make_exchange,
)
from measurements.journal_memory import measure_kept_bytes
from measurements.table import print_table

FILE = Path(__file__).with_name("guard.json")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
GROWTH = 1.1
CALLS = 50  # number of calls over which allocations are averaged
CLIENT = str(Path(httpx2.__file__).parent)  # not counted
# Not counted: it repeats a random number of times.
DRAW = getattr(Random, "_randbelow").__code__  # noqa: B009

Counts = dict[str, dict[str, int]]


def list_exchanges() -> Iterator[Exchange]:
    keep = 2 * CALLS
    yield make_exchange("chat", ask_chat(), keep_calls=keep)
    yield make_exchange("chat, one token", ask_chat(stream=False), pieces=1, keep_calls=keep)
    yield make_exchange("chat as azure", ask_chat(), dialect="azure", keep_calls=keep)
    yield make_exchange("chat as groq", ask_chat(), dialect="groq", keep_calls=keep)
    yield make_exchange("Responses", ask_responses(), keep_calls=keep)
    yield make_exchange("completions", ask_completions(), keep_calls=keep)
    yield make_exchange("1,000 rules", ask_chat(stream=False), pieces=1, rules=999, keep_calls=keep)


def is_counted(code: CodeType) -> bool:
    """Whether a function's work belongs to the server and is the same in each run."""
    return code is not DRAW and not code.co_filename.startswith(CLIENT)


def count_calls(exchange: Exchange) -> int:
    """Count the calls of functions, including those in C."""
    calls = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        if event in ("call", "c_call") and is_counted(frame.f_code):
            calls += 1

    sys.setprofile(profile)
    try:
        exchange.read()
    finally:
        sys.setprofile(None)
    return calls


def count_instructions(exchange: Exchange) -> int:
    """Bytecode instructions."""
    instructions = 0
    if sys.version_info >= (3, 12):
        # There the older way misses those of functions that have run before.
        monitoring = sys.monitoring

        def note(code: CodeType, offset: int) -> None:
            nonlocal instructions
            instructions += is_counted(code)

        monitoring.use_tool_id(monitoring.PROFILER_ID, "guard")
        monitoring.register_callback(monitoring.PROFILER_ID, monitoring.events.INSTRUCTION, note)
        monitoring.set_events(monitoring.PROFILER_ID, monitoring.events.INSTRUCTION)
        try:
            exchange.read()
        finally:
            monitoring.set_events(monitoring.PROFILER_ID, 0)
            monitoring.free_tool_id(monitoring.PROFILER_ID)
        return instructions

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal instructions
        if not is_counted(frame.f_code):
            return None
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            instructions += 1
        return trace

    sys.settrace(trace)
    try:
        exchange.read()
    finally:
        sys.settrace(None)
    return instructions


def count_work(exchange: Exchange) -> dict[str, int]:
    """Return each count as the minimum of several requests, because some refill a cache."""
    for _ in range(5):
        exchange.read()
    gc.collect()
    gc.disable()
    try:
        return {
            "calls": min(count_calls(exchange) for _ in range(5)),
            "instructions": min(count_instructions(exchange) for _ in range(5)),
            # Random numbers differ in length, so only three digits are reproducible.
            "kept bytes": int(float(f"{measure_kept_bytes(exchange, CALLS):.3g}")),
        }
    finally:
        gc.enable()


def find_growth(before: Counts, now: Counts) -> list[str]:
    """Return a line for each count that is more than a tenth above the baseline."""
    return [
        f"{name}: {count:,} {what}, baseline {before[name][what]:,}"
        for name, counts in now.items()
        for what, count in counts.items()
        if count > before.get(name, {}).get(what, count) * GROWTH
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--update", action="store_true", help="write the present counts as the baseline"
    )
    options = parser.parse_args(arguments)
    baseline: dict[str, Counts] = json.loads(FILE.read_text())
    before = baseline.get(VERSION, {})
    now = {exchange.name: count_work(exchange) for exchange in list_exchanges()}
    rows = [
        (name, what, count, before.get(name, {}).get(what, "none"))
        for name, counts in now.items()
        for what, count in counts.items()
    ]
    columns = ["request", "what", "now", "baseline"]
    print_table(f"Work of a request, Python {VERSION}", columns, rows)
    if options.update:
        baseline[VERSION] = now
        FILE.write_text(json.dumps(dict(sorted(baseline.items())), indent=2) + "\n")
        return 0
    if not before:
        print(f"\nno baseline for Python {VERSION} yet: --update writes these counts")
    for line in find_growth(before, now):
        print(f"\nmore than a tenth above the baseline: {line}")
    return 1 if find_growth(before, now) else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Fixes the order of sets, and so the work on them.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0"})
    os.environ["OPENAI_MOCKSERVER_TOKENS"] = "words"  # independent of installed vocabularies
    sys.exit(main())
