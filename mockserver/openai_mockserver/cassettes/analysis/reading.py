"""The recordings in files and folders, whatever tool made them.

Rules of this file: a file that is named must be a recording. In a folder, files of other kinds are
skipped silently, and recordings that cannot be read with a sentence.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from openai_mockserver.cassettes.importers.file import find_recordings
from openai_mockserver.cassettes.importers.formats import find_format, import_file
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.exceptions import MockServerError

__all__ = ["Recorded", "list_files", "read_one", "read_recordings"]


class Recorded(NamedTuple):
    """An exchange, and where it comes from.

    Args:
        path: the file.
        number: its number in the file, from 1.
        exchange: the exchange.
    """

    path: Path
    number: int
    exchange: Exchange


def list_files(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield the files, and those in the folders; each with whether it was named itself.

    Raises:
        MockServerError: if a folder contains no file whose name may be a recording's.
    """
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 - it takes names of any length
            yield path, True
            continue
        files = find_recordings(path)
        if not files:
            raise MockServerError(f"{path}: there is no recording in this folder")
        for file in files:
            yield file, False


def read_recordings(
    paths: Iterable[Path], skip: Callable[[str], object] = lambda problem: None
) -> Iterator[Recorded]:
    """Yield the exchanges in files and folders.

    Args:
        paths: files and folders.
        skip: called with the problem of each file in a folder that cannot be read.

    Raises:
        MockServerError: if a file that is named cannot be read, or a folder is empty.
    """
    for path, is_named in list_files(paths):
        if not is_named and find_format(path) is None:
            continue
        try:
            exchanges = import_file(path)
        except MockServerError as problem:
            if is_named:
                raise
            skip(str(problem))
            continue
        for number, exchange in enumerate(exchanges, 1):
            yield Recorded(path, number, exchange)


def read_one(place: str) -> Recorded:
    """Return one exchange.

    Args:
        place: the file, with ``:NUMBER`` behind it if it contains several exchanges.

    Raises:
        MockServerError: if there is no such file or exchange, or if it is not clear which one.
    """
    path, number = Path(place), 0
    name, colon, digits = place.rpartition(":")
    if colon and digits.isdecimal() and not path.exists():
        path, number = Path(name), int(digits)
    exchanges = import_file(path)
    if not number and len(exchanges) > 1:
        raise MockServerError(
            f"{path} contains {len(exchanges)} exchanges: {path}:1 names the first of them"
        )
    if not 0 <= number <= len(exchanges):
        raise MockServerError(f"{path} contains no exchange {number}: it has {len(exchanges)}")
    return Recorded(path, number or 1, exchanges[(number or 1) - 1])
