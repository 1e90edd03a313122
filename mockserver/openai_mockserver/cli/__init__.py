"""The command ``openai-mockserver``, one file for each subcommand."""

from __future__ import annotations

from openai_mockserver.cli.program import main

__all__ = ["main"]
