"""Prints results: a Markdown table, and its goals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Goal", "format_number", "print_goals", "print_table"]


class Goal(NamedTuple):
    """A figure and its maximum; or its minimum, if ``is_minimum`` is set."""

    what: str
    value: float
    limit: float
    unit: str = ""
    is_minimum: bool = False

    @property
    def is_met(self) -> bool:
        return self.value >= self.limit if self.is_minimum else self.value <= self.limit


def format_number(value: float) -> str:
    """Format a number with three significant digits, or a whole number with all of its digits."""
    if isinstance(value, int) or math.isnan(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table with rounded numbers."""
    cells = [[_format_cell(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    print(f"\n{title}\n")
    for line in ([*columns], ["-" * width for width in widths], *cells):
        padded_cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print(f"| {' | '.join(padded_cells)} |", flush=True)


def print_goals(goals: Iterable[Goal]) -> None:
    """Print a line for each goal: the figure, the goal, and whether it was reached."""
    print()
    for goal in goals:
        sign = "≥" if goal.is_minimum else "≤"
        limit = f"{goal.limit:,g}{goal.unit}"
        verdict = "reached" if goal.is_met else "not reached"
        value = f"{format_number(goal.value)}{goal.unit}"
        print(f"{goal.what}: {value} (goal {sign} {limit}: {verdict})", flush=True)


def _format_cell(cell: object) -> str:
    return format_number(cell) if isinstance(cell, int | float) else str(cell)
