"""The table of docs/background/clients.md: what was measured, a row for each way of each client.

Rules of this file: rows of clients that were not run stay as they are; the notes below the table
are those of the clients' own table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from clients.table import CLIENTS, Client

__all__ = ["PAGE", "SCENARIOS", "row", "rows", "written"]

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


def row(client: Client, way: str, versions: Mapping[str, str], cells: Mapping[str, str]) -> str:
    """A line of the table."""
    installed = ", ".join(f"{name} {version}" for name, version in versions.items())
    found = (cells.get(scenario, "") for scenario in SCENARIOS)
    return f"| {' | '.join([client.name, client.language, way, *found, installed])} |"


def rows(page: str) -> dict[Key, str]:
    """The lines of the table that a page has."""
    table = page.partition(MARKS[0])[2]
    _, _, *lines = [line for line in table.splitlines() if line.startswith("| ")] or ["", ""]
    cells = {line: [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines}
    return {(name, way): line for line, (name, _, way, *_) in cells.items()}


def written(page: str, measured: Mapping[Key, str]) -> str:
    """A page with the lines that were measured, in the order of the clients' table."""
    known = {**rows(page), **measured}
    heads = ["client", "language", "way", *SCENARIOS.values(), "measured with"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    keys = [(client.name, way) for client in CLIENTS for way in client.ways]
    lines += [known[key] for key in keys if key in known]
    lines += ["", *notes()]
    table = "\n\n".join([MARKS[0], "\n".join(lines).rstrip(), MARKS[1]])
    return re.sub(f"{MARKS[0]}.*{MARKS[1]}", lambda _: table, page, flags=re.DOTALL)


def notes() -> list[str]:
    """Why a cell holds no tick, and what else is known."""
    told = []
    for client in CLIENTS:
        for sign, why in (("✗", client.breaks), ("–", client.lacks)):
            for key, reason in why.items():
                *way, scenario = key.rsplit("/", 1)
                where = ", ".join([client.name, *way, SCENARIOS[scenario]])
                told.append(f"* {sign} {where}: {reason}")
        told += [f"* {client.name}: {note}" for note in client.notes]
    return told
