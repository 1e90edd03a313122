"""Runs each client's program against a mock, once, and writes docs/background/clients.md.

Rules of this file: nothing is installed, run or written unless `scripts/clients` asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import Any, cast

import pytest

from clients.environments import versions
from clients.matrix import Run, running
from clients.page import PAGE, row, written
from clients.table import CLIENTS, Client

# The programs need their clients, and are no tests.
collect_ignore_glob = ["programs/*"]

NAMED = os.environ.get("OPENAI_MOCKSERVER_CLIENTS", "").split()  # or: all
WRITE = os.environ.get("OPENAI_MOCKSERVER_WRITE", "")


def ways() -> list[Any]:
    """Every way of every client that is to be run, as parameters."""
    if unknown := set(NAMED) - {client.name for client in CLIENTS} - {"all"}:
        known = ", ".join(client.name for client in CLIENTS)
        raise pytest.UsageError(f"no client is named {', '.join(sorted(unknown))}: {known}")
    return [
        pytest.param((client, way), id=f"{client.name} {way}")
        for client in CLIENTS
        for way in client.ways
        if client.name in NAMED or "all" in NAMED
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test, of each way of each client."""
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", ways(), indirect=True, scope="module")


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A way of a client, all scenarios of which were run."""
    client, way = request.param
    with running(client, way, tmp_path_factory.mktemp("home")) as run:
        yield run
        run.mock.check()


@pytest.fixture
def cell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Says what the table has for this test, where that is more than a tick."""
    return lambda text: record_property("cell", text)


SIGNS = {"passed": "✓", "failed": "✗", "skipped": "–"}
MEASURED = pytest.StashKey[dict[tuple[Client, str], dict[str, str]]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what the table is to have for a test."""
    report = yield
    over = report.when == "call" or (report.when == "setup" and not report.passed)
    if WRITE and over and isinstance(item, pytest.Function) and "run" in item.fixturenames:
        sign = "✗" if hasattr(report, "wasxfail") else SIGNS[report.outcome]
        said = dict(report.user_properties).get("cell", sign) if report.passed else sign
        measured = item.config.stash.setdefault(MEASURED, {})
        way = cast(tuple[Client, str], item.callspec.params["run"])
        scenario = item.originalname.removeprefix("test_")
        measured.setdefault(way, {})[scenario] = str(said)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was measured into the table."""
    lines = {
        (client.name, way): row(client, way, versions(client), cells)
        for (client, way), cells in session.config.stash.get(MEASURED, {}).items()
    }
    if lines:
        PAGE.write_text(written(PAGE.read_text("utf-8"), lines), "utf-8")
