"""docs/background/clients.md has what the clients' table has; scripts/clients measures the rest."""

from __future__ import annotations

import pytest

from clients.environments import PROGRAMS
from clients.page import PAGE, SCENARIOS, row, rows, written
from clients.table import CLIENTS, Client


def test_it_has_a_row_for_every_way_of_every_client() -> None:
    expected = [(client.name, way) for client in CLIENTS for way in client.ways]
    assert list(rows(PAGE.read_text("utf-8"))) == expected


def test_its_notes_are_those_of_the_table() -> None:
    page = PAGE.read_text("utf-8")
    assert written(page, {}) == page


def test_what_was_measured_replaces_its_row_and_no_other() -> None:
    page = PAGE.read_text("utf-8")
    client = CLIENTS[0]
    key = client.name, client.ways[0]
    line = row(client, client.ways[0], {"openai": "0.0.1"}, {"text": "✓"})
    changed = rows(written(page, {key: line}))
    assert changed[key] == line
    assert {**changed, key: ""} == {**rows(page), key: ""}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_client_is_described_by_what_there_is(client: Client) -> None:
    assert (PROGRAMS / client.program).is_file()
    for about in (client.refused, client.busy, client.leaves):
        assert set(about) <= {*client.ways, "*"}
    for about in (client.lacks, client.breaks):
        for key in about:
            way, _, scenario = key.rpartition("/")
            assert scenario in SCENARIOS
            assert way in {"", *client.ways}
