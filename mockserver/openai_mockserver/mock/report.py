"""What a mock reports of its calls and rules: what went wrong, and what was never used.

Rules of this file: functions of the journal and the rulebook; what the journal forgot is counted.
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
    """The calls with problems, of those that are kept."""
    return [call for call in calls if call.problem or call.unrecorded]


def count_forgotten_problems(calls: Journal) -> int:
    """How many calls with problems are not kept any more."""
    total = calls.problem_counts.calls  # first, so that what comes now is none of these
    return max(0, total - len(list_problems(calls)))


def list_unused(rules: Iterable[Rule]) -> list[str]:
    """What was never given to any request, in words."""
    return [unused for rule in rules if (unused := rule.unused) is not None]


def check_problems(calls: Journal, unanswered: bool) -> None:
    """Raise UnmatchedRequest for requests not answered as a rule says, and responses not recorded.

    Args:
        calls: the journal.
        unanswered: whether requests that were not answered count, or recordings only.
    """
    counts = calls.problem_counts
    # First, so that what comes now is not taken for what was forgotten.
    total_unanswered, total_unrecorded = counts.unanswered, counts.unrecorded
    lines = []
    if unanswered:
        problems = [f"{call.line()}\n{call.problem}" for call in calls if call.problem]
        lines += _describe(calls, "answer", "request", "\n\n", problems, total_unanswered)
    unrecorded = [call.line() for call in calls if call.unrecorded]
    lines += _describe(calls, "record", "response", "\n", unrecorded, total_unrecorded)
    if lines:
        raise UnmatchedRequest("\n".join(lines))


def _describe(
    calls: Journal, verb: str, noun: str, between: str, kept: list[str], total: int
) -> list[str]:
    """The lines about problems of one kind: a heading, those kept, and a count of others."""
    forgotten = max(0, total - len(kept))
    if not kept and not forgotten:
        return []
    n = len(kept) + forgotten
    heading = f"the mock could not {verb} {n} {noun}{'s' * (n > 1)}"
    if not kept:
        return [f"{heading}, which {calls.limits} forgot"]
    earlier = f"and {forgotten} earlier one{'s' * (forgotten > 1)}"
    rest = [f"{earlier}, which {calls.limits} forgot"] if forgotten else []
    return [f"{heading}:", between.join(kept), *rest]


def check_unused(calls: Journal, rules: Iterable[Rule]) -> None:
    """Raise UnusedRule if a rule, or one of its replies, was never given, or no request came."""
    unused = list_unused(rules)
    if not calls:
        raise UnusedRule("\n".join(["no request reached the mock", *unused]))
    if unused:
        raise UnusedRule("the mock has what no request asked for:\n" + "\n".join(unused))
