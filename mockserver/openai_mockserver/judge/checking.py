"""`check`: shows the catalogue to a consumer, and returns the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from openai_mockserver.judge.cases import SILENCE, Case, select_cases
from openai_mockserver.judge.comparison import Manner
from openai_mockserver.judge.consumer import Consumer, Task, open_function
from openai_mockserver.judge.grading import Grader, Result, grade_outcome
from openai_mockserver.judge.report import Baseline, Report
from openai_mockserver.judge.runner import Address, run_cases

__all__ = ["PATIENCE", "WORKERS", "check", "check_consumer"]

PATIENCE = 10.0
"""Seconds after which a consumer is considered to hang."""

WORKERS = 16
"""How many cases a function answers at the same time: most of them only wait."""


def check(
    consume: Callable[[Task], object],
    *,
    cases: Iterable[Case] | None = None,
    names: Sequence[str] = (),
    families: Sequence[str] = (),
    endpoints: Sequence[str] = (),
    must_only: bool = False,
    reads: Iterable[str] | None = None,
    silence: float = SILENCE,
    patience: float = PATIENCE,
    workers: int = WORKERS,
    baseline: Baseline | None = None,
    on_result: Callable[[Result], object] | None = None,
) -> Report:
    """Show streams of the catalogue to a Python function, and return what it made of them.

    Args:
        consume: sends the request of a `Task` to its ``base_url``, and returns what it makes of
            the answer: a text, or a mapping with any of ``text``, ``tool_calls``,
            ``finish_reason``, ``refusal``, ``reasoning``, ``usage``, ``error``, ``unsupported``.
            What is left out is not judged. It may be a coroutine function; it is called from
            several threads.
        cases: the cases; by default those that the next six arguments select.
        names, families, endpoints, must_only, reads, silence: as for `select_cases`.
        patience: seconds after which it hangs; longer than its own timeout.
        workers: how many cases are run at the same time.
        baseline: known failures, which do not fail the check.
        on_result: called with each result as it comes.

    Raises:
        CheckError: it reports something unreadable, or sends no requests to the mock.
        UnknownStream: no stream or family has such a name.

    >>> def consume(task):
    ...     return {"unsupported": "it only speaks Responses"}
    >>> print(check(consume, names=["text"]))
    consume: 1 cases: 1 unsupported
    """
    if cases is None:
        cases = select_cases(
            names=names,
            families=families,
            endpoints=endpoints,
            must_only=must_only,
            reads=reads,
            silence=silence,
        )
    return check_consumer(
        getattr(consume, "__name__", type(consume).__name__),
        partial(open_function, consume, patience),
        cases,
        workers=workers,
        baseline=baseline,
        on_result=on_result,
    )


def check_consumer(
    name: str,
    consumer: Consumer,
    cases: Iterable[Case],
    *,
    workers: int = 1,
    address: Address | None = None,
    manner: Manner | None = None,
    grade: Grader = grade_outcome,
    versions: Mapping[str, str] | None = None,
    baseline: Baseline | None = None,
    on_result: Callable[[Result], object] | None = None,
) -> Report:
    """Show cases to any consumer, and return the report.

    Args:
        name: the name of the consumer.
        consumer: opens the consumer.
        cases: the cases.
        workers, address, manner, grade, on_result: as for `run_cases`.
        versions: versions of its packages.
        baseline: known failures.
    """
    began, started = datetime.now(UTC), time.monotonic()
    results = run_cases(
        cases,
        consumer,
        workers=workers,
        address=address,
        manner=manner,
        grade=grade,
        on_result=on_result,
    )
    seconds = time.monotonic() - started
    return Report(
        name,
        tuple(results),
        seconds,
        began.isoformat(timespec="seconds"),
        versions or {},
        baseline,
    )
