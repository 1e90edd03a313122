"""The body of an event stream, alone or after the head that ``curl -i`` prints."""

from __future__ import annotations

import re

from openai_mockserver import sse
from openai_mockserver.cassettes.importers.exchange import FIELD
from openai_mockserver.cassettes.importers.file import BOM, RecordedFile
from openai_mockserver.cassettes.importers.recording import (
    STREAM_HEAD,
    ImportProblem,
    RecordedExchange,
    check_status,
)


def is_event_stream(file: RecordedFile) -> bool:
    """Return whether the content is the body of an event stream."""
    has_suffix = file.path.suffix.lower() == ".sse"
    return bool(FIELD.match(file.content) and (has_suffix or sse.decode(file.content)))


def read_event_stream(file: RecordedFile) -> list[RecordedExchange]:
    """Read a body, as the response of an unknown request."""
    return [RecordedExchange(file.content, STREAM_HEAD)]


# Responses as curl -i and http --print=hb print them

_HEAD = re.compile(rb"HTTP/[0-9.]+ ([0-9]+)[^\r\n]*\r?\n((?:[^\r\n]+\r?\n)*)\r?\n")


def is_printed_response(file: RecordedFile) -> bool:
    """Return whether the content begins with HTTP's status line."""
    return file.content.removeprefix(BOM).startswith(b"HTTP/")


def read_printed_response(file: RecordedFile) -> list[RecordedExchange]:
    """Read the last response; earlier ones come from a proxy, a redirect or ``100 Continue``."""
    content = file.content.removeprefix(BOM)
    match, at = _HEAD.match(content), 0
    while match is not None:
        head, at = match, match.end()
        match = _HEAD.match(content, at)
    if not at:
        raise ImportProblem("its head does not end with a blank line")
    pairs = [line.partition(":") for line in head[2].decode("latin-1").splitlines()]
    headers = tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)
    return [RecordedExchange(content[at:], headers, check_status(int(head[1][:4])))]
