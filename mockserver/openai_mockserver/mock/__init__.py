"""The object users hold: `MockOpenAI`, its rules' builder, its doors, and what it reports."""

from openai_mockserver.mock.mock_openai import MockOpenAI
from openai_mockserver.mock.rule_builder import RuleBuilder

__all__ = ["MockOpenAI", "RuleBuilder"]
