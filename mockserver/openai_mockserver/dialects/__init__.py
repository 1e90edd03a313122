"""Dialects: how other providers' APIs differ from OpenAI's, by name and by path."""

from __future__ import annotations

from openai_mockserver.dialects.dialect import Dialect, ExtraStep
from openai_mockserver.dialects.paths import Place, locate
from openai_mockserver.dialects.registry import dialects, find_dialect

__all__ = ["Dialect", "ExtraStep", "Place", "dialects", "find_dialect", "locate"]
