"""Generate audio: a tone for each word, as long as the text takes to say.

Rules of this file: the audio depends on the arguments alone; it is mono at 24 kHz. WAV and PCM hold
the tones. The formats that need an encoder hold silence of the same length, in frames that every
decoder accepts.
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
"""Samples per second, as in OpenAI's PCM."""

SECONDS = 0.075
"""Seconds per character: the recorded voice says 39 characters in 3 seconds."""

BYTES = 16_000
"""Bytes per second of MP3 at 128 kbit/s, as OpenAI sends it."""


def speak(text: str, format: str = "mp3", voice: str = "alloy", speed: float = 1.0) -> bytes:
    """Return a text as audio.

    Args:
        text: the text; its length determines that of the audio.
        format: one of `FORMATS`.
        voice: name of a voice; each voice has different tones.
        speed: factor by which the audio is faster than usual.

    >>> seconds(speak("Hello, world", "wav"))
    0.9
    """
    return FORMATS[format](_generate_samples(text, voice, speed))


def seconds(data: bytes | DiskBytes) -> float:
    """Return the length of audio in seconds: by a WAV's header, else as if it were OpenAI's MP3."""
    header = bytes(data[:44])
    if header[:4] == b"RIFF" and header[8:16] == b"WAVEfmt " and len(header) == 44:
        bytes_per_second = int.from_bytes(header[28:32], "little")
        return round((len(data) - 44) / max(1, bytes_per_second), 3)
    return round(len(data) / BYTES, 3)


def _generate_samples(text: str, voice: str, speed: float) -> array[int]:
    """Return the tones as signed 16-bit samples."""
    samples_per_character = RATE * SECONDS / speed
    samples = array("h")
    for word in text.split(" "):
        period = _build_sine_period(Random(f"{voice}\0{word}").randint(80, 240))
        length = int(len(word) * samples_per_character) // len(period) * len(period)
        samples += period * (length // len(period))
        samples += array("h", bytes(2 * round(samples_per_character)))
    total = round(len(text) * samples_per_character)
    samples += array("h", bytes(2 * max(0, total - len(samples))))
    return samples[:total]


@cache
def _build_sine_period(samples: int) -> array[int]:
    """Return one period of a sine at a third of the maximum amplitude."""
    return array(
        "h", (round(10_000 * math.sin(2 * math.pi * at / samples)) for at in range(samples))
    )


# Formats that hold the tones


def _encode_pcm(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()


def _encode_wav(samples: array[int]) -> bytes:
    data = _encode_pcm(samples)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE") + form + _build_data_chunk(data)


def _build_data_chunk(data: bytes) -> bytes:
    return struct.pack("<4sI", b"data", len(data)) + data


# Formats that hold silence

BLOCK = 4096  # samples in a FLAC frame


def _encode_flac(samples: array[int]) -> bytes:
    """Return FLAC (RFC 9639): one metadata block, then frames with one constant subframe each."""
    shape = (RATE << 44 | (16 - 1) << 36 | len(samples)).to_bytes(8)
    info = struct.pack(">HH", BLOCK, BLOCK) + bytes(6) + shape + bytes(16)
    frames = []
    for number, at in enumerate(range(0, len(samples), BLOCK)):
        size = min(BLOCK, len(samples) - at)
        # The block size is in two bytes (code 7); 24 kHz (code 7), mono, 16 bits.
        head = b"\xff\xf8\x77\x08" + _encode_number(number) + struct.pack(">H", size - 1)
        frame = head + _compute_crc(head, 8, 0x07) + bytes(3)
        frames.append(frame + _compute_crc(frame, 16, 0x8005))
    return b"fLaC\x80" + len(info).to_bytes(3) + info + b"".join(frames)


def _encode_number(number: int) -> bytes:
    """Encode a number as UTF-8 encodes a code point, including surrogates (RFC 9639 §9.1.5)."""
    return chr(number).encode("utf-8", "surrogatepass")


def _compute_crc(data: bytes, bits: int, polynomial: int) -> bytes:
    """Return the cyclic redundancy check, most significant bit first, with initial value 0."""
    table, top = _build_crc_table(bits, polynomial), bits - 8
    mask, crc = (1 << bits) - 1, 0
    for octet in data:
        crc = crc << 8 & mask ^ table[crc >> top ^ octet]
    return crc.to_bytes(bits // 8)


@cache
def _build_crc_table(bits: int, polynomial: int) -> tuple[int, ...]:
    def divide(octet: int) -> int:
        crc = octet << (bits - 8)
        for _ in range(8):
            crc = crc << 1 ^ (polynomial if crc >> (bits - 1) else 0)
            crc &= (1 << bits) - 1
        return crc

    return tuple(map(divide, range(256)))


def _encode_mp3(samples: array[int]) -> bytes:
    """Return empty frames of MPEG-2 Layer III at 128 kbit/s, the recorded bit rate."""
    return (b"\xff\xf3\xc4\xc4" + bytes(380)) * math.ceil(len(samples) / 576)


def _encode_aac(samples: array[int]) -> bytes:
    """Return ADTS frames (ISO 13818-7) of AAC-LC, each with one silent channel."""
    silence = b"\x00\xc8\x00\x80\x23\x80"
    size = 7 + len(silence)
    header = bytes((0xFF, 0xF1, 0x58, 0x40 | size >> 11, size >> 3 & 0xFF, size << 5 & 0xFF | 0x1F))
    return (header + b"\xfc" + silence) * math.ceil(len(samples) / 1024)


def _encode_opus(samples: array[int]) -> bytes:
    """Return Ogg (RFC 3533) with Opus (RFC 7845): packets of 20 ms, 50 to a page."""
    head = struct.pack("<8sBBHIHB", b"OpusHead", 1, 1, 312, RATE, 0, 0)
    tags = struct.pack("<8sI4sI", b"OpusTags", 4, b"mock", 0)
    return b"".join(_build_pages(head, tags, math.ceil(len(samples) / (RATE // 50))))


def _build_pages(head: bytes, tags: bytes, packets: int) -> Iterator[bytes]:
    silence = b"\xf8\xff\xfe"
    yield _build_page(2, 0, 0, [head])
    yield _build_page(0 if packets else 4, 0, 1, [tags])
    for number, start in enumerate(range(0, packets, 50)):
        count = min(50, packets - start)
        flags = 4 if start + count == packets else 0
        yield _build_page(flags, (start + count) * 960, number + 2, [silence] * count)


def _build_page(kind: int, granule: int, number: int, packets: list[bytes]) -> bytes:
    sizes = bytes(map(len, packets))
    head = struct.pack("<4sBBQII", b"OggS", 0, kind, granule, 1, number)
    rest = bytes((len(sizes),)) + sizes + b"".join(packets)
    crc = _compute_crc(head + bytes(4) + rest, 32, 0x04C11DB7)
    return head + crc[::-1] + rest


FORMATS: dict[str, Callable[[array[int]], bytes]] = {
    "mp3": _encode_mp3,
    "opus": _encode_opus,
    "aac": _encode_aac,
    "flac": _encode_flac,
    "wav": _encode_wav,
    "pcm": _encode_pcm,
}
"""The encoder of samples, by format."""

MIME = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
"""The content type, by format."""
