"""Grading: what a consumer made of a case, and which requests it sent for it.

Rules of this file: values and pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from openai_mockserver.judge.cases import Case
from openai_mockserver.judge.comparison import (
    Grade,
    Manner,
    Mistake,
    find_mistakes,
    worst_grade,
)
from openai_mockserver.judge.outcome import HANG, Outcome
from openai_mockserver.stream_value import Requests

__all__ = ["FAILING", "Grader", "Result", "SentRequest", "grade_outcome"]

FAILING: frozenset[Grade] = frozenset({"wrong", "silent", "crash", "hang"})
"""The grades of a consumer that breaks a requirement."""

EARLY = 0.05  # seconds by which a retry may come too early, because clocks differ


class SentRequest(NamedTuple):
    """A request that arrived.

    Args:
        at: seconds after the first one.
        headers: its headers, in lower case.
        left: seconds until its client left before the end of the response; None if it did not.
        is_stream: whether it asks for a stream.
    """

    at: float
    headers: Mapping[str, str]
    left: float | None = None
    is_stream: bool = True


@dataclass(frozen=True)
class Result:
    """What a consumer made of a case.

    Args:
        case: the case.
        outcome: what the consumer reported.
        mistakes: how it differs from the right answer.
        requests: the requests that arrived.
        seconds: how long the consumer took.
    """

    case: Case
    outcome: Outcome
    mistakes: tuple[Mistake, ...] = ()
    requests: tuple[SentRequest, ...] = ()
    seconds: float = 0.0

    @property
    def grade(self) -> Grade:
        """The worst grade of the mistakes."""
        return worst_grade(self.mistakes)

    @property
    def is_failure(self) -> bool:
        """Whether the consumer breaks a requirement that is more than a MAY."""
        requirement = self.case.stream.requirement
        is_optional = requirement is not None and requirement.level == "MAY"
        return self.grade in FAILING and not is_optional


Grader = Callable[[Case, Outcome, Sequence[SentRequest], Manner | None], tuple[Mistake, ...]]
"""Finds the mistakes of a consumer in one case, from its outcome and its requests."""


def grade_outcome(
    case: Case,
    outcome: Outcome,
    requests: Sequence[SentRequest],
    manner: Manner | None = None,
) -> tuple[Mistake, ...]:
    """Return the mistakes of a consumer in one case.

    Args:
        case: what it was asked.
        outcome: what it reported.
        requests: the requests that it sent.
        manner: how it reports things differently.
    """
    if outcome.unsupported is not None:
        return (Mistake("unsupported", outcome.unsupported),)
    if not requests:
        return (_describe_no_request(outcome),)
    if not requests[0].is_stream:
        return (Mistake("unsupported", "its request does not ask for a stream"),)
    if (coding := _find_unasked_coding(case, requests[-1])) is not None:
        return (Mistake("unsupported", f"its request does not accept {coding}"),)
    stream = case.stream
    if len(requests) <= len(stream.earlier):
        # It gave up before the last exchange, which is right if it says so.
        stream = replace(stream, error=stream.error or "connection")
    mistakes = find_mistakes(stream, outcome, manner)
    if stream.requests is not None:
        mistakes += _find_request_mistakes(stream.requests, requests)
    return tuple(mistakes)


def _find_unasked_coding(case: Case, request: SentRequest) -> str | None:
    """Return the content coding of a good response that the request does not accept."""
    if case.stream.error is not None:
        return None  # the consumer is to refuse it
    coding = case.stream.script.head.header("content-encoding")
    accepted = request.headers.get("accept-encoding", "")
    return coding if coding and coding.lower() not in accepted.lower() else None


def _describe_no_request(outcome: Outcome) -> Mistake:
    error = outcome.error
    if error is None:
        return Mistake("wrong", "sends no request")
    grade: Grade = "hang" if error.type == HANG else "crash"
    return Mistake(grade, f"sends no request: {error.type}: {error.message}")


def _find_request_mistakes(
    expected: Requests, requests: Sequence[SentRequest]
) -> Iterator[Mistake]:
    count = len(requests)
    if count < expected.least:
        yield Mistake("wrong", f"sends {_count(count)}, not {expected.least} or more")
    if expected.most is not None and count > expected.most:
        yield Mistake("wrong", f"sends {_count(count)}, not {expected.most} at most")
    gaps = (later.at - earlier.at for earlier, later in pairwise(requests))
    for n, (gap, least) in enumerate(zip(gaps, expected.gaps, strict=False), 2):
        if gap < least - EARLY:
            yield Mistake(
                "wrong", f"sends request {n} after {gap:.2f} s, not after {least:g} s or later"
            )
    for n, (request, headers) in enumerate(zip(requests, expected.headers, strict=False), 1):
        for name, value in headers.items():
            if (actual := request.headers.get(name.lower())) != value:
                yield Mistake("wrong", f"sends request {n} with {name}: {actual}, not {value}")


def _count(n: int) -> str:
    return f"{n} request{'s' * (n != 1)}"
