"""Scenario files: rules and replies in YAML or JSON, without Python.

The loader reads a file (`loader`); `patterns` has the words that patterns are made of, and
`templates` renders strings that quote the request.
"""

from __future__ import annotations

from openai_mockserver.scenario.loader import add_content, add_rules, load

__all__ = ["add_content", "add_rules", "load"]
