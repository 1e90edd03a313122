"""Handlers about the rules."""

from __future__ import annotations

from typing import Any

import msgspec

from openai_mockserver.control.problem import Problem, split_place
from openai_mockserver.control.routing import ControlRequest
from openai_mockserver.control.shapes import RuleList, RuleSummary
from openai_mockserver.control.steerable import Steerable
from openai_mockserver.exceptions import MockServerError, ScenarioError
from openai_mockserver.rules import Rule
from openai_mockserver.scenario import read_rules
from openai_mockserver.scenario.rule_json import encode_rule

__all__ = ["add", "delete", "delete_all", "find", "list_all", "read", "replace"]


def summarize_rule(rule: Rule, mock: Steerable) -> RuleSummary:
    """Return a rule as JSON."""
    try:
        members = encode_rule(rule)
        msgspec.json.encode(members)
    except (MockServerError, IndexError, TypeError, ValueError):
        members = None
    is_pinned = rule in mock.rules.pinned_rules
    return RuleSummary(
        rule.number, repr(rule), rule.use_count, members, rule.explain_unused(), is_pinned
    )


def read(mock: Steerable, values: list[Any], at: str = "rules") -> list[Rule]:
    """Return rules from JSON. Raises Problem 422 for an invalid one."""
    draft = mock.draft()
    try:
        read_rules(draft, values, at=at)
    except ScenarioError as error:
        place, sentence = split_place(str(error))
        raise Problem(422, sentence, place) from None
    return [rule.copy(mock.calls) for rule in draft.rules]


def list_all(mock: Steerable, request: ControlRequest) -> RuleList:
    """Return all rules."""
    return RuleList([summarize_rule(rule, mock) for rule in mock.rules])


def add(mock: Steerable, request: ControlRequest) -> RuleList:
    """Add a rule, or several: all of them, or none if one is invalid."""
    rules = _read_body(mock, request.body)
    for rule in rules:
        mock.rules.add(rule)
    return RuleList([summarize_rule(rule, mock) for rule in rules])


def replace(mock: Steerable, request: ControlRequest) -> RuleList:
    """Replace all rules at once."""
    mock.rules.replace_all(_read_body(mock, request.body))
    return list_all(mock, request)


def _read_body(mock: Steerable, body: Any) -> list[Rule]:
    """Return the rules in a body: one rule, a list of them, or a mapping with that list."""
    if isinstance(body, dict) and body.keys() == {"rules"}:
        body = body["rules"]
    elif isinstance(body, dict):
        rule_list = [body]
        try:
            return read(mock, rule_list, "rules")
        except Problem as problem:
            place = (problem.place or "").removeprefix("rules[0]").removeprefix(".") or None
            raise Problem(problem.status, problem.detail, place) from None
    if not isinstance(body, list):
        raise Problem(422, "the body must be a rule, a list of rules, or a mapping with rules")
    return read(mock, body)


def find(mock: Steerable, request: ControlRequest) -> RuleSummary:
    """Return a rule."""
    number = request.number("number")
    for rule in mock.rules:
        if rule.number == number:
            return summarize_rule(rule, mock)
    raise Problem(404, f"there is no rule {number}")


def delete(mock: Steerable, request: ControlRequest) -> None:
    """Remove a rule."""
    number = request.number("number")
    if not mock.rules.remove(number):
        raise Problem(404, f"there is no rule {number}")


def delete_all(mock: Steerable, request: ControlRequest) -> None:
    """Remove all rules."""
    mock.rules.replace_all([])
