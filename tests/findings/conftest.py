"""The consumers that the tests are run for, each opened once.

Rules of this file: nothing is installed or run that needs an environment of its own, unless
`scripts/findings` asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import Any, cast

import pytest

from findings.consumers import CONSUMERS, Consumer, versions
from findings.found import FOUND
from findings.judge import Told, wrongs
from findings.report import PAGE, Measured, section, written

# The programs need their clients, and are no tests.
collect_ignore_glob = ["programs/*"]

WRITE = os.environ.get("OPENAI_MOCKSERVER_WRITE", "")
NAMED = os.environ.get("OPENAI_MOCKSERVER_FINDINGS", "").split()  # or: all


def chosen() -> list[Any]:
    """The consumers that run here, and those asked for, as parameters."""
    clients = {consumer: consumer.client.name for consumer in CONSUMERS if consumer.client}
    if unknown := set(NAMED) - {*clients.values(), "all"}:
        known = ", ".join(sorted(set(clients.values())))
        raise pytest.UsageError(f"no client is named {', '.join(sorted(unknown))}: {known}")
    return [
        pytest.param(consumer, id=consumer.name, marks=[pytest.mark.client] * bool(consumer.client))
        for consumer in CONSUMERS
        if consumer not in clients or {"all", clients[consumer]} & set(NAMED)
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test, of each consumer, and of each finding of these."""
    if "consumer" not in metafunc.fixturenames:
        return
    consumers = chosen()
    if "finding" not in metafunc.fixturenames:
        metafunc.parametrize("consumer", consumers, indirect=True, scope="session")
        return
    found = [
        pytest.param(*one.values, finding, id=f"{one.id} {finding.title}", marks=one.marks)
        for one in consumers
        for finding in FOUND[one.values[0].name]
    ]
    metafunc.parametrize(("consumer", "finding"), found, indirect=["consumer"], scope="session")


@pytest.fixture(scope="session")
def consumer(request: pytest.FixtureRequest) -> Consumer:
    """A consumer."""
    one: Consumer = request.param
    return one


@pytest.fixture(scope="session")
def judged(consumer: Consumer) -> Iterator[Callable[[Told], list[str]]]:
    """Lets the consumer consume a stream, and says all that it gets wrong."""
    with consumer.open() as consume:
        yield lambda stream: wrongs(stream, consume(stream), consumer.manner)


MEASURED = pytest.StashKey[dict[Consumer, Measured]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what the page is to have of a test."""
    report = yield
    told = dict(report.user_properties)
    if WRITE and report.when == "call" and isinstance(item, pytest.Function) and told:
        params: dict[str, Any] = dict(item.callspec.params)
        known = item.config.stash.setdefault(MEASURED, {})
        measured = known.setdefault(params["consumer"], Measured())
        if "said" in told:
            measured.said[params["finding"].title] = cast(list[str], told["said"])
        if "searched" in told:
            measured.searched[params["kind"]] = cast(tuple[int, int], told["searched"])
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was measured into the page."""
    told = {
        consumer.name: section(consumer.name, versions(consumer), measured)
        for consumer, measured in session.config.stash.get(MEASURED, {}).items()
    }
    if told:
        PAGE.write_text(written(PAGE.read_text("utf-8"), told), "utf-8")
