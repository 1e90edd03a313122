"""Measures the memory of a finished call in the journal."""

from __future__ import annotations

import gc
import tracemalloc

from measurements.in_process import Exchange, ask_chat, ask_responses, make_exchange
from measurements.table import Goal, print_goals, print_table

__all__ = ["measure_kept_bytes", "print_journal_memory"]

CHAT = "chat"


def measure_kept_bytes(exchange: Exchange, calls: int) -> float:
    """Return the average number of bytes that remain allocated after a call."""
    for _ in range(50):  # a compiled reply is shared by all its calls
        exchange.read()
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(calls):
            exchange.read()
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / calls
    finally:
        tracemalloc.stop()


def print_journal_memory(quick: bool) -> None:
    """Measure and print."""
    calls = 20 if quick else 200
    keep = 2 * calls
    exchanges = [
        make_exchange(CHAT, ask_chat(), keep_calls=keep),
        make_exchange("chat as azure", ask_chat(), dialect="azure", keep_calls=keep),
        make_exchange("Responses", ask_responses(), keep_calls=keep),
        make_exchange("chat, one token", ask_chat(stream=False), pieces=1, keep_calls=keep),
    ]
    kilobytes = {one.name: measure_kept_bytes(one, calls) / 1000 for one in exchanges}
    title = "Memory of a finished call of 198 pieces in the journal"
    print_table(title, ["journal", "kB a call"], kilobytes.items())
    print_goals([Goal("a journal entry", kilobytes[CHAT], 3, " kB")])
