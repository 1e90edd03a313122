"""Which files the rules of a mock come from, and whether these have changed since they were read.

Rules of this file: a file's state is noted before the file is read, so that no change is missed. A
file or folder that does not exist has a state too, because it may appear.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

__all__ = ["Folder", "Sources"]

_State = tuple[object, ...]
"""What differs after a change: of a file, its times, size and inode; of a folder, its files'."""


class Sources:
    """The files that were read, and their states just before."""

    def __init__(self) -> None:
        self._files: dict[Path, _State] = {}
        self._folders: dict[Path, tuple[Callable[[Path], bool], _State]] = {}

    def note(self, file: Path) -> Path:
        """Note that a file is going to be read, and return it."""
        self._files.setdefault(file, _read_state(file))
        return file

    def note_folder(self, folder: Path, is_read: Callable[[Path], bool]) -> None:
        """Note that the files of a folder are going to be read.

        Args:
            folder: the folder.
            is_read: whether a file of the folder is read.
        """
        self._folders.setdefault(folder, (is_read, _read_folder_state(folder, is_read)))

    def include(self, others: Sources) -> None:
        """Note the files of other sources too, in the state that they have now."""
        for file in others._files:
            self.note(file)
        for folder, (is_read, _) in others._folders.items():
            self.note_folder(folder, is_read)

    def list_changed(self) -> list[Path]:
        """Return the files and folders that have changed since they were noted."""
        changed = [file for file, state in self._files.items() if _read_state(file) != state]
        return changed + [
            folder
            for folder, (is_read, state) in self._folders.items()
            if _read_folder_state(folder, is_read) != state
        ]

    def list_places(self) -> set[Path]:
        """Return the existing folders in which a change of the sources can be seen.

        A file that is written by renaming another is seen in its folder only. If the file is a
        link, as in a mounted configuration, so is a change of the link's target.
        """
        places = {_find_existing(file.parent) for file in (*self._files, *self._folders)}
        places |= {_find_existing(folder) for folder in self._folders}
        return places | {_find_existing(file.resolve().parent) for file in self._files}

    def __bool__(self) -> bool:
        return bool(self._files or self._folders)


class Folder:
    """The folder that the paths in a file are relative to; notes each file that is named.

    >>> Folder(Path("scenarios"), Sources()) / "hello.sse"
    PosixPath('scenarios/hello.sse')
    """

    def __init__(self, path: Path, sources: Sources) -> None:
        self._path = path
        self._sources = sources

    def __truediv__(self, name: str) -> Path:
        return self._sources.note(self._path / name)


def _read_state(file: Path) -> _State:
    try:
        status = file.stat()
    except (OSError, ValueError):  # such as a name that is too long, or has a NUL in it
        return ()
    # The time of the last status change differs even if a copy preserves the modification time.
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _read_folder_state(folder: Path, is_read: Callable[[Path], bool]) -> _State:
    try:
        files = sorted(file for file in folder.iterdir() if is_read(file))
    except (OSError, ValueError):
        return ()
    return (True, *((file.name, _read_state(file)) for file in files))


def _find_existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that exists."""
    while folder != folder.parent:
        try:
            if stat.S_ISDIR(folder.stat().st_mode):
                return folder
        except (OSError, ValueError):
            pass
        folder = folder.parent
    return folder
