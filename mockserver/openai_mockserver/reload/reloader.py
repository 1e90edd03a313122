"""Reads the files of a mock, and exchanges its rules for those that the files now contain.

Rules of this file: all or nothing. A new mock reads the files; only if it can read all of them, the
running mock gets its rules and options, at once. Streams that are being played are not touched, and
neither are rules and options that do not come from the files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from openai_mockserver.exceptions import MockServerError
from openai_mockserver.mock import MockOpenAI
from openai_mockserver.sources import Sources

__all__ = ["Reloader"]


class Reloader:
    """The files of a mock, and what they last made it answer.

    Args:
        mock: the running mock, without rules from files yet.
        make_mock: returns a new mock with the same options.
        read: adds the rules and options of the files to a mock, and notes the files.

    Attributes:
        sources: the files, as they were when they were last read.
        is_up_to_date: whether the last attempt to read them succeeded.
    """

    def __init__(
        self,
        mock: MockOpenAI,
        make_mock: Callable[[], MockOpenAI],
        read: Callable[[MockOpenAI, Sources], None],
    ) -> None:
        self._mock = mock
        self._make_mock = make_mock
        self._read = read
        self._version = mock.version
        self.sources = Sources()
        self.is_up_to_date = True

    def load(self) -> None:
        """Read the files, and answer by what they contain from now on.

        Raises MockServerError if a file is invalid; then nothing has changed.
        """
        self.is_up_to_date = False
        mock, sources = self._make_mock(), Sources()
        try:
            self._read(mock, sources)
        finally:  # a corrected file is a change too
            sources.include(self.sources)
            self.sources = sources
        version = mock.version
        self._mock.change_version(self._version, version)
        self._version = version
        self.is_up_to_date = True

    def reload(self) -> str:
        """Read the files again; return a sentence that says what changed, or what is wrong."""
        changed = self.sources.list_changed()
        try:
            self.load()
        except MockServerError as error:
            return f"not reloaded, so the rules stay as they were: {error}"
        except Exception as error:  # the server must go on
            return f"not reloaded, so the rules stay as they were: {error!r}"
        if not self.sources:
            return "nothing to reload: the rules come from no file"
        return f"reloaded {_list_names(changed)}"


_MOST_NAMES = 3


def _list_names(files: list[Path]) -> str:
    """Return the names of files for a message, or how many there are.

    >>> _list_names([Path("a.yaml"), Path("cassettes")])
    'a.yaml, cassettes'
    """
    if not files:
        return "all files"
    if len(files) > _MOST_NAMES:
        return f"{len(files)} files"
    return ", ".join(map(str, files))
