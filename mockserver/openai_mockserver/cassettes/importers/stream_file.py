"""The project's own stream files."""

from __future__ import annotations

import re

from openai_mockserver.cassettes.importers.file import RecordedFile
from openai_mockserver.cassettes.stream_file import Exchange, loads

_STREAM_FILE = re.compile(rb'\s*\{\s*"mockserver"\s*:')


def is_stream_file(file: RecordedFile) -> bool:
    return _STREAM_FILE.match(file.content) is not None


def read_stream_file(file: RecordedFile) -> list[Exchange]:
    return loads(file.content, str(file.path))
