"""The command ``openai-mockserver``, one file for each of its own commands."""

from __future__ import annotations

from openai_mockserver.cli.program import main

__all__ = ["main"]
