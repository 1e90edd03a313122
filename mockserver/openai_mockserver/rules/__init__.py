"""Rules: which replies answer which request.

`answer` holds what a rule answers, `pattern` the conditions and how patterns are compared; `rule`
gives answers in turn, and `rulebook` finds the newest rule that matches.
"""

from openai_mockserver.rules.answer import Answer, Faulty, ReplyFunction, faulty
from openai_mockserver.rules.pattern import Contains, Pattern, contains, explain
from openai_mockserver.rules.rule import Rule
from openai_mockserver.rules.rulebook import Rulebook, Unmatched

__all__ = [
    "Answer",
    "Contains",
    "Faulty",
    "Pattern",
    "ReplyFunction",
    "Rule",
    "Rulebook",
    "Unmatched",
    "contains",
    "explain",
    "faulty",
]
