"""The endpoints of transcriptions, translations and speech."""

from __future__ import annotations

from openai_mockserver.api.audio.speech import speak_text
from openai_mockserver.api.audio.transcriptions import (
    compose_transcription,
    compose_translation,
    read,
    transcribe,
    translate,
)
from openai_mockserver.api.endpoint import Endpoint
from openai_mockserver.api.validation.parameters import parameters_of

__all__ = ["ENDPOINTS"]

TRANSCRIPTIONS = "/v1/audio/transcriptions"
TRANSLATIONS = "/v1/audio/translations"
SPEECH = "/v1/audio/speech"

ENDPOINTS = (
    Endpoint(
        path=TRANSCRIPTIONS,
        parameters=parameters_of("POST", TRANSCRIPTIONS),
        form=True,
        render=compose_transcription,
        read=read,
        answer=transcribe,
    ),
    Endpoint(
        path=TRANSLATIONS,
        parameters=parameters_of("POST", TRANSLATIONS),
        form=True,
        render=compose_translation,
        read=read,
        answer=translate,
    ),
    Endpoint(path=SPEECH, parameters=parameters_of("POST", SPEECH), answer=speak_text),
)
