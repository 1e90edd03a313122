"""One test of many values, for checks that take less time than a test of pytest-xdist does.

A test takes 4 ms of CPU, whatever it does: three workers collect it, one runs it and reports it.
`each` checks all values, even if some fail, and says for which of them the test failed.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["each"]


def each(*arguments: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Call a test once for each value of its first parameter.

    Args:
        arguments: the values of the first parameter; with further values, those of the second, and
            so on: the test is called for each combination. Its other parameters are fixtures.
    """
    cases = list(itertools.product(*arguments))
    assert cases, "a test of no value cannot fail"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(test)

        @functools.wraps(test)
        def test_each(**fixtures: Any) -> None:
            failures: dict[str, Exception] = {}
            for case in cases:
                try:
                    test(*case, **fixtures)
                except Exception as error:
                    failures[", ".join(map(str, case))] = error
            if failures:
                first = next(iter(failures.values()))
                first.add_note(f"{len(failures)} of {len(cases)} failed: {'; '.join(failures)}")
                raise first

        parameters = list(signature.parameters.values())[len(arguments) :]
        test_each.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return test_each

    return decorate
