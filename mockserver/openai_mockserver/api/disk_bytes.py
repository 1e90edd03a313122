"""Bytes on disk, for data that is too large to hold in memory, such as uploads.

Rules of this file: the bytes are in temporary files without a name, which the operating system
removes when they are closed and when the process ends, even if it crashes. No more than `PART`
bytes are in memory at a time, unless the caller requests all of them.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple, Protocol

from openai_mockserver.script import Raw

__all__ = [
    "PART",
    "DiskBytes",
    "DiskWriter",
    "RawOnDisk",
    "Readable",
    "join_bytes",
    "parts_of",
    "weigh",
]

PART = 1 << 18
"""Number of bytes that are read at a time."""


class Readable(Protocol):
    """What holds bytes on disk."""

    def read(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes from ``start`` on; fewer at the end."""


class _File:
    """A temporary file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0, prefix="openai-mockserver-")  # noqa: SIM115
        self._lock = threading.Lock()
        # The finalizer holds the file, so that it cannot be collected, and complain, before this.
        weakref.finalize(self, self._file.close)

    def append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def read(self, start: int, size: int) -> bytes:
        data = bytearray()
        with self._lock:
            self._file.seek(start)
            while len(data) < size and (more := self._file.read(size - len(data))):
                data += more
        return bytes(data)


class _Range(NamedTuple):
    """A range of a file."""

    file: Readable
    start: int
    size: int

    def __len__(self) -> int:
        return self.size


_Piece = bytes | _Range


class DiskBytes:
    """Bytes on disk. ``bytes(...)`` reads all of them; a slice is on disk, too."""

    __slots__ = ("_digest", "_size", "pieces")

    def __init__(self, pieces: Iterable[_Piece], digest: bytes | None = None) -> None:
        self.pieces = tuple(pieces)
        self._size = sum(map(len, self.pieces))
        self._digest = digest

    @classmethod
    def of(cls, file: Readable, size: int, digest: bytes) -> DiskBytes:
        """Return the first bytes of something that holds bytes, given their hash."""
        return cls([_Range(file, 0, size)], digest)

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self.parts())

    def parts(self, size: int = PART) -> Iterator[bytes]:
        """Return all the bytes in parts of at most ``size`` bytes."""
        for part in self.split(size):
            for piece in part.pieces:
                if isinstance(piece, bytes):
                    yield piece
                else:
                    yield piece.file.read(piece.start, piece.size)

    def split(self, size: int = PART) -> Iterator[DiskBytes]:
        """Split the bytes, without reading, into parts of ``size``; the last may be shorter."""
        return (self[at : at + size] for at in range(0, len(self), size))

    def __getitem__(self, bounds: slice) -> DiskBytes:
        start, stop, step = bounds.indices(len(self))
        if step != 1:
            raise ValueError("bytes on disk can be sliced only with a step of 1")
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
        """A hash of the bytes."""
        if self._digest is None:
            hasher = blake2b(digest_size=32)
            for part in self.parts():
                hasher.update(part)
            self._digest = hasher.digest()
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
    """Writes bytes to disk. Raises OSError if the disk is full."""

    def __init__(self) -> None:
        self._file = _File()
        self._size = 0
        self._hasher = blake2b(digest_size=32)

    def write(self, parts: Iterable[bytes]) -> None:
        """Append the parts."""
        for part in parts:
            self._file.append(part)
            self._hasher.update(part)
            self._size += len(part)

    def finish(self) -> DiskBytes:
        """Return everything that was written."""
        return DiskBytes([_Range(self._file, 0, self._size)], self._hasher.digest())


def parts_of(data: bytes | DiskBytes, size: int = PART) -> Iterator[bytes]:
    """Return bytes, in memory or on disk, in parts of at most ``size`` bytes."""
    if isinstance(data, DiskBytes):
        return data.parts(size)
    return (data[at : at + size] for at in range(0, len(data), size))


def join_bytes(several: Iterable[bytes | DiskBytes]) -> bytes | DiskBytes:
    """Concatenate bytes without reading or writing; on disk if any of them are."""
    items = list(several)
    in_memory = [data for data in items if not isinstance(data, DiskBytes)]
    if len(in_memory) == len(items):
        return b"".join(in_memory)
    pieces: list[_Piece] = []
    for data in items:
        pieces += data.pieces if isinstance(data, DiskBytes) else [bytes(data)]
    return DiskBytes(pieces)


_WEIGHT = 64
_LEAST_WEIGHT = 1 << 18


def weigh(data: bytes | DiskBytes) -> int:
    """Return how many bytes of a memory limit these bytes use.

    Bytes on disk count as a 64th of their number, but as 256 KiB at least, so that a memory limit
    also limits disk space and open files.
    """
    if isinstance(data, DiskBytes):
        return max(_LEAST_WEIGHT, len(data) // _WEIGHT)
    return len(data)


class RawOnDisk(Raw):
    """A step that reads its bytes from disk when they are needed, and counts as no event."""

    __slots__ = ("content",)

    content: DiskBytes

    def __init__(self, content: DiskBytes) -> None:
        object.__setattr__(self, "content", content)
        object.__setattr__(self, "events", 0)

    @property
    def data(self) -> bytes:
        """The bytes."""
        return bytes(self.content)
