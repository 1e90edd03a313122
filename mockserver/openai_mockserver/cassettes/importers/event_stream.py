"""The body of an event stream, alone or after the head that ``curl -i`` prints."""

from __future__ import annotations

import re

from openai_mockserver import sse
from openai_mockserver.cassettes.importers.exchange import FIELD
from openai_mockserver.cassettes.importers.file import BOM, RecordedFile
from openai_mockserver.cassettes.importers.recording import (
    STREAM_HEAD,
    ImportProblem,
    Recorded,
    check_status,
)

# Event streams, our own files, and our own documents


def is_event_stream(file: RecordedFile) -> bool:
    named = file.path.suffix.lower() == ".sse"
    return bool(FIELD.match(file.content) and (named or sse.decode(file.content)))


def read_event_stream(file: RecordedFile) -> list[Recorded]:
    return [Recorded(file.content, STREAM_HEAD)]


# What curl -i prints, and http --print=hb

_HEAD = re.compile(rb"HTTP/[0-9.]+ ([0-9]+)[^\r\n]*\r?\n((?:[^\r\n]+\r?\n)*)\r?\n")


def is_printed_response(file: RecordedFile) -> bool:
    return file.content.removeprefix(BOM).startswith(b"HTTP/")


def read_printed_response(file: RecordedFile) -> list[Recorded]:
    """The last response: before it may be those of a proxy, of redirects, and ``100 Continue``."""
    content = file.content.removeprefix(BOM)
    found, at = _HEAD.match(content), 0
    while found is not None:
        head, at = found, found.end()
        found = _HEAD.match(content, at)
    if not at:
        raise ImportProblem("its head has no end")
    pairs = [line.partition(":") for line in head[2].decode("latin-1").splitlines()]
    headers = tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)
    return [Recorded(content[at:], headers, check_status(int(head[1][:4])))]
