"""Replies that nobody wrote: plausible text, tool calls and JSON of any schema, from a seed."""

from __future__ import annotations

from openai_mockserver.generate.reply import generate

__all__ = ["generate"]
