"""What a Live session hears, and what time it is in the session.

Rules of this file: no I/O and no clock. Time is that of the audio, in milliseconds: it goes on with
what the user sends and with what the model says. If the model's speech arrives faster than it
sounds, what the user says next comes after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from openai_mockserver.api.realtime.sound import bytes_per_second, make_silence
from openai_mockserver.sessions.realtime.speech import AudioBuffer

__all__ = ["Ear", "Edge"]

_SILENCE_MS = 500
_DETECTION = {
    "type": "server_vad",
    "prefix_padding_ms": 300,
    "silence_duration_ms": _SILENCE_MS,
}


class Edge(NamedTuple):
    """The start or the end of what a user says.

    Args:
        kind: ``started`` or ``stopped``.
        start_ms, end_ms: when it was said; before it has stopped both are its start.
        audio: the speech, if it has stopped.
    """

    kind: Literal["started", "stopped"]
    start_ms: float
    end_ms: float
    audio: bytes = b""


class Ear:
    """Listens to the audio of a session.

    Args:
        format: the format of the audio.

    Attributes:
        is_muted: whether the model hears silence.
    """

    def __init__(self, format: Mapping[str, Any]) -> None:
        self.is_muted = False
        self._format = format
        self._buffer = AudioBuffer()
        self._sound_ms = 0.0  # end of all that has been said, by the user or by the model
        self._heard_ms = 0.0  # length of all that has been appended
        self._offset = 0.0  # of the speech that has begun
        self._start_ms = 0.0

    @property
    def ms(self) -> float:
        """The time of the session, in milliseconds."""
        offset = self._offset if self._buffer.is_speech else 0.0
        return max(self._sound_ms, self._heard_ms + offset)

    def advance(self, ms: float) -> None:
        """Note that the model sounds until this time, in milliseconds."""
        self._sound_ms = max(self._sound_ms, ms)

    def append(self, event: Mapping[str, Any]) -> Iterator[Edge]:
        """Yield where speech starts and stops in the audio of a client event.

        Raises ValueError with an ApiError if the audio is unusable.
        """
        data = self._buffer.read(event)
        if self.is_muted:
            data = make_silence(len(data), self._format)
        self._heard_ms += 1000 * len(data) / bytes_per_second(self._format)
        for edge in self._buffer.append(data, self._format, _DETECTION):
            if edge.kind == "started":
                self._offset = max(0.0, self._sound_ms - edge.ms)
                self._start_ms = edge.ms + self._offset
                yield Edge("started", self._start_ms, self._start_ms)
            else:
                now = edge.ms + self._offset
                self.advance(now)
                yield Edge("stopped", self._start_ms, now - _SILENCE_MS, edge.audio)
