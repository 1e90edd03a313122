"""The body of an event stream."""

from __future__ import annotations

from openai_mockserver import sse
from openai_mockserver.cassettes.importers.exchange import FIELD
from openai_mockserver.cassettes.importers.file import RecordedFile
from openai_mockserver.cassettes.importers.recording import STREAM_HEAD, Recorded

# Event streams, our own files, and our own documents


def is_event_stream(file: RecordedFile) -> bool:
    named = file.path.suffix.lower() == ".sse"
    return bool(FIELD.match(file.content) and (named or sse.decode(file.content)))


def read_event_stream(file: RecordedFile) -> list[Recorded]:
    return [Recorded(file.content, STREAM_HEAD)]
