"""Bytes that lie on disk: what is too long to be held in memory, as an upload is.

Rules of this file: the bytes are in temporary files without a name, which the system removes when
nothing refers to them any more, or when the process ends, however it does. No more than `PART` of
them is in memory unless all of them are asked for.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple

from openai_mockserver.script import Raw

__all__ = ["PART", "DiskBytes", "DiskWriter", "RawOnDisk", "join_bytes", "parts_of", "weigh"]

PART = 1 << 18
"""How many bytes are read at once."""


class _File:
    """A temporary file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0, prefix="openai-mockserver-")  # noqa: SIM115
        self._lock = threading.Lock()

    def append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def read(self, start: int, size: int) -> bytes:
        read = bytearray()
        with self._lock:
            self._file.seek(start)
            while len(read) < size and (more := self._file.read(size - len(read))):
                read += more
        return bytes(read)

    def __del__(self) -> None:
        if hasattr(self, "_file"):  # none where it could not be opened
            self._file.close()


class _Range(NamedTuple):
    """A range of a file."""

    file: _File
    start: int
    size: int

    def __len__(self) -> int:
        return self.size


_Piece = bytes | _Range


class DiskBytes:
    """Bytes that lie on disk. ``bytes(...)`` reads them all; a slice of them is on disk, too."""

    __slots__ = ("_digest", "_size", "pieces")

    def __init__(self, pieces: Iterable[_Piece], digest: bytes | None = None) -> None:
        self.pieces = tuple(pieces)
        self._size = sum(map(len, self.pieces))
        self._digest = digest

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self.parts())

    def parts(self, size: int = PART) -> Iterator[bytes]:
        """All the bytes, at most so many at once."""
        for part in self.split(size):
            for piece in part.pieces:
                if isinstance(piece, bytes):
                    yield piece
                else:
                    yield piece.file.read(piece.start, piece.size)

    def split(self, size: int = PART) -> Iterator[DiskBytes]:
        """The same bytes as several of so many, the last of fewer. Nothing is read."""
        return (self[at : at + size] for at in range(0, len(self), size))

    def __getitem__(self, wanted: slice) -> DiskBytes:
        start, stop, step = wanted.indices(len(self))
        if step != 1:
            raise ValueError("bytes on disk are sliced without a step")
        pieces: list[_Piece] = []
        at = 0
        for piece in self.pieces:
            first, last = max(start - at, 0), min(stop - at, len(piece))
            at += len(piece)
            if first >= last:
                continue
            if isinstance(piece, bytes):
                pieces.append(piece[first:last])
            else:
                pieces.append(_Range(piece.file, piece.start + first, last - first))
        return DiskBytes(pieces)

    @property
    def digest(self) -> bytes:
        """What tells these bytes from others."""
        if self._digest is None:
            digest = blake2b(digest_size=32)
            for part in self.parts():
                digest.update(part)
            self._digest = digest.digest()
        return self._digest

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DiskBytes):
            return NotImplemented
        return len(self) == len(other) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<{len(self)} bytes on disk, {self.digest.hex()}>"


class DiskWriter:
    """Bytes on their way to disk. Raises OSError where there is no room for them."""

    def __init__(self) -> None:
        self._file = _File()
        self._size = 0
        self._digest = blake2b(digest_size=32)

    def write(self, parts: Iterable[bytes]) -> None:
        """Append these."""
        for part in parts:
            self._file.append(part)
            self._digest.update(part)
            self._size += len(part)

    def finish(self) -> DiskBytes:
        """All that was written."""
        return DiskBytes([_Range(self._file, 0, self._size)], self._digest.digest())


def parts_of(data: bytes | DiskBytes, size: int = PART) -> Iterator[bytes]:
    """Bytes wherever they are, at most so many at once."""
    if isinstance(data, DiskBytes):
        return data.parts(size)
    return (data[at : at + size] for at in range(0, len(data), size))


def join_bytes(several: Iterable[bytes | DiskBytes]) -> bytes | DiskBytes:
    """Bytes one after the other: on disk where some of them are. Nothing is read or written."""
    joined = list(several)
    in_memory = [data for data in joined if not isinstance(data, DiskBytes)]
    if len(in_memory) == len(joined):
        return b"".join(in_memory)
    pieces: list[_Piece] = []
    for data in joined:
        pieces += data.pieces if isinstance(data, DiskBytes) else [bytes(data)]
    return DiskBytes(pieces)


_WEIGHT = 64
_LEAST_WEIGHT = 1 << 18


def weigh(data: bytes | DiskBytes) -> int:
    """How much bytes count where memory is bounded.

    Those on disk count as a 64th of their number, and as 256 KiB at least: so that room on disk,
    and open files, are bounded too.
    """
    if isinstance(data, DiskBytes):
        return max(_LEAST_WEIGHT, len(data) // _WEIGHT)
    return len(data)


class RawOnDisk(Raw):
    """A step whose bytes are read when they are asked for, and are no event's."""

    __slots__ = ("content",)

    content: DiskBytes

    def __init__(self, content: DiskBytes) -> None:
        object.__setattr__(self, "content", content)
        object.__setattr__(self, "events", 0)

    @property
    def data(self) -> bytes:
        """The bytes."""
        return bytes(self.content)
