"""`MockOpenAI`, the builder of its rules, its doors, and its reports; and `remote`, its like."""

from openai_mockserver.mock.mock_openai import MockOpenAI
from openai_mockserver.mock.rule_builder import RuleBuilder

__all__ = ["MockOpenAI", "RuleBuilder"]
