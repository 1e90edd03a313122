"""Stream files, the project's own format."""

from __future__ import annotations

import re

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile
from openai_mockserver.cassettes.stream_file import Exchange, loads

_STREAM_FILE = re.compile(rb'\s*\{\s*"mockserver"\s*:')


def is_stream_file(file: RecordedFile) -> bool:
    """Return whether the first line is a head line, with its members in any order."""
    if _STREAM_FILE.match(file.content) is not None:
        return True
    if b'"mockserver"' not in file.lines[0][1]:
        return False
    try:
        head = msgspec.json.decode(file.lines[0][1])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return isinstance(head, dict) and "mockserver" in head


def is_named_stream_file(file: RecordedFile) -> bool:
    """Return whether the name is that of a stream file; reading it reports invalid lines."""
    return file.path.suffix.lower() == ".jsonl"


def read_stream_file(file: RecordedFile) -> list[Exchange]:
    """Read a stream file."""
    return loads(file.content, str(file.path))
