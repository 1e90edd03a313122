"""Audio that nobody recorded: a tone for each word, as long as the text takes to say.

Rules of this file: a function of its arguments, mono at 24 kHz. WAV and PCM hold the tones; the
formats that need an encoder hold as much silence, in frames that every decoder takes.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Callable, Iterator
from functools import cache
from random import Random

from openai_mockserver.api.disk_bytes import DiskBytes

__all__ = ["FORMATS", "MIME", "RATE", "seconds", "speak"]

RATE = 24_000
"""Samples a second, as in OpenAI's PCM."""

SECONDS = 0.075
"""How long a character takes: the recorded voice says 39 in 3 seconds."""

BYTES = 16_000
"""A second of MP3 at 128 kbit/s, which is what OpenAI sends."""


def speak(text: str, format: str = "mp3", voice: str = "alloy", speed: float = 1.0) -> bytes:
    """A text as audio.

    Args:
        text: what is said; its length is the audio's.
        format: one of `FORMATS`.
        voice: another voice has other tones.
        speed: how many times as fast as usual.

    >>> seconds(speak("Hello, world", "wav"))
    0.9
    """
    return FORMATS[format](_samples(text, voice, speed))


def seconds(data: bytes | DiskBytes) -> float:
    """How long audio is: what a WAV's header says, else as if it were OpenAI's MP3."""
    head = bytes(data[:44])
    if head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt " and len(head) == 44:
        a_second = int.from_bytes(head[28:32], "little")
        return round((len(data) - 44) / max(1, a_second), 3)
    return round(len(data) / BYTES, 3)


def _samples(text: str, voice: str, speed: float) -> array[int]:
    """Signed 16-bit samples."""
    a_character = RATE * SECONDS / speed
    made = array("h")
    for word in text.split(" "):
        period = _period(Random(f"{voice}\0{word}").randint(80, 240))
        length = int(len(word) * a_character) // len(period) * len(period)
        made += period * (length // len(period))
        made += array("h", bytes(2 * round(a_character)))
    size = round(len(text) * a_character)
    made += array("h", bytes(2 * max(0, size - len(made))))
    return made[:size]


@cache
def _period(samples: int) -> array[int]:
    """One period of a sine, a third as loud as can be."""
    return array(
        "h", (round(10_000 * math.sin(2 * math.pi * at / samples)) for at in range(samples))
    )


# Without an encoder


def _pcm(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()


def _wav(samples: array[int]) -> bytes:
    data = _pcm(samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE") + form + _sized(data)


def _sized(data: bytes) -> bytes:
    return struct.pack("<4sI", b"data", len(data)) + data


# With silence

BLOCK = 4096  # samples in a FLAC frame


def _flac(samples: array[int]) -> bytes:
    """RFC 9639: one metadata block, then frames whose only subframe is constant."""
    shape = (RATE << 44 | (16 - 1) << 36 | len(samples)).to_bytes(8)
    info = struct.pack(">HH", BLOCK, BLOCK) + bytes(6) + shape + bytes(16)
    frames = []
    for number, at in enumerate(range(0, len(samples), BLOCK)):
        size = min(BLOCK, len(samples) - at)
        # A size of its own (code 7) in two bytes, 24 kHz (code 7), mono, 16 bits.
        head = b"\xff\xf8\x77\x08" + _coded(number) + struct.pack(">H", size - 1)
        frame = head + _crc(head, 8, 0x07) + bytes(3)
        frames.append(frame + _crc(frame, 16, 0x8005))
    return b"fLaC\x80" + len(info).to_bytes(3) + info + b"".join(frames)


def _coded(number: int) -> bytes:
    """RFC 9639 §9.1.5: a number as UTF-8 codes one, surrogates too."""
    return chr(number).encode("utf-8", "surrogatepass")


def _crc(data: bytes, bits: int, polynomial: int) -> bytes:
    """A cyclic redundancy check, most significant bit first, from zero."""
    table, top = _crcs(bits, polynomial), bits - 8
    mask, crc = (1 << bits) - 1, 0
    for octet in data:
        crc = crc << 8 & mask ^ table[crc >> top ^ octet]
    return crc.to_bytes(bits // 8)


@cache
def _crcs(bits: int, polynomial: int) -> tuple[int, ...]:
    def one(octet: int) -> int:
        crc = octet << (bits - 8)
        for _ in range(8):
            crc = crc << 1 ^ (polynomial if crc >> (bits - 1) else 0)
            crc &= (1 << bits) - 1
        return crc

    return tuple(map(one, range(256)))


def _mp3(samples: array[int]) -> bytes:
    """Frames of MPEG-2 Layer III at 128 kbit/s, as recorded, of which nothing is coded."""
    return (b"\xff\xf3\xc4\xc4" + bytes(380)) * math.ceil(len(samples) / 576)


def _aac(samples: array[int]) -> bytes:
    """ADTS frames (ISO 13818-7) of AAC-LC, each with one silent channel."""
    silence = b"\x00\xc8\x00\x80\x23\x80"
    size = 7 + len(silence)
    header = bytes((0xFF, 0xF1, 0x58, 0x40 | size >> 11, size >> 3 & 0xFF, size << 5 & 0xFF | 0x1F))
    return (header + b"\xfc" + silence) * math.ceil(len(samples) / 1024)


def _opus(samples: array[int]) -> bytes:
    """Ogg (RFC 3533) with Opus (RFC 7845): packets of 20 ms, 50 a page."""
    head = struct.pack("<8sBBHIHB", b"OpusHead", 1, 1, 312, RATE, 0, 0)
    tags = struct.pack("<8sI4sI", b"OpusTags", 4, b"mock", 0)
    return b"".join(_pages(head, tags, math.ceil(len(samples) / (RATE // 50))))


def _pages(head: bytes, tags: bytes, packets: int) -> Iterator[bytes]:
    silence = b"\xf8\xff\xfe"
    yield _page(2, 0, 0, [head])
    yield _page(0 if packets else 4, 0, 1, [tags])
    for number, done in enumerate(range(0, packets, 50)):
        some = min(50, packets - done)
        last = 4 if done + some == packets else 0
        yield _page(last, (done + some) * 960, number + 2, [silence] * some)


def _page(kind: int, granule: int, number: int, packets: list[bytes]) -> bytes:
    sizes = bytes(map(len, packets))
    head = struct.pack("<4sBBQII", b"OggS", 0, kind, granule, 1, number)
    rest = bytes((len(sizes),)) + sizes + b"".join(packets)
    crc = _crc(head + bytes(4) + rest, 32, 0x04C11DB7)
    return head + crc[::-1] + rest


FORMATS: dict[str, Callable[[array[int]], bytes]] = {
    "mp3": _mp3,
    "opus": _opus,
    "aac": _aac,
    "flac": _flac,
    "wav": _wav,
    "pcm": _pcm,
}
"""How samples are written, by format."""

MIME = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
"""The content types of the formats."""
