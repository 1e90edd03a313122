"""Streams that are drawn at random, and reduced to the smallest that still fail.

Rules of this file: Hypothesis draws and reduces. It keeps mistakes apart by the class of their
exception, so each failing grade has one.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial

from openai_mockserver.exceptions import MissingDependency
from openai_mockserver.judge.cases import Case
from openai_mockserver.judge.comparison import Grade
from openai_mockserver.judge.consumer import Ask, Consumer
from openai_mockserver.judge.grading import FAILING, Result, grade_outcome
from openai_mockserver.judge.runner import Address, make_mock, run_case
from openai_mockserver.mock import MockOpenAI
from openai_mockserver.stream_value import Stream

__all__ = ["draw_results"]

_FAILURES: dict[Grade, type[AssertionError]] = {
    grade: type(f"{grade.capitalize()}Stream", (AssertionError,), {}) for grade in sorted(FAILING)
}


def draw_results(
    consumer: Consumer, count: int, seed: int, address: Address | None = None
) -> list[Result]:
    """Show drawn streams to a consumer; return its result for the smallest of each failing grade.

    Args:
        consumer: opens the consumer.
        count: how many streams to draw.
        seed: seed of the draws.
        address: where the mock listens.

    Raises:
        MissingDependency: Hypothesis is not installed.
    """
    try:
        import hypothesis
        from hypothesis import HealthCheck, Phase, settings

        from openai_mockserver.strategies import streams
    except ImportError:
        raise MissingDependency("--draw needs Hypothesis: pip install hypothesis") from None
    search = settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    smallest: dict[Grade, Result] = {}
    with consumer() as ask, make_mock(address) as mock:
        try_stream = partial(_try_stream, mock, ask, smallest)
        run = hypothesis.seed(seed)(search(hypothesis.given(streams())(_take_stream(try_stream))))
        try:
            with redirect_stdout(io.StringIO()):
                run()
        except* (AssertionError, hypothesis.errors.Flaky):
            pass  # Hypothesis tries the smallest failing streams last, so that they are kept
    return [
        replace(result, case=_name_case(result.case, n))
        for n, result in enumerate(smallest.values(), 1)
    ]


def _take_stream(function: Callable[[Stream], None]) -> Callable[[Stream], None]:
    """Return a function with the plain signature that Hypothesis asks for."""

    def test(stream: Stream) -> None:
        function(stream)

    return test


def _try_stream(mock: MockOpenAI, ask: Ask, smallest: dict[Grade, Result], stream: Stream) -> None:
    result = run_case(Case(stream), mock, ask, grade_outcome)
    if result.grade in FAILING:
        smallest[result.grade] = result
        raise _FAILURES[result.grade](str(result.mistakes[0]))


def _name_case(case: Case, n: int) -> Case:
    stream = replace(
        case.stream,
        name=f"drawn-{n}",
        family="drawn",
        description=case.stream.description or "A stream that was drawn at random.",
    )
    return replace(case, stream=stream)
