"""The judge is right itself: it finds each planted mistake, and blames no correct client."""

from __future__ import annotations

import pytest

from judge import planted
from openai_mockserver.judge import Report, check
from openai_mockserver.judge.grading import FAILING

pytestmark = pytest.mark.slow

NOT_TOLD = {
    "audio-delta-ends-with-expires-at-only-no-finish": "it does not know that audio ends so",
    "n-greater-1-index-rewritten-to-zero": "it reads only the first choice",
    "empty-success-on-context-overflow": "it takes an empty answer for an answer",
}
"""Cases in which the correct client is too simple, each with the reason."""

ORDINARY = ["text", "tool-call", "length", "error-mid-stream"]
"""Cases that every client with one mistake gets right, unless they are listed for it."""

PLANTED: list[tuple[type[planted.Client], dict[str, str]]] = [
    (planted.ReadByRead, {"unicode@utf8": "wrong"}),
    (planted.OnlyLineFeeds, {"crlf-line-endings": "crash"}),
    (planted.SplitLines, {"unicode": "crash"}),
    (planted.CallsByPlace, {"tool-calls-parallel": "wrong"}),
    (planted.OneCall, {"tool-calls-parallel": "wrong", "litellm-tool-calls": "wrong"}),
    (planted.NeedsSpace, {"data-without-space": "crash"}),
    (planted.ReadsComments, {"keep-alive-comments": "crash"}),
    (planted.LastDataLine, {"multi-data-line-json": "crash"}),
    (planted.IgnoresErrors, {"error-mid-stream": "silent"}),
    (planted.HidesErrors, {"error-mid-stream": "lossy"}),
    (planted.IgnoresEnd, {"reset": "silent"}),
    (planted.NeedsDone, {"missing-done": "crash"}),
    (planted.FirstChoice, {"usage": "crash"}),
    (planted.AllChoices, {"n-3": "wrong"}),
    (planted.NeedsContent, {"text": "crash", "length": "crash", "tool-call": "crash"}),
    (planted.LosesUsage, {"usage": "lossy"}),
    (planted.SumsUsage, {"usage-on-every-chunk-cumulative": "wrong"}),
    (planted.RepeatsNames, {"tool-call-id-type-name-repeated-every-fragment": "wrong"}),
    (planted.Hammers, {"429-retry-after-forms": "wrong"}),
    (planted.RetriesAll, {"retryable-status-set-422": "wrong"}),
    (planted.NeverGivesUp, {"silence": "hang"}),
]
VARIANTS = (planted.ReportsTextOnly, planted.OtherWords, planted.NeverRetries)
GOOD = [planted.Client, *(pytest.param(one, marks=pytest.mark.slow) for one in VARIANTS)]


def show(client: type[planted.Client], names: list[str], patience: float = 10.0) -> Report:
    return check(lambda task: client()(task), names=names, reads=["recorded"], patience=patience)


@pytest.mark.parametrize("client", GOOD)
def test_a_correct_client_breaks_nothing(client: type[planted.Client]) -> None:
    report = check(lambda task: client()(task))
    failures = {str(result.case): str(result.mistakes) for result in report.failures}
    assert failures.keys() <= NOT_TOLD.keys(), failures


@pytest.mark.parametrize(("client", "mistakes"), PLANTED, ids=lambda value: "")
def test_a_planted_mistake_is_found(client: type[planted.Client], mistakes: dict[str, str]) -> None:
    names = [*mistakes, *(name for name in ORDINARY if name not in mistakes)]
    report = show(client, names, patience=1.5)
    grades = {str(result.case): str(result.grade) for result in report.results}
    assert grades == dict.fromkeys(ORDINARY, "pass") | mistakes


def test_what_a_correct_client_does_wrong_is_not_hidden_by_its_grade() -> None:
    report = show(planted.Client, list(NOT_TOLD))
    assert all(result.grade in FAILING for result in report.results)


class ThreeMistakes(planted.ReadByRead, planted.OnlyLineFeeds, planted.CallsByPlace):
    """A parser as people write it: each read by itself, only LF, calls by their place."""


def test_three_mistakes_are_found_without_being_told_where() -> None:
    report = check(lambda task: ThreeMistakes()(task))
    failing = {str(result.case) for result in report.failures}
    assert failing >= {"unicode@utf8", "crlf-line-endings", "tool-calls-parallel"}


def test_a_client_that_supports_little_is_checked_all_the_same() -> None:
    names = ["text", *(f"responses-{what}" for what in ("text", "refusal", "failed", "reasoning"))]
    report = check(lambda task: planted.Client()(task), names=names, reads=["recorded"], workers=1)
    assert (report.counts["pass"], report.counts["unsupported"]) == (1, 4)
