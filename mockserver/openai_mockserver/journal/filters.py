"""Which calls of a journal are meant, and one page of them.

Rules of this file: a page is named by the number of a call, never by a position, so that pages stay
the same while new calls arrive.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from openai_mockserver.journal.call import Call

__all__ = ["CallFilter", "Page", "find_page", "has_problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Conditions that calls must meet; None sets no condition.

    Args:
        path: the path.
        endpoint: OpenAI's name of the endpoint, such as ``chat/completions``, under any base path.
        model: the requested model.
        rule: the number of the rule that answered.
        problem: whether the call has a problem.
        since: Unix time at which the call arrived at the earliest.
    """

    path: str | None = None
    endpoint: str | None = None
    model: str | None = None
    rule: int | None = None
    problem: bool | None = None
    since: float | None = None

    def accepts(self, call: Call) -> bool:
        """Whether a call meets the conditions."""
        return (
            (self.since is None or call.started >= self.since)
            and (self.path is None or call.path == self.path)
            and (self.endpoint is None or _is_at(call.path, self.endpoint))
            and (self.problem is None or self.problem is has_problem(call))
            and (self.rule is None or (call.rule is not None and call.rule.number == self.rule))
            and (self.model is None or call.model == self.model)
        )


def has_problem(call: Call) -> bool:
    """Whether a call could not be answered or recorded."""
    return call.problem is not None or call.unrecorded is not None


def _is_at(path: str, endpoint: str) -> bool:
    from openai_mockserver.rules import explain

    return explain("endpoint", endpoint, path) is None


@dataclass(frozen=True, slots=True)
class Page:
    """Some calls in order, and the number that the next page begins after; None for the last."""

    calls: list[Call]
    next: int | None


def find_page(
    calls: Iterable[Call],
    conditions: CallFilter,
    limit: int,
    after: int | None = None,
    newest_first: bool = False,
) -> Page:
    """Return a page of the calls that meet conditions.

    Args:
        calls: the calls, oldest first.
        conditions: which calls are meant.
        limit: maximum number of calls.
        after: the number of the call after which the page begins, in the order of the page.
        newest_first: whether the page is in reverse order.
    """
    ordered = reversed(list(calls)) if newest_first else calls
    rest = (
        call
        for call in ordered
        if after is None or (call.number < after if newest_first else call.number > after)
    )
    found = list(islice(filter(conditions.accepts, rest), limit + 1))
    page = found[:limit]
    return Page(page, page[-1].number if len(found) > limit else None)
