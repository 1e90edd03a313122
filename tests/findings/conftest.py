"""The consumers that the tests run for, each opened once.

Rules of this file: install and run nothing that needs a separate environment, unless
`scripts/findings` is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import Any, cast

import pytest

from findings.consumers import CONSUMERS, Consumer, find_versions
from findings.found import FOUND
from findings.report import PAGE, Measurements, format_section, update_page
from openai_mockserver.judge import AnsweredStream, find_mistakes

WRITE = os.environ.get("OPENAI_MOCKSERVER_WRITE", "")
REQUESTED = os.environ.get("OPENAI_MOCKSERVER_FINDINGS", "").split()  # or: all


def choose_consumers() -> list[Any]:
    """Return the consumers that always run, and the requested ones, as parameters."""
    clients = {
        consumer: consumer.client.environment.name for consumer in CONSUMERS if consumer.client
    }
    if unknown := set(REQUESTED) - {*clients.values(), "all"}:
        all_names = ", ".join(sorted(set(clients.values())))
        raise pytest.UsageError(f"no client is named {', '.join(sorted(unknown))}: {all_names}")
    return [
        pytest.param(consumer, id=consumer.name, marks=[pytest.mark.client] * bool(consumer.client))
        for consumer in CONSUMERS
        if consumer not in clients or {"all", clients[consumer]} & set(REQUESTED)
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize each test with each consumer, and with each of its findings."""
    if "consumer" not in metafunc.fixturenames:
        return
    consumers = choose_consumers()
    if "finding" not in metafunc.fixturenames:
        metafunc.parametrize("consumer", consumers, indirect=True, scope="session")
        return
    parameters = [
        pytest.param(*one.values, finding, id=f"{one.id} {finding.title}", marks=one.marks)
        for one in consumers
        for finding in FOUND[one.values[0].name]
    ]
    metafunc.parametrize(
        ("consumer", "finding"), parameters, indirect=["consumer"], scope="session"
    )


@pytest.fixture(scope="session")
def consumer(request: pytest.FixtureRequest) -> Consumer:
    """A consumer."""
    one: Consumer = request.param
    return one


@pytest.fixture(scope="session")
def judge_stream(consumer: Consumer) -> Iterator[Callable[[AnsweredStream], list[str]]]:
    """Return a function that lets the consumer consume a stream, and returns its mistakes."""
    with consumer.open() as consume:
        yield lambda stream: [
            str(one) for one in find_mistakes(stream, consume(stream), consumer.manner)
        ]


MEASURED = pytest.StashKey[dict[Consumer, Measurements]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record the results of a test for the page."""
    report = yield
    properties = dict(report.user_properties)
    if WRITE and report.when == "call" and isinstance(item, pytest.Function) and properties:
        params: dict[str, Any] = dict(item.callspec.params)
        results = item.config.stash.setdefault(MEASURED, {})
        measurements = results.setdefault(params["consumer"], Measurements())
        if "sentences" in properties:
            measurements.sentences[params["finding"].title] = cast(
                list[str], properties["sentences"]
            )
        if "searches" in properties:
            measurements.searches[params["kind"]] = cast(tuple[int, int], properties["searches"])
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the results into the page."""
    sections = {
        consumer.name: format_section(consumer.name, find_versions(consumer), measurements)
        for consumer, measurements in session.config.stash.get(MEASURED, {}).items()
    }
    if sections:
        PAGE.write_text(update_page(PAGE.read_text("utf-8"), sections), "utf-8")
