"""Small videos: H.264 in an MP4 file, of one colour.

Theory of operation. The first frame has one macroblock (16 by 16 pixels) with its pixels as they
are. Every other macroblock is predicted from the one to its left or above it, which takes 8 bits:
`_PREDICTED`. Each later frame is a copy of the one before: it says only how many macroblocks are
skipped. So a film of 12 seconds in HD takes 12 kB and a millisecond. Section numbers are those of
ITU-T H.264 and of ISO/IEC 14496-12 and -15.

>>> make_video("any", (1280, 720), 4)[4:8]
b'ftyp'
"""

from __future__ import annotations

import struct
from functools import lru_cache
from random import Random

__all__ = ["make_video"]

_RATE = 24  # frames a second
_MOST_PIXELS = 4096  # of a side
_TIMES = 1000  # of the film's clock in a second
_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


@lru_cache(16)
def make_video(seed: str, size: tuple[int, int], seconds: int) -> bytes:
    """Return a film.

    Args:
        seed: decides the colour.
        size: width and height in pixels.
        seconds: how long it is.
    """
    width, height = (min(_MOST_PIXELS, max(16, side - side % 2)) for side in size)
    count = max(1, min(seconds, 60) * _RATE)
    across, down = -(-width // 16), -(-height // 16)
    rng = Random(seed)
    colour = tuple(rng.randrange(48, 208) for _ in range(3))
    parameters = (
        _write_sequence_parameters(across, down, width, height),
        _write_picture_parameters(),
    )
    frames = [_write_first_frame(across, down, colour)]
    frames += [_write_copy(number, across * down) for number in range(1, count)]
    return _write_file(frames, parameters, width, height)


# H.264


def _ue(value: int) -> str:
    """Return an unsigned number as bits (9.1).

    >>> [_ue(n) for n in range(5)]
    ['1', '010', '011', '00100', '00101']
    """
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def _write_unit(header: int, bits: str) -> bytes:
    """Return a NAL unit: its type, its bits and their end, without start codes (7.3.1)."""
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8, "big")
    unit = bytearray([header])
    zeros = 0
    for byte in payload:
        if zeros == 2 and byte <= 3:
            unit.append(3)
            zeros = 0
        unit.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(unit)


_SE_0 = _UE_0 = "1"

_PREDICTED = _ue(3) + _UE_0 + _SE_0 + "1"
"""A macroblock that is predicted: its type (Intra 16x16, DC), its colours, and no difference."""

_NEXT_TO_PIXELS = _ue(3) + _UE_0 + _SE_0 + "000011"
"""The same next to one with pixels, where other bits say that there is no difference."""

_NO_DEBLOCKING = _ue(1)


def _write_sequence_parameters(across: int, down: int, width: int, height: int) -> bytes:
    """Return the parameters of the film (7.3.2.1.1): baseline profile, level 4.0."""
    bits = f"{66:08b}{0xC0:08b}{40:08b}" + _UE_0 + _UE_0
    bits += _ue(2) + _ue(1) + "0"  # frames are shown in their order; each refers to the last one
    bits += _ue(across - 1) + _ue(down - 1) + "11"
    right, bottom = (across * 16 - width) // 2, (down * 16 - height) // 2
    is_cropped = bool(right or bottom)
    bits += f"1{_UE_0}{_ue(right)}{_UE_0}{_ue(bottom)}" if is_cropped else "0"
    return _write_unit(0x67, bits + "0")


def _write_picture_parameters() -> bytes:
    """Return the parameters of the frames (7.3.2.2)."""
    bits = _UE_0 * 2 + "00" + _UE_0 * 3 + "000" + _SE_0 * 3 + "100"
    return _write_unit(0x68, bits)


