"""The input audio buffer, and the detection of speech in it.

Rules of this file: no I/O. Time is that of the audio. Speech is what is loud: a frame of 20 ms
counts as speech with the likelihood r / (r + 0.02), where r is its root mean square and 1 is full
scale. So the usual threshold, 0.5, is passed by anything louder than -34 dB.
"""

from __future__ import annotations

import base64
import binascii
import math
from array import array
from collections.abc import Mapping
from operator import mul
from typing import Any, Literal, NamedTuple

from openai_mockserver.api.realtime.sound import bytes_per_second, decode_samples
from openai_mockserver.sessions.realtime import errors

__all__ = ["MOST_BUFFERED", "AudioBuffer", "Edge"]

FRAME_MS = 20

MOST_BUFFERED = 2**26
"""Maximum number of bytes in the buffer of audio, and of all audio that a session keeps.

OpenAI's own limit is not known."""

_QUIET = 0.02 * 0x8000
_EAGERNESS = {"low": 2000, "medium": 1000, "auto": 1000, "high": 500}
"""Milliseconds of silence that end a turn, by the eagerness of semantic detection. OpenAI decides
by the words; ours are only meant to differ."""


class Edge(NamedTuple):
    """The start or the end of speech.

    Args:
        kind: ``started`` or ``stopped``.
        ms: its time since the first audio, in milliseconds.
        audio: the speech, if it has stopped.
    """

    kind: Literal["started", "stopped"]
    ms: int
    audio: bytes = b""


class AudioBuffer:
    """What a client has said since the last commit."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._start_ms = 0.0  # time of the first byte
        self._frame_at = 0  # bytes that have been examined
        self._speech_start: int | None = None
        self._silence_ms = 0
        self._floor_ms = 0.0  # where the last speech ended

    @property
    def data(self) -> bytes:
        """All that is in the buffer."""
        return bytes(self._data)

    def __len__(self) -> int:
        return len(self._data)

    @property
    def is_speech(self) -> bool:
        """Whether somebody speaks."""
        return self._speech_start is not None

    def read(self, event: Mapping[str, Any]) -> bytes:
        """Return the audio of a client event; raise ValueError with an error if it is unusable."""
        try:
            data = base64.b64decode(event.get("audio") or "", validate=True)
        except (binascii.Error, TypeError, ValueError):
            problem = "Expected base64-encoded audio bytes."
            raise ValueError(errors.invalid_audio(problem)) from None
        if len(self._data) + len(data) > MOST_BUFFERED:
            raise ValueError(errors.invalid_audio("The buffer is full."))
        return data

    def clear(self, format: Mapping[str, Any]) -> None:
        """Forget what is in the buffer; its time goes on."""
        self._start_ms += 1000 * len(self._data) / bytes_per_second(format)
        self._floor_ms = self._start_ms
        self._data.clear()
        self._frame_at, self._speech_start, self._silence_ms = 0, None, 0

    def append(
        self, data: bytes, format: Mapping[str, Any], detection: Mapping[str, Any] | None
    ) -> list[Edge]:
        """Add audio, and return where speech starts and stops in it.

        Args:
            data: the audio.
            format: its format.
            detection: how turns are detected; None if the client commits them.
        """
        self._data += data
        if detection is None:
            return []
        edges: list[Edge] = []
        rate = bytes_per_second(format)
        size = rate * FRAME_MS // 1000
        while self._frame_at + size <= len(self._data):
            frame = bytes(self._data[self._frame_at : self._frame_at + size])
            self._frame_at += size
            is_loud = _is_loud(decode_samples(frame, format), detection)
            if edge := self._examine(is_loud, rate, detection):
                edges.append(edge)
        if self._speech_start is None:
            self._trim(rate, detection)
        return edges

    def _time(self, at: int, rate: int) -> float:
        return self._start_ms + 1000 * at / rate

    def _examine(self, is_loud: bool, rate: int, detection: Mapping[str, Any]) -> Edge | None:
        """Return what the frame that ends now means."""
        now = self._time(self._frame_at, rate)
        if self._speech_start is None:
            if not is_loud:
                return None
            padding = detection.get("prefix_padding_ms") or 0
            self._speech_start = int(max(self._floor_ms, now - FRAME_MS - padding))
            self._silence_ms = 0
            return Edge("started", self._speech_start)
        self._silence_ms = 0 if is_loud else self._silence_ms + FRAME_MS
        if self._silence_ms < _find_silence(detection):
            return None
        first = int((self._speech_start - self._start_ms) * rate / 1000) // 2 * 2
        audio = bytes(self._data[max(0, first) : self._frame_at])
        del self._data[: self._frame_at]
        self._start_ms = self._floor_ms = now
        self._frame_at, self._speech_start, self._silence_ms = 0, None, 0
        return Edge("stopped", int(now), audio)

    def _trim(self, rate: int, detection: Mapping[str, Any]) -> None:
        """Forget silence that no speech will begin with."""
        padding = (detection.get("prefix_padding_ms") or 0) * rate // 1000
        excess = (self._frame_at - padding) // 2 * 2
        if excess > 0:
            del self._data[:excess]
            self._frame_at -= excess
            self._start_ms += 1000 * excess / rate


def _find_silence(detection: Mapping[str, Any]) -> int:
    if detection.get("type") == "semantic_vad":
        return _EAGERNESS.get(str(detection.get("eagerness")), 1000)
    return int(detection.get("silence_duration_ms") or 0)


def _is_loud(samples: array[int], detection: Mapping[str, Any]) -> bool:
    threshold = detection.get("threshold")
    threshold = 0.5 if threshold is None else threshold
    level = math.sqrt(sum(map(mul, samples, samples)) / max(1, len(samples)))
    return level > 0 and level / (level + _QUIET) >= threshold
