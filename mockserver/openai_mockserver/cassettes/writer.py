"""Recordings on disk: one file for each exchange, one line for each read, written immediately.

Rules of this file: during an exchange its file ends in ``.part``, and after a crash it is a valid
recording of what was received. The file gets its final name when the exchange is over; no file is
ever overwritten. Only the user may read the files.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import tempfile
import threading
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.cassettes.stream_file import PART, encode_step, is_json
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.script import Event, Raw

__all__ = [
    "Recording",
    "RecordingFolder",
    "append_recording",
    "read_line",
    "shorten_name",
    "write_file",
]

LONGEST_NAME = 120  # bytes of a file name without its number; systems allow 255 for the whole

_lock = threading.Lock()


def read_line(data: bytes, t: float) -> dict[str, Any]:
    """Return the line of one network read: an event if it is exactly one in canonical form."""
    steps = sse.parse(data)
    step = steps[0] if len(steps) == 1 and isinstance(steps[0], Event) else Raw(data)
    return {"t": round(t, 6), **encode_step(step)}


def shorten_name(name: str, longest: int = LONGEST_NAME) -> str:
    """Shorten a name to at most ``longest`` bytes; a hash replaces the rest of a longer one."""
    octets = name.encode("utf-8", "surrogateescape")
    if len(octets) <= longest:
        return name
    digest = hashlib.sha256(octets).hexdigest()[:12]
    return f"{octets[: longest - 13].decode('utf-8', 'ignore')}-{digest}"


class RecordingFolder:
    """A folder of recordings, and the next number for each stem of a name.

    Args:
        path: the folder; the first recording or `prepare` creates it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next: dict[str, int] | None = None

    def prepare(self) -> None:
        """Create the folder. Raises MockServerError if files cannot be created in it."""
        try:
            _make_folder(self.path)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise MockServerError(f"cannot record into {self.path}: {reason}") from None

    def claim(self, stem: str) -> tuple[FileIO, Path]:
        """Create a file that no other process uses; return it with its final path."""
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-.") or "exchange"
        stem = shorten_name(stem)
        _make_folder(self.path)
        if self._next is None:
            self._next = _find_highest_numbers(self.path)
        while True:
            # Another process may record here too and may already have taken this number.
            number = self._next[stem] = self._next.get(stem, 0) + 1
            path = self.path / f"{stem}-{number:04d}.jsonl"
            part = path.with_name(path.name + PART)
            try:
                file = _create_file(part)
            except FileExistsError:
                continue
            if not path.exists():
                return file, path
            # Another process has finished a recording under this number.
            file.close()
            part.unlink()


def _find_highest_numbers(folder: Path) -> dict[str, int]:
    """Return the highest number of each stem in a folder."""
    highest: dict[str, int] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if match := _NUMBERED.fullmatch(entry.name):
                highest[match[1]] = max(highest.get(match[1], 0), int(match[2]))
    return highest


_NUMBERED = re.compile(rf"(.+)-(\d{{4,9}})\.jsonl(?:{re.escape(PART)})?")


def _make_folder(path: Path) -> None:
    """Create a folder and its parents, accessible to the user only."""
    if path.is_dir():
        return
    if path.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    if path.parent != path:
        _make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def _create_file(path: Path) -> FileIO:
    """Create a file that only the user may access."""
    return FileIO(path, "x", opener=_open_privately)


def _open_privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Recording:
    """The file of one exchange. Its methods raise OSError if the disk refuses.

    Args:
        folder: the folder of the file.
        stem: the start of the file name; a number follows.
    """

    def __init__(self, folder: RecordingFolder, stem: str) -> None:
        self._file, self.path = folder.claim(stem)
        self._size = self._end_at = 0

    @property
    def part_path(self) -> Path:
        """Path of the file during the exchange."""
        return self.path.with_name(self.path.name + PART)

    def write_lines(self, *lines: dict[str, Any]) -> None:
        """Write lines through to the operating system: all of them, or none if that fails."""
        data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        _write_whole(self._file, self._size, data)
        self._size += len(data)

    def write_end(self, line: dict[str, Any]) -> None:
        """Write the last line; a second call replaces it."""
        if self._end_at:
            self._file.truncate(self._end_at)
            self._file.seek(self._end_at)
            self._size = self._end_at
        self._end_at = self._size
        self.write_lines(line)

    def close(self, first: dict[str, Any] | None = None) -> Path:
        """Give the file its final name.

        Args:
            first: a new first line, if more is known of the exchange now.
        """
        self._file.close()
        if first is not None:
            _replace_first_line(self.part_path, first)
        self.part_path.rename(self.path)
        return self.path

    def abandon(self) -> None:
        """Close the file; its name keeps the suffix that marks it as incomplete."""
        with contextlib.suppress(OSError):
            self._file.close()


def write_file(path: Path, content: bytes) -> None:
    """Write a file atomically, accessible to the user only, and create its parent folders.

    Args:
        path: the file, new or existing; a link is followed.
        content: the new content.

    Raises:
        OSError: if the disk refuses; an existing file is then unchanged.
    """
    path = path.resolve()
    _make_folder(path.parent)
    new_path = path.with_name(f".{shorten_name(path.name)}.{os.getpid()}.new")
    new_path.unlink(missing_ok=True)
    try:
        with _create_file(new_path) as file:
            _write_whole(file, 0, content)
        new_path.replace(path)
    except OSError:
        new_path.unlink(missing_ok=True)
        raise


def _replace_first_line(path: Path, line: dict[str, Any]) -> None:
    """Replace the first line of a file atomically."""
    new_path = path.with_name(f"{path.name}.new")
    new_path.unlink(missing_ok=True)
    try:
        with path.open("rb") as old, _create_file(new_path) as new:
            old.readline()
            _write_whole(new, 0, msgspec.json.encode(line) + b"\n")
            while piece := old.read(1 << 20):
                _write_whole(new, new.tell(), piece)
        new_path.replace(path)
    except OSError:
        new_path.unlink(missing_ok=True)
        raise


def _write_whole(file: FileIO, size: int, data: bytes) -> None:
    """Write at the end of a file of ``size`` bytes; if the disk refuses, restore that size."""
    try:
        unwritten = memoryview(data)
        while unwritten:
            unwritten = unwritten[file.write(unwritten) or 0 :]
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(size)
        raise


def append_recording(cassette: Path, recording: Path) -> None:
    """Append a finished recording to a cassette, then delete the recording.

    Raises:
        OSError: if the disk refuses; the cassette is then unchanged.
    """
    with _lock:
        _make_folder(cassette.parent)
        with FileIO(cassette, "a+", opener=_open_privately) as file:
            size = file.seek(0, os.SEEK_END)
            last_line = _read_last_line(file, size)
            if last_line and not is_json(last_line):
                # A crash has cut this line off; its recording still exists as a separate file.
                size -= len(last_line)
                file.truncate(size)
                last_line = b""
            # A last line that a person has written may lack its line end.
            _write_whole(file, size, (b"\n" if last_line else b"") + recording.read_bytes())
        recording.unlink()


def _read_last_line(file: FileIO, size: int) -> bytes:
    """Return what follows the last line end of a file of ``size`` bytes."""
    tail = b""
    while b"\n" not in tail and len(tail) < size:
        at = max(0, size - 2 * len(tail) - 4096)
        file.seek(at)
        tail = file.read(size - at)
    return tail.rpartition(b"\n")[2]
