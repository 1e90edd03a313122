"""How results are printed: a table of Markdown, and its goals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Goal", "format_number", "print_goals", "print_table"]


class Goal(NamedTuple):
    """A figure and the most it may be; or the least, if ``least`` is set."""

    what: str
    value: float
    bound: float
    unit: str = ""
    least: bool = False

    @property
    def is_met(self) -> bool:
        return self.value >= self.bound if self.least else self.value <= self.bound


def format_number(value: float) -> str:
    """Three significant digits, or all of a whole number."""
    if isinstance(value, int) or math.isnan(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; numbers are rounded."""
    cells = [[_format_cell(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    print(f"\n{title}\n")
    for line in ([*columns], ["-" * width for width in widths], *cells):
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print(f"| {' | '.join(padded)} |", flush=True)


def print_goals(goals: Iterable[Goal]) -> None:
    """A line for each: what was reached, and what was to be."""
    print()
    for goal in goals:
        sign = "≥" if goal.least else "≤"
        bound = f"{goal.bound:,g}{goal.unit}"
        verdict = "reached" if goal.is_met else "not reached"
        value = f"{format_number(goal.value)}{goal.unit}"
        print(f"{goal.what}: {value} (goal {sign} {bound}: {verdict})", flush=True)


def _format_cell(cell: object) -> str:
    return format_number(cell) if isinstance(cell, int | float) else str(cell)