def _write_first_frame(across: int, down: int, colour: tuple[int, ...]) -> bytes:
    """Return a frame of one colour (7.3.3 and 7.3.5)."""
    bits = _UE_0 + _ue(7) + _UE_0 + "0000" + _UE_0 + "00" + _SE_0 + _NO_DEBLOCKING
    bits += _ue(25)
    bits += "0" * (-len(bits) % 8)
    luma, *chroma = colour
    bits += f"{luma:08b}" * 256 + "".join(f"{one:08b}" * 64 for one in chroma)
    for number in range(1, across * down):
        is_next = number == across or (number == 1 and across > 1)
        bits += _NEXT_TO_PIXELS if is_next else _PREDICTED
    return _write_unit(0x65, bits)


def _write_copy(number: int, macroblocks: int) -> bytes:
    """Return a frame that equals the one before."""
    bits = _UE_0 + _ue(5) + _UE_0 + f"{number % 16:04b}" + "000" + _SE_0 + _NO_DEBLOCKING
    return _write_unit(0x41, bits + _ue(macroblocks))


# MP4


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", len(content) + 8, kind) + content


def _full(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


def _write_file(
    frames: list[bytes], parameters: tuple[bytes, bytes], width: int, height: int
) -> bytes:
    """Return a file with these frames: first its index, so that it can be played as it comes."""
    samples = [struct.pack(">I", len(frame)) + frame for frame in frames]
    head = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")
    size = len(_write_index(samples, parameters, width, height, 0))
    index = _write_index(samples, parameters, width, height, len(head) + size + 8)
    return head + index + _box(b"mdat", *samples)


def _write_index(
    samples: list[bytes], parameters: tuple[bytes, bytes], width: int, height: int, begin: int
) -> bytes:
    """Return what describes the film (14496-12, 8.2).

    Args:
        samples: the frames.
        parameters: the parameters of the film and of its frames.
        width, height: in pixels.
        begin: where the first frame is in the file.
    """
    count = len(samples)
    duration = count * _TIMES // _RATE
    movie = _full(
        b"mvhd",
        struct.pack(">4I", 0, 0, _TIMES, duration),
        struct.pack(">IH10x", 0x10000, 0x100),
        _MATRIX,
        bytes(24),
        struct.pack(">I", 2),
    )
    track = _full(
        b"tkhd",
        struct.pack(">5I", 0, 0, 1, 0, duration),
        bytes(16),
        _MATRIX,
        struct.pack(">2I", width << 16, height << 16),
        flags=3,
    )
    media = _box(
        b"mdia",
        _full(b"mdhd", struct.pack(">4I2H", 0, 0, _RATE, count, 0x55C4, 0)),
        _full(b"hdlr", bytes(4), b"vide", bytes(12), b"video\0"),
        _box(
            b"minf",
            _full(b"vmhd", bytes(8), flags=1),
            _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1))),
            _write_table(samples, parameters, width, height, begin),
        ),
    )
    return _box(b"moov", movie, _box(b"trak", track, media))


def _write_table(
    samples: list[bytes], parameters: tuple[bytes, bytes], width: int, height: int, begin: int
) -> bytes:
    """Return where each frame is, and when (14496-12, 8.5 to 8.7; 14496-15, 5.3)."""
    sequence, picture = parameters
    configuration = _box(
        b"avcC",
        bytes([1, *sequence[1:4], 0xFF, 0xE1]),
        struct.pack(">H", len(sequence)) + sequence,
        struct.pack(">BH", 1, len(picture)) + picture,
    )
    entry = _box(
        b"avc1",
        struct.pack(">6xH16x2H", 1, width, height),
        struct.pack(">3IH", 0x480000, 0x480000, 0, 1),
        bytes(32),
        struct.pack(">Hh", 24, -1),
        configuration,
    )
    count = len(samples)
    return _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), entry),
        _full(b"stts", struct.pack(">3I", 1, count, 1)),
        _full(b"stss", struct.pack(">2I", 1, 1)),
        _full(b"stsc", struct.pack(">4I", 1, 1, count, 1)),
        _full(b"stsz", struct.pack(">2I", 0, count), *(struct.pack(">I", len(s)) for s in samples)),
        _full(b"stco", struct.pack(">2I", 1, begin)),
    )
