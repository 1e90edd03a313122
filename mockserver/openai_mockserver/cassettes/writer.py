"""Recordings written as they come: a line a read, with the system at once, in files of their own.

Rules of this file: while an exchange is going on its file ends in ``.part``; what a crash leaves is
a valid recording of what was received. The final name appears when the exchange is over, and
nothing is ever overwritten. Only the user may read what is made here.
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
from openai_mockserver.cassettes.stream_file import PART, is_json, step_line
from openai_mockserver.exceptions import MockServerError
from openai_mockserver.script import Event, Raw

__all__ = ["Recording", "RecordingFolder", "append", "read_line", "shorten_name", "write_file"]

LONGEST_NAME = 120  # bytes of what the name of a file begins with; systems allow 255 for the whole

_lock = threading.Lock()


def read_line(data: bytes, t: float) -> dict[str, Any]:
    """The line of one network read: an event where it is just one in canonical form."""
    steps = sse.parse(data)
    step = steps[0] if len(steps) == 1 and isinstance(steps[0], Event) else Raw(data)
    return {"t": round(t, 6), **step_line(step)}


def shorten_name(name: str, longest: int = LONGEST_NAME) -> str:
    """A name of at most so many bytes: the end of a longer one becomes its hash."""
    octets = name.encode("utf-8", "surrogateescape")
    if len(octets) <= longest:
        return name
    digest = hashlib.sha256(octets).hexdigest()[:12]
    return f"{octets[: longest - 13].decode('utf-8', 'ignore')}-{digest}"


class RecordingFolder:
    """A folder of recordings, and the number that comes next for each beginning of a name.

    Args:
        path: the folder; made with the first recording, or by `prepare`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next: dict[str, int] | None = None

    def prepare(self) -> None:
        """Make the folder. Raises MockServerError where nothing can be recorded into it."""
        try:
            _make_folder(self.path)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise MockServerError(f"cannot record into {self.path}: {why}") from None

    def claim(self, stem: str) -> tuple[FileIO, Path]:
        """A new file that nobody else has, and the name it gets when it is finished."""
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-.") or "exchange"
        stem = shorten_name(stem)
        _make_folder(self.path)
        if self._next is None:
            self._next = _numbers(self.path)
        while True:
            # Another process may record here too, so a number that should be free need not be.
            number = self._next[stem] = self._next.get(stem, 0) + 1
            path = self.path / f"{stem}-{number:04d}.jsonl"
            part = path.with_name(path.name + PART)
            try:
                file = _create(part)
            except FileExistsError:
                continue
            if not path.exists():
                return file, path
            # Somebody has finished under this number; the name is theirs.
            file.close()
            part.unlink()


def _numbers(folder: Path) -> dict[str, int]:
    """The highest number of each beginning of a name."""
    highest: dict[str, int] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if match := _NUMBERED.fullmatch(entry.name):
                highest[match[1]] = max(highest.get(match[1], 0), int(match[2]))
    return highest


_NUMBERED = re.compile(rf"(.+)-(\d{{4,9}})\.jsonl(?:{re.escape(PART)})?")


def _make_folder(path: Path) -> None:
    """Make a folder, and those it is in, for the user alone."""
    if path.is_dir():
        return
    if path.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    if path.parent != path:
        _make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def _create(path: Path) -> FileIO:
    """A new file, for the user alone."""
    return FileIO(path, "x", opener=_open_privately)


def _open_privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Recording:
    """One exchange on its way to the disk. What it does raises OSError where the disk refuses.

    Args:
        folder: where it goes.
        stem: the beginning of its name; a number follows.
    """

    def __init__(self, folder: RecordingFolder, stem: str) -> None:
        self._file, self.path = folder.claim(stem)
        self._size = self._end_at = 0

    @property
    def part(self) -> Path:
        """Its file while the exchange is going on."""
        return self.path.with_name(self.path.name + PART)

    def lines(self, *lines: dict[str, Any]) -> None:
        """Write lines; they are with the system when this returns, or none of them is there."""
        data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        _write_whole(self._file, self._size, data)
        self._size += len(data)

    def end(self, line: dict[str, Any]) -> None:
        """Write the last line, in the place of the one that was written as such before."""
        if self._end_at:
            self._file.truncate(self._end_at)
            self._file.seek(self._end_at)
            self._size = self._end_at
        self._end_at = self._size
        self.lines(line)

    def close(self, first: dict[str, Any] | None = None) -> Path:
        """Give the file its final name.

        Args:
            first: a line that takes the place of the first, if more is known of it now.
        """
        self._file.close()
        if first is not None:
            _replace_first_line(self.part, first)
        self.part.rename(self.path)
        return self.path

    def abandon(self) -> None:
        """Let go of the file; it keeps its name, which says that it is not whole."""
        with contextlib.suppress(OSError):
            self._file.close()


def write_file(path: Path, content: bytes) -> None:
    """Write or replace a file whole, for the user alone, and make the folders it is in.

    Args:
        path: the file; if it is a link, what it leads to.
        content: what it holds then.

    Raises:
        OSError: if the disk refuses; then the file is what it was.
    """
    path = path.resolve()
    _make_folder(path.parent)
    anew = path.with_name(f".{shorten_name(path.name)}.{os.getpid()}.new")
    anew.unlink(missing_ok=True)
    try:
        with _create(anew) as file:
            _write_whole(file, 0, content)
        anew.replace(path)
    except OSError:
        anew.unlink(missing_ok=True)
        raise


def _replace_first_line(path: Path, line: dict[str, Any]) -> None:
    """Write a file anew with another first line; until that is whole the file stays what it was."""
    anew = path.with_name(f"{path.name}.new")
    anew.unlink(missing_ok=True)
    try:
        with path.open("rb") as old, _create(anew) as new:
            old.readline()
            _write_whole(new, 0, msgspec.json.encode(line) + b"\n")
            while piece := old.read(1 << 20):
                _write_whole(new, new.tell(), piece)
        anew.replace(path)
    except OSError:
        anew.unlink(missing_ok=True)
        raise


def _write_whole(file: FileIO, size: int, data: bytes) -> None:
    """Write at the end of a file of this size; where the disk refuses, it stays what it was."""
    try:
        left = memoryview(data)
        while left:
            left = left[file.write(left) or 0 :]
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(size)
        raise


def append(cassette: Path, recording: Path) -> None:
    """Put a finished recording at the end of a cassette, whole, and take it away.

    Raises OSError where the disk refuses: then the cassette is as it was.
    """
    with _lock:
        _make_folder(cassette.parent)
        with FileIO(cassette, "a+", opener=_open_privately) as file:
            size = file.seek(0, os.SEEK_END)
            rest = _last_line(file, size)
            if rest and not is_json(rest):
                # A crash has cut it off; the recording it is of is still there.
                size -= len(rest)
                file.truncate(size)
                rest = b""
            # Where a person has written the last line, its end may be missing.
            _write_whole(file, size, (b"\n" if rest else b"") + recording.read_bytes())
        recording.unlink()


def _last_line(file: FileIO, size: int) -> bytes:
    """What comes after the last line end of a file of this size."""
    found = b""
    while b"\n" not in found and len(found) < size:
        at = max(0, size - 2 * len(found) - 4096)
        file.seek(at)
        found = file.read(size - at)
    return found.rpartition(b"\n")[2]
