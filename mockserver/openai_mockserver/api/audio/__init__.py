"""``/v1/audio``: a reply as the text of a recording, and back; a text as audio."""

from __future__ import annotations

from openai_mockserver.api.audio.endpoints import ENDPOINTS
from openai_mockserver.api.audio.speech import Speech, read_speech, render_speech
from openai_mockserver.api.audio.transcriptions import read, render, render_translation

__all__ = [
    "ENDPOINTS",
    "Speech",
    "read",
    "read_speech",
    "render",
    "render_speech",
    "render_translation",
]
