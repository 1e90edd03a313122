"""Rules: which replies answer which request.

`answer` holds what a rule answers, `matcher` the patterns, and `pattern` the conditions of a rule;
`rule` gives answers in turn, and `rulebook` finds the newest rule that matches.
"""

from openai_mockserver.rules.answer import Answer, Faulty, ReplyFunction, faulty
from openai_mockserver.rules.matcher import (
    Contains,
    Matcher,
    Pattern,
    all_of,
    any_of,
    contains,
    ge,
    gt,
    le,
    lt,
    not_,
    regex,
)
from openai_mockserver.rules.pattern import explain
from openai_mockserver.rules.rule import Rule
from openai_mockserver.rules.rulebook import Rulebook, RuleSet, Unmatched

__all__ = [
    "Answer",
    "Contains",
    "Faulty",
    "Matcher",
    "Pattern",
    "ReplyFunction",
    "Rule",
    "RuleSet",
    "Rulebook",
    "Unmatched",
    "all_of",
    "any_of",
    "contains",
    "explain",
    "faulty",
    "ge",
    "gt",
    "le",
    "lt",
    "not_",
    "regex",
]
