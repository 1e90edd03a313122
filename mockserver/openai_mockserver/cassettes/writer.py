"""Recordings written as they come: a line a read, flushed, under a name of their own.

Rules of this file: while an exchange is going on its file ends in ``.part``; what a crash leaves is
a valid recording of what was received. The final name appears when the exchange is over, and
nothing is ever overwritten.
"""

from __future__ import annotations

import re
import threading
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import msgspec.json

from openai_mockserver import sse
from openai_mockserver.cassettes.stream_file import step_line
from openai_mockserver.script import Event, Raw

__all__ = ["Recording", "append", "read_line"]

_lock = threading.Lock()


def read_line(data: bytes, t: float) -> dict[str, Any]:
    """The line of one network read: an event where it is just one in canonical form."""
    steps = sse.parse(data)
    step = steps[0] if len(steps) == 1 and isinstance(steps[0], Event) else Raw(data)
    return {"t": round(t, 6), **step_line(step)}


class Recording:
    """One exchange on its way to the disk.

    Args:
        folder: where it goes; made if it is not there.
        stem: the beginning of its name; a number follows.
    """

    def __init__(self, folder: Path, stem: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-") or "exchange"
        self._file, self.path = _claim(folder, stem)

    def line(self, members: dict[str, Any]) -> None:
        """Write a line; it is with the system when this returns."""
        self._file.write(msgspec.json.encode(members) + b"\n")
        self._file.flush()

    def close(self) -> Path:
        """Give the file its final name."""
        self._file.close()
        Path(self._file.name).rename(self.path)
        return self.path


def _claim(folder: Path, stem: str) -> tuple[BinaryIO, Path]:
    """A file that nobody else has, with the first number that is free."""
    for number in count(1):
        path = folder / f"{stem}-{number:04d}.jsonl"
        part = folder / f"{path.name}.part"
        try:
            file = part.open("xb")
        except FileExistsError:
            continue
        if not path.exists():
            return file, path
        # Somebody has finished under this number; the name is theirs.
        file.close()
        part.unlink()
    raise AssertionError("there is always a next number")


def append(cassette: Path, recording: Path) -> None:
    """Put a finished recording at the end of a cassette, whole, and take it away."""
    with _lock:
        cassette.parent.mkdir(parents=True, exist_ok=True)
        with cassette.open("ab") as file:
            file.write(recording.read_bytes())
        recording.unlink()
