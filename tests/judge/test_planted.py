"""The judge is right itself: it finds each planted mistake, and blames no correct client."""

from __future__ import annotations

import pytest

from judge import clients
from openai_mockserver.judge import Report, check
from openai_mockserver.judge.grading import FAILING

NOT_TOLD = {
    "audio-delta-ends-with-expires-at-only-no-finish": "it does not know that audio ends so",
    "n-greater-1-index-rewritten-to-zero": "it reads only the first choice",
    "empty-success-on-context-overflow": "it takes an empty answer for an answer",
}
"""Cases in which the correct client is too simple, each with the reason."""

ORDINARY = ["text", "tool-call", "length", "error-mid-stream"]
"""Cases that every client with one mistake gets right, unless they are listed for it."""

PLANTED: list[tuple[type[clients.Client], dict[str, str]]] = [
    (clients.ReadByRead, {"unicode@utf8": "wrong"}),
    (clients.OnlyLineFeeds, {"crlf-line-endings": "crash"}),
    (clients.SplitLines, {"unicode": "crash"}),
    (clients.CallsByPlace, {"tool-calls-parallel": "wrong"}),
    (clients.OneCall, {"tool-calls-parallel": "wrong", "litellm-tool-calls": "wrong"}),
    (clients.NeedsSpace, {"data-without-space": "crash"}),
    (clients.ReadsComments, {"keep-alive-comments": "crash"}),
    (clients.LastDataLine, {"multi-data-line-json": "crash"}),
    (clients.IgnoresErrors, {"error-mid-stream": "silent"}),
    (clients.HidesErrors, {"error-mid-stream": "lossy"}),
    (clients.IgnoresEnd, {"reset": "silent"}),
    (clients.NeedsDone, {"missing-done": "crash"}),
    (clients.FirstChoice, {"usage": "crash"}),
    (clients.AllChoices, {"n-3": "wrong"}),
    (clients.NeedsContent, {"text": "crash", "length": "crash", "tool-call": "crash"}),
    (clients.LosesUsage, {"usage": "lossy"}),
    (clients.SumsUsage, {"usage-on-every-chunk-cumulative": "wrong"}),
    (clients.RepeatsNames, {"tool-call-id-type-name-repeated-every-fragment": "wrong"}),
    (clients.Hammers, {"429-retry-after-forms": "wrong"}),
    (clients.RetriesAll, {"retryable-status-set-422": "wrong"}),
    (clients.NeverGivesUp, {"silence": "hang"}),
]
GOOD = [clients.Client, clients.ReportsTextOnly, clients.OtherWords, clients.NeverRetries]


def show(client: type[clients.Client], names: list[str], patience: float = 10.0) -> Report:
    return check(lambda task: client()(task), names=names, reads=["recorded"], patience=patience)


@pytest.mark.parametrize("client", GOOD)
def test_a_correct_client_breaks_nothing(client: type[clients.Client]) -> None:
    report = check(lambda task: client()(task))
    failures = {str(result.case): str(result.mistakes) for result in report.failures}
    assert failures.keys() <= NOT_TOLD.keys(), failures


@pytest.mark.parametrize(("client", "mistakes"), PLANTED, ids=lambda value: "")
def test_a_planted_mistake_is_found(client: type[clients.Client], mistakes: dict[str, str]) -> None:
    names = [*mistakes, *(name for name in ORDINARY if name not in mistakes)]
    report = show(client, names, patience=1.5)
    grades = {str(result.case): str(result.grade) for result in report.results}
    assert grades == dict.fromkeys(ORDINARY, "pass") | mistakes


def test_what_a_correct_client_does_wrong_is_not_hidden_by_its_grade() -> None:
    report = show(clients.Client, list(NOT_TOLD))
    assert all(result.grade in FAILING for result in report.results)


class ThreeMistakes(clients.ReadByRead, clients.OnlyLineFeeds, clients.CallsByPlace):
    """A parser as people write it: each read by itself, only LF, calls by their place."""


def test_three_mistakes_are_found_without_being_told_where() -> None:
    report = check(lambda task: ThreeMistakes()(task))
    failing = {str(result.case) for result in report.failures}
    assert failing >= {"unicode@utf8", "crlf-line-endings", "tool-calls-parallel"}


def test_a_client_that_supports_little_is_checked_all_the_same() -> None:
    names = ["text", *(f"responses-{what}" for what in ("text", "refusal", "failed", "reasoning"))]
    report = check(lambda task: clients.Client()(task), names=names, reads=["recorded"], workers=1)
    assert (report.counts["pass"], report.counts["unsupported"]) == (1, 4)
