"""``/v1/responses``: render a reply as events or as a JSON body, and read it back."""

from __future__ import annotations

from openai_mockserver.api.responses.endpoints import ENDPOINTS
from openai_mockserver.api.responses.envelope import Envelope
from openai_mockserver.api.responses.reader import read
from openai_mockserver.api.responses.renderer import PATH, render

__all__ = ["ENDPOINTS", "PATH", "Envelope", "read", "render"]
