"""Reports about a mock's calls and rules: what went wrong, and what was never used.

Rules of this file: functions of the journal and the rulebook. Dropped calls are counted too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from openai_mockserver.exceptions import (
    MockServerError,
    UnmatchedRequest,
    UnusedRule,
    WrongOrder,
)
from openai_mockserver.journal import Call, Journal
from openai_mockserver.rules import Rule

__all__ = [
    "check_order",
    "check_problems",
    "check_rules",
    "check_unused",
    "count_forgotten_problems",
    "describe_unused",
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
        raise UnusedRule(describe_unused(sentences))


def describe_unused(sentences: Iterable[str]) -> str:
    """Return the message about rules and replies that were never used, given their sentences."""
    return "\n".join(["the mock has unused rules or replies:", *sentences])


def check_rules(known_rules: Sequence[Rule], rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules of an expected order. Raises MockServerError if it makes no sense."""
    if len(rules) < 2:
        raise MockServerError("expect_in_order() needs two rules or more")
    for rule in rules:
        if not any(rule is known_rule for known_rule in known_rules):
            raise MockServerError(
                f"expect_in_order({rule!r:.100}): not a rule of this mock, which reply() returns"
            )
    return tuple(rules)


def check_order(calls: Journal, rules: Sequence[Rule]) -> None:
    """Raise WrongOrder if the rules answered requests in another order, or not as often."""
    answered_calls: list[Call] = []
    for logical_call in calls.logical:
        # A retry that the same rule answers is the same step of the application.
        last_rule = None
        for call in logical_call.attempts:
            if call.rule is not last_rule and call.rule in rules:
                answered_calls.append(call)
            last_rule = call.rule
    answered_calls.sort(key=lambda call: call.number)
    if [call.rule for call in answered_calls] == list(rules):
        return
    lines = ["the requests came in another order than expected:"]
    for index in range(max(len(rules), len(answered_calls))):
        expected = repr(rules[index]) if index < len(rules) else "nothing"
        actual = "nothing"
        if index < len(answered_calls):
            call = answered_calls[index]
            actual = f"call #{call.number}, answered by {call.rule!r}"
        lines.append(f"  {index + 1}. expected {expected}, got {actual}")
    raise WrongOrder("\n".join(lines))
