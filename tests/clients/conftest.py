"""Runs each client's program once against a mock, and writes docs/background/clients.md.

Rules of this file: install, run and write nothing unless `scripts/clients` is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import Any, cast

import pytest

from clients.matrix import Run, run_client
from clients.page import PAGE, format_row, update_page
from clients.table import CLIENTS, Client
from openai_mockserver.judge.clients import find_versions

# The programs need their clients, and are not tests.
collect_ignore_glob = ["programs/*"]

REQUESTED = os.environ.get("OPENAI_MOCKSERVER_CLIENTS", "").split()  # or: all
WRITE = os.environ.get("OPENAI_MOCKSERVER_WRITE", "")


def list_ways() -> list[Any]:
    """Return every way of every requested client as parameters."""
    if unknown := set(REQUESTED) - {client.name for client in CLIENTS} - {"all"}:
        all_names = ", ".join(client.name for client in CLIENTS)
        raise pytest.UsageError(f"no client is named {', '.join(sorted(unknown))}: {all_names}")
    return [
        pytest.param((client, way), id=f"{client.name} {way}")
        for client in CLIENTS
        for way in client.ways
        if client.name in REQUESTED or "all" in REQUESTED
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize each test with each way of each client."""
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", list_ways(), indirect=True, scope="module")


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The result of running all scenarios of a client in one way."""
    client, way = request.param
    with run_client(client, way, tmp_path_factory.mktemp("home")) as run:
        yield run
        run.mock.check()


@pytest.fixture
def cell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Sets the cell of the table for this test, if it is more than a tick."""
    return lambda text: record_property("cell", text)


SIGNS = {"passed": "✓", "failed": "✗", "skipped": "–"}
MEASURED = pytest.StashKey[dict[tuple[Client, str], dict[str, str]]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record the cell of the table for a test."""
    report = yield
    is_over = report.when == "call" or (report.when == "setup" and not report.passed)
    if WRITE and is_over and isinstance(item, pytest.Function) and "run" in item.fixturenames:
        sign = "✗" if hasattr(report, "wasxfail") else SIGNS[report.outcome]
        text = dict(report.user_properties).get("cell", sign) if report.passed else sign
        results = item.config.stash.setdefault(MEASURED, {})
        way = cast(tuple[Client, str], item.callspec.params["run"])
        scenario = item.originalname.removeprefix("test_")
        results.setdefault(way, {})[scenario] = str(text)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the results into the table."""
    lines = {
        (client.name, way): format_row(client, way, find_versions(client.environment), cells)
        for (client, way), cells in session.config.stash.get(MEASURED, {}).items()
    }
    if lines:
        PAGE.write_text(update_page(PAGE.read_text("utf-8"), lines), "utf-8")
