"""``@pytest.mark.openai_conformance``: the judge, with one test for each case.

Rules of this file: imported only by runs that use the marker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openai_mockserver.exceptions import MockServerError
from openai_mockserver.judge import (
    Case,
    Manner,
    Result,
    Task,
    open_function,
    read_baseline,
    run_case,
    select_cases,
)
from openai_mockserver.judge.checking import PATIENCE
from openai_mockserver.judge.grading import FAILING, grade_outcome
from openai_mockserver.judge.report import describe_result
from openai_mockserver.mock import MockOpenAI

__all__ = ["ConformanceCase", "select_parameters"]

_SELECTION = {"family": "families", "endpoint": "endpoints"}
_OPTIONS = frozenset({"must_only", "reads", "silence", "patience", "baseline", *_SELECTION})


class ConformanceCase:
    """A case of the catalogue, in a test: `check` shows it to a consumer and fails the test.

    Args:
        case: the case.
        mock: the mock that plays it.
        patience: seconds after which a consumer hangs.
        known: the grade of this case in the baseline; None if it should pass.
    """

    def __init__(
        self, case: Case, mock: MockOpenAI, patience: float, known: str | None = None
    ) -> None:
        self.case = case
        self._mock = mock
        self._patience = patience
        self._known = known

    def check(self, consume: Callable[[Task], object], manner: Manner | None = None) -> Result:
        """Let a function consume the case; fail the test unless it is right.

        A known failure of the baseline is an expected failure (xfail), and fails the test once it
        is mended. A case that the function calls ``unsupported`` is skipped.

        Args:
            consume: as for `openai_mockserver.judge.check`.
            manner: how it reports things differently.
        """
        with open_function(consume, self._patience) as ask:
            result = run_case(self.case, self._mock, ask, partial(grade_outcome, manner=manner))
        if result.grade == "unsupported":
            pytest.skip(str(result.mistakes[0]))
        if self._known is not None and result.grade == self._known:
            pytest.xfail(describe_result(result))
        if self._known is not None and result.grade not in FAILING:
            pytest.fail(f"{self.case}: mended; remove it from the baseline", pytrace=False)
        if result.is_failure:
            stream = result.case.stream
            text = f"{describe_result(result)}\n  shown: {stream.description}"
            if stream.requirement is not None:
                text += f"\n  rule: {stream.requirement}"
            pytest.fail(text, pytrace=False)
        return result


def select_parameters(
    test: Path, markers: list[pytest.Mark]
) -> list[tuple[Case, float, str | None]]:
    """Return the case, patience and known grade of each test that these markers ask for.

    Args:
        test: the file of the test; a baseline is beside it.
        markers: the markers.

    Raises:
        MockServerError: a marker selects nothing, or has an unknown argument.
    """
    parameters: list[tuple[Case, float, str | None]] = []
    for marker in markers:
        if unknown := set(marker.kwargs) - _OPTIONS:
            raise MockServerError(
                f"openai_conformance() takes names and {', '.join(sorted(_OPTIONS))}, "
                f"not {', '.join(sorted(unknown))}"
            )
        options: dict[str, Any] = dict(marker.kwargs)
        patience = options.pop("patience", PATIENCE)
        baseline = options.pop("baseline", None)
        known = read_baseline(test.parent / baseline) if baseline is not None else {}
        for name, plural in _SELECTION.items():
            if name in options:
                value = options.pop(name)
                options[plural] = [value] if isinstance(value, str) else value
        if isinstance(options.get("reads"), str):
            options["reads"] = options["reads"].split(",")
        cases = select_cases(names=marker.args, **options)
        parameters += [(case, patience, known.get(case.name)) for case in cases]
    return parameters
