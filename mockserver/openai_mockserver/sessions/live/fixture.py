"""An audio fixture: sound that a client has the session play.

Rules of this file: no I/O. It sounds in real time, in the pieces in which the model's speech does.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Mapping
from typing import Any

from openai_mockserver.api.realtime.sound import PCM, bytes_per_second, encode_pcm
from openai_mockserver.sessions.live import errors
from openai_mockserver.sessions.session import Turn

__all__ = ["Fixture", "read_fixture"]

PIECE_SECONDS = 0.1
MOST_SECONDS = 30
"""The length of a fixture (types/live/output_audio_fixture_play_event.py)."""

_RATE = bytes_per_second(PCM)


class Fixture:
    """A fixture that is being played.

    Args:
        data: PCM at 24 kHz.
        event_id: the id that the client has given its event.

    Attributes:
        timer: the turn that says when the next piece is due; nobody answers it.
        event_id: the id that the client has given its event.
    """

    def __init__(self, data: bytes, event_id: str | None) -> None:
        self.timer = Turn(b"")
        self.event_id = event_id
        size = int(_RATE * PIECE_SECONDS)
        self._pieces = deque(data[at : at + size] for at in range(0, len(data), size))

    def take_piece(self, format: Mapping[str, Any]) -> tuple[bytes, float] | None:
        """Return the next piece in a format, and its length in seconds; None at the end."""
        if not self._pieces:
            return None
        piece = self._pieces.popleft()
        return encode_pcm(piece, format), len(piece) / _RATE


def read_fixture(event: Mapping[str, Any]) -> bytes:
    """Return the audio of a client event. Raises ValueError with an ApiError."""
    audio = event.get("audio")
    if not isinstance(audio, str):
        raise ValueError(errors.wrong_type("audio", "a string"))
    try:
        data = base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(errors.invalid_fixture("Expected base64-encoded audio bytes.")) from None
    if not data or len(data) % 2:
        raise ValueError(errors.invalid_fixture("Expected whole samples of 16 bits."))
    if len(data) > _RATE * MOST_SECONDS:
        problem = f"Expected at most {MOST_SECONDS} seconds of audio."
        raise ValueError(errors.invalid_fixture(problem))
    return data
