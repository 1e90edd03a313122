"""Scenario files: rules and replies in YAML or JSON, without Python.

The loader reads a file (`loader`), and `rule_json` is its inverse; `patterns` has the words that
patterns are made of, and `templates` renders strings that quote the request.
"""

from __future__ import annotations

from openai_mockserver.scenario.loader import (
    RuleMaker,
    add_content,
    add_rules,
    load,
    parse,
    read_engine,
    read_fault,
    read_pace,
    read_rules,
)

__all__ = [
    "RuleMaker",
    "add_content",
    "add_rules",
    "load",
    "parse",
    "read_engine",
    "read_fault",
    "read_pace",
    "read_rules",
]
