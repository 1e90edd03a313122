"""``/v1/chat/completions``: a reply to its stream or JSON body, and back."""

from __future__ import annotations

from openai_mockserver.api.chat.endpoints import ENDPOINTS
from openai_mockserver.api.chat.reader import read
from openai_mockserver.api.chat.renderer import PATH, render

__all__ = ["ENDPOINTS", "PATH", "read", "render"]
