"""docs/background/clients.md matches `clients.table`; scripts/clients measures its results."""

from __future__ import annotations

import pytest

from clients.matrix import PROGRAMS
from clients.page import PAGE, SCENARIOS, format_row, read_rows, update_page
from clients.table import CLIENTS, Client


def test_it_has_a_row_for_every_way_of_every_client() -> None:
    keys = [(client.name, way) for client in CLIENTS for way in client.ways]
    assert list(read_rows(PAGE.read_text("utf-8"))) == keys


def test_its_notes_are_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    assert update_page(page, {}) == page


def test_a_new_row_replaces_only_its_own() -> None:
    page = PAGE.read_text("utf-8")
    client = CLIENTS[0]
    key = client.name, client.ways[0]
    line = format_row(client, client.ways[0], {"openai": "0.0.1"}, {"text": "✓"})
    new_rows = read_rows(update_page(page, {key: line}))
    assert new_rows[key] == line
    assert {**new_rows, key: ""} == {**read_rows(page), key: ""}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_clients_description_is_valid(client: Client) -> None:
    assert (PROGRAMS / client.program).is_file()
    for about in (client.refused, client.busy, client.leaves):
        assert set(about) <= {*client.ways, "*"}
    for about in (client.lacks, client.breaks):
        for key in about:
            way, _, scenario = key.rpartition("/")
            assert scenario in SCENARIOS
            assert way in {"", *client.ways}
