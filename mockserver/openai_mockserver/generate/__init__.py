"""Generated replies: plausible text, tool calls, and JSON for any schema, from a seed."""

from __future__ import annotations

from openai_mockserver.generate.reply import generate

__all__ = ["generate"]
