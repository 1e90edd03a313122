"""``/v1/audio``: render replies as transcriptions and read them back; render text as speech."""

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
