"""Measures the CPU cost of a request in process, to its first byte and in total.

The cost of a minimal transport with the same response is subtracted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from measurements.in_process import (
    Exchange,
    ask_chat,
    ask_completions,
    ask_responses,
    make_exchange,
    make_minimal,
)
from measurements.table import Goal, print_goals, print_table
from openai_mockserver.dialects import dialects

__all__ = ["print_first_byte"]

CHAT, RESPONSES, COMPLETIONS, TOKEN = "chat", "Responses", "completions", "chat, one token"
FEW_DIALECTS = ("azure", "openrouter", "groq", "vllm", "mistral")
RULES = (1, 100, 1000)


class Cost(NamedTuple):
    """CPU microseconds to the first byte, and in total."""

    first: float
    whole: float


def measure_request(exchange: Exchange, times: int) -> Cost:
    """Return the median cost of some requests, after a few that fill caches."""
    firsts: list[int] = []
    wholes: list[int] = []
    for _ in range(5):
        exchange.read()
    for _ in range(times):
        began = time.thread_time_ns()
        exchange.read(lambda: firsts.append(time.thread_time_ns()))
        wholes.append(time.thread_time_ns() - began)
        firsts[-1] -= began
    return Cost(median(firsts) / 1000, median(wholes) / 1000)


def name_rules(count: int) -> str:
    return f"{TOKEN}, {count:,} rule{'s' * (count > 1)}"


def list_exchanges(quick: bool) -> Iterator[Exchange]:
    yield make_exchange(CHAT, ask_chat())
    names = FEW_DIALECTS if quick else tuple(name for name in dialects() if name != "openai")
    for name in names:
        yield make_exchange(f"chat as {name}", ask_chat(), dialect=name)
    yield make_exchange(RESPONSES, ask_responses())
    yield make_exchange(COMPLETIONS, ask_completions())
    yield make_exchange(TOKEN, ask_chat(stream=False), pieces=1)
    for count in RULES:
        yield make_exchange(name_rules(count), ask_chat(stream=False), pieces=1, rules=count - 1)


def print_first_byte(quick: bool) -> None:
    """Measure and print."""
    times = 20 if quick else 200
    costs: dict[str, Cost] = {}
    for exchange in list_exchanges(quick):
        minimal = measure_request(make_minimal(exchange), times)
        ours = measure_request(exchange, times)
        costs[exchange.name] = Cost(ours.first - minimal.first, ours.whole - minimal.whole)
    chat = costs[CHAT]
    rows = [
        (name, cost.first, cost.whole, f"{cost.whole / chat.whole:.2f}")
        for name, cost in costs.items()
    ]
    columns = ["in process", "to the first byte µs", "whole µs", "× chat"]
    print_table(
        "CPU of a request of 198 pieces, without that of the minimal transport", columns, rows
    )
    print_goals(list_goals(costs))


def list_goals(costs: dict[str, Cost]) -> Iterator[Goal]:
    yield Goal("an answer of one token", costs[TOKEN].whole, 80, " µs")
    alike = {name: cost for name, cost in costs.items() if name.startswith("chat as ")}
    slowest = max(alike, key=lambda name: alike[name].whole)
    for name in (slowest, RESPONSES, COMPLETIONS):
        what = f"{name}, the slowest dialect" if name == slowest else name
        yield Goal(f"{what}, against chat", costs[name].whole / costs[CHAT].whole, 2, " ×")
    one, *_, many = (costs[name_rules(count)].whole for count in RULES)
    yield Goal(f"{RULES[-1]:,} rules, against one", many / one, 2, " ×")
