"""The audio of a session: PCM at 24 or 16 kHz, and the two codings of telephones at 8 kHz.

Rules of this file: pure functions of the bytes. Samples are signed, of 16 bits, and mono. To change
the rate, samples are repeated or left out.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from functools import cache
from typing import Any

from openai_mockserver.api.audio.tones import RATE, speak

__all__ = [
    "PCM",
    "bytes_per_second",
    "decode_samples",
    "encode_pcm",
    "encode_speech",
    "make_silence",
    "read_as_pcm",
]

PCM = {"type": "audio/pcm", "rate": RATE}
"""The format of a session that asks for no other."""

_TELEPHONE_RATE, _LOW_RATE = 8000, 16_000


def bytes_per_second(format: Mapping[str, Any]) -> int:
    """Return how many bytes a second of audio has.

    >>> bytes_per_second(PCM), bytes_per_second({"type": "audio/pcmu"})
    (48000, 8000)
    """
    return _find_rate(format) if format.get("type") in _DECODERS else 2 * _find_rate(format)


def _find_rate(format: Mapping[str, Any]) -> int:
    """Return how many samples a second of audio has."""
    if format.get("type") in _DECODERS:
        return _TELEPHONE_RATE
    return _LOW_RATE if format.get("rate") == _LOW_RATE else RATE


def encode_speech(text: str, format: Mapping[str, Any], voice: str, speed: float) -> bytes:
    """Return a text as audio in a format of the session; see `tones.speak`."""
    return encode_pcm(speak(text, "pcm", voice, speed), format)


def encode_pcm(data: bytes, format: Mapping[str, Any]) -> bytes:
    """Return PCM at 24 kHz in a format of the session.

    >>> encode_pcm(bytes([0, 0, 1, 0, 2, 0]), {"type": "audio/pcm", "rate": 16000}).hex()
    '00000100'
    """
    samples = _change_rate(_read_pcm(data), RATE, _find_rate(format))
    if format.get("type") not in _ENCODERS:
        return _write_pcm(samples)
    table = _build_table(str(format["type"]))
    return bytes(table[sample & 0xFFFF] for sample in samples)


def read_as_pcm(data: bytes, format: Mapping[str, Any]) -> bytes:
    """Return audio in a format of the session as PCM at 24 kHz."""
    return _write_pcm(_change_rate(decode_samples(data, format), _find_rate(format), RATE))


def make_silence(size: int, format: Mapping[str, Any]) -> bytes:
    """Return a number of bytes of silence in a format of the session."""
    return _SILENCE.get(str(format.get("type")), b"\0") * size


def _change_rate(samples: array[int], rate: int, new_rate: int) -> array[int]:
    if rate == new_rate:
        return samples
    count = len(samples) * new_rate // rate
    return array("h", (samples[at * rate // new_rate] for at in range(count)))


def _write_pcm(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()


def decode_samples(data: bytes, format: Mapping[str, Any]) -> array[int]:
    """Return the samples of audio in a format of the session."""
    decode = _DECODERS.get(str(format.get("type")))
    if decode is None:
        return _read_pcm(data)
    levels = [decode(octet) for octet in range(256)]
    return array("h", (levels[octet] for octet in data))


def _read_pcm(data: bytes) -> array[int]:
    samples = array("h")
    samples.frombytes(data[: len(data) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


# G.711


def _encode_mu_law(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    level = min(abs(sample), 32635) + 132
    segment = level.bit_length() - 8
    return ~(sign | segment << 4 | level >> (segment + 3) & 0x0F) & 0xFF


def _decode_mu_law(octet: int) -> int:
    octet = ~octet & 0xFF
    level = (((octet & 0x0F) << 3) + 132 << (octet >> 4 & 7)) - 132
    return -level if octet & 0x80 else level


def _encode_a_law(sample: int) -> int:
    sign = 0x80 if sample >= 0 else 0
    level = min(abs(sample), 32767)
    segment = max(0, level.bit_length() - 8)
    return (sign | segment << 4 | level >> max(4, segment + 3) & 0x0F) ^ 0x55


def _decode_a_law(octet: int) -> int:
    octet ^= 0x55
    segment = octet >> 4 & 7
    level = ((octet & 0x0F) << 4) + (264 if segment else 8) << max(0, segment - 1)
    return level if octet & 0x80 else -level


_ENCODERS = {"audio/pcmu": _encode_mu_law, "audio/pcma": _encode_a_law}
_DECODERS = {"audio/pcmu": _decode_mu_law, "audio/pcma": _decode_a_law}
_SILENCE = {"audio/pcmu": b"\xff", "audio/pcma": b"\xd5"}


@cache
def _build_table(type: str) -> bytes:
    """Return the octet of each sample, by its lowest 16 bits."""
    encode = _ENCODERS[type]
    return bytes(encode(n if n < 0x8000 else n - 0x10000) for n in range(0x10000))
