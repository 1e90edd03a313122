"""Rules: which replies answer which request.

`pattern` holds the conditions and compares patterns, `rule` gives answers in turn, and `rulebook`
finds the newest rule that matches.
"""

from openai_mockserver.rules.pattern import Contains, Pattern, contains, explain
from openai_mockserver.rules.rule import Answer, Faulty, Rule, faulty
from openai_mockserver.rules.rulebook import Rulebook, Unmatched

__all__ = [
    "Answer",
    "Contains",
    "Faulty",
    "Pattern",
    "Rule",
    "Rulebook",
    "Unmatched",
    "contains",
    "explain",
    "faulty",
]
