"""The handler that says why each rule did not answer a call.

Rules of this file: no rule is used up by looking. The rules are those of now, not of when the call
arrived.
"""

from __future__ import annotations

from msgspec import Struct

from openai_mockserver.control.calls import find_call
from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.rules.pattern import RequestValues
from openai_mockserver.rules.rulebook import measure_distance
from openai_mockserver.sensitive import hide_keys

__all__ = ["NearMisses", "list_near_misses"]


class NearMiss(Struct):
    """A rule, and why it does not answer the request; null if it would answer it now."""

    rule: int
    description: str
    reason: str | None


class NearMisses(Struct):
    """The rules, the closest first, with what was wrong for each."""

    number: int
    problem: str | None
    rules: list[NearMiss]


def list_near_misses(mock: Steerable, request: ControlRequest) -> NearMisses:
    """Return why each rule does not answer a call."""
    call = find_call(mock, request)
    values = RequestValues(call)
    reasons = [
        (rule, rule.find_mismatch(values) or rule.explain_exhaustion())
        for rule in reversed(mock.rules)
    ]
    reasons.sort(key=lambda one: measure_distance(one[0], one[1] or "", values))
    misses = [
        NearMiss(rule.number, repr(rule), None if reason is None else hide_keys(str(reason), "…"))
        for rule, reason in reasons
    ]
    return NearMisses(call.number, call.problem, misses)
