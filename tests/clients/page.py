"""The table of docs/background/clients.md: results, with a row for each way to use each client.

Rules of this file: rows of clients that were not run do not change. The notes below the table come
from `clients.table`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from clients.table import CLIENTS, Client

__all__ = ["PAGE", "SCENARIOS", "format_row", "read_rows", "update_page"]

PAGE = Path(__file__).parents[2] / "docs" / "background" / "clients.md"
MARKS = "<!-- table -->", "<!-- end of table -->"

SCENARIOS = {
    "text": "text",
    "tool": "tool call",
    "usage": "usage",
    "early_break": "early break, reuse",
    "busy": "429",
    "refused": "400",
    "structured": "structure",
}
"""The scenarios, and the heads of their columns."""

Key = tuple[str, str]  # a client's name, and the way it is used


def format_row(
    client: Client, way: str, versions: Mapping[str, str], cells: Mapping[str, str]
) -> str:
    """Return a row of the table."""
    version_list = ", ".join(f"{name} {version}" for name, version in versions.items())
    row_cells = (cells.get(scenario, "") for scenario in SCENARIOS)
    return f"| {' | '.join([client.name, client.language, way, *row_cells, version_list])} |"


def read_rows(page: str) -> dict[Key, str]:
    """Return the rows of the table in a page."""
    table = page.partition(MARKS[0])[2]
    _, _, *lines = [line for line in table.splitlines() if line.startswith("| ")] or ["", ""]
    cells = {line: [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines}
    return {(name, way): line for line, (name, _, way, *_) in cells.items()}


def update_page(page: str, new_rows: Mapping[Key, str]) -> str:
    """Return a page with new rows, in the order of `CLIENTS`."""
    all_rows = {**read_rows(page), **new_rows}
    heads = ["client", "language", "way", *SCENARIOS.values(), "measured with"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    keys = [(client.name, way) for client in CLIENTS for way in client.ways]
    lines += [all_rows[key] for key in keys if key in all_rows]
    lines += ["", *list_notes()]
    table = "\n\n".join([MARKS[0], "\n".join(lines).rstrip(), MARKS[1]])
    return re.sub(f"{MARKS[0]}.*{MARKS[1]}", lambda _: table, page, flags=re.DOTALL)


def list_notes() -> list[str]:
    """Return why cells hold no tick, and the other notes of the clients."""
    notes = []
    for client in CLIENTS:
        for sign, why in (("✗", client.breaks), ("–", client.lacks)):
            for key, reason in why.items():
                *way, scenario = key.rsplit("/", 1)
                where = ", ".join([client.name, *way, SCENARIOS[scenario]])
                notes.append(f"* {sign} {where}: {reason}")
        notes += [f"* {client.name}: {note}" for note in client.notes]
    return notes
