"""The consumers that the tests are run for, each opened once.

Rules of this file: nothing is installed or run that needs an environment of its own, unless
`scripts/findings` asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from findings.consumers import CONSUMERS, Consumer
from findings.judge import Told, wrongs

# The programs need their clients, and are no tests.
collect_ignore_glob = ["programs/*"]

NAMED = os.environ.get("MOCKSERVER_FINDINGS", "").split()  # or: all


def chosen() -> list[Any]:
    """The consumers that run here, and those asked for, as parameters."""
    known = {consumer.name for consumer in CONSUMERS} | {
        c.client.name for c in CONSUMERS if c.client
    }
    if unknown := set(NAMED) - known - {"all"}:
        told = f"no consumer is named {', '.join(sorted(unknown))}: {', '.join(sorted(known))}"
        raise pytest.UsageError(told)

    def asked(consumer: Consumer) -> bool:
        client = consumer.client
        return client is None or bool({"all", consumer.name, client.name} & set(NAMED))

    return [
        pytest.param(consumer, id=consumer.name, marks=[pytest.mark.client] * bool(consumer.client))
        for consumer in CONSUMERS
        if asked(consumer)
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test, of each consumer."""
    if "consumer" in metafunc.fixturenames:
        metafunc.parametrize("consumer", chosen(), indirect=True, scope="session")


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
