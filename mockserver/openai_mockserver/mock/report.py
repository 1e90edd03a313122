"""Reports about a mock's calls and rules: what went wrong, and what was never used.

Rules of this file: functions of the journal and the rulebook. Dropped calls are counted too.
"""

from __future__ import annotations

from collections.abc import Iterable

from openai_mockserver.exceptions import UnmatchedRequest, UnusedRule
from openai_mockserver.journal import Call, Journal
from openai_mockserver.rules import Rule

__all__ = [
    "check_problems",
    "check_unused",
    "count_forgotten_problems",
    "list_problems",
    "list_unused",
]


def list_problems(calls: Journal) -> list[Call]:
    """Return the calls with problems that are still in the journal."""
    return [call for call in calls if call.problem or call.unrecorded]


def count_forgotten_problems(calls: Journal) -> int:
    """Return how many calls with problems the journal has dropped."""
    total = calls.problem_counts.calls  # read first, so that new problems are not counted
    return max(0, total - len(list_problems(calls)))


def list_unused(rules: Iterable[Rule]) -> list[str]:
    """Return a sentence for each rule that was never used, or not completely."""
    return [sentence for rule in rules if (sentence := rule.explain_unused()) is not None]


def check_problems(calls: Journal, include_unanswered: bool) -> None:
    """Raise UnmatchedRequest if a request was not answered by a rule, or a response not recorded.

    Args:
        calls: the journal.
        include_unanswered: whether requests that no rule answered count too; otherwise only
            responses that could not be recorded count.
    """
    counts = calls.problem_counts
    # Read first, so that new problems are not mistaken for dropped ones.
    unanswered_count, unrecorded_count = counts.unanswered_calls, counts.unrecorded_calls
    lines = []
    if include_unanswered:
        problems = [f"{call.line()}\n{call.problem}" for call in calls if call.problem]
        lines += _describe(calls, "answer", "request", "\n\n", problems, unanswered_count)
    problems = [call.line() for call in calls if call.unrecorded]
    lines += _describe(calls, "record", "response", "\n", problems, unrecorded_count)
    if lines:
        raise UnmatchedRequest("\n".join(lines))


def _describe(
    calls: Journal, verb: str, noun: str, separator: str, problems: list[str], total: int
) -> list[str]:
    """Return the lines about one kind of problem: heading, problems, and the number of others."""
    dropped_count = max(0, total - len(problems))
    if not problems and not dropped_count:
        return []
    n = len(problems) + dropped_count
    heading = f"the mock could not {verb} {n} {noun}{'s' * (n > 1)}"
    if not problems:
        pronoun = "them" if n > 1 else "it"
        return [f"{heading}; the journal has dropped {pronoun} because of {calls.limits}"]
    earlier = f"and {dropped_count} earlier one{'s' * (dropped_count > 1)}"
    rest = (
        [f"{earlier}, which the journal has dropped because of {calls.limits}"]
        if dropped_count
        else []
    )
    return [f"{heading}:", separator.join(problems), *rest]


def check_unused(calls: Journal, rules: Iterable[Rule]) -> None:
    """Raise UnusedRule if a rule or one of its replies was never used, or no request arrived."""
    sentences = list_unused(rules)
    if not calls:
        raise UnusedRule("\n".join(["no request reached the mock", *sentences]))
    if sentences:
        raise UnusedRule("the mock has unused rules or replies:\n" + "\n".join(sentences))
