"""The body of an event stream."""

from __future__ import annotations

from openai_mockserver import sse
from openai_mockserver.cassettes.importers.exchange import FIELD
from openai_mockserver.cassettes.importers.file import RecordedFile
from openai_mockserver.cassettes.importers.recording import STREAM_HEAD, RecordedExchange


def is_event_stream(file: RecordedFile) -> bool:
    """Return whether the content is the body of an event stream."""
    has_suffix = file.path.suffix.lower() == ".sse"
    return bool(FIELD.match(file.content) and (has_suffix or sse.decode(file.content)))


def read_event_stream(file: RecordedFile) -> list[RecordedExchange]:
    """Read a body, as the response of an unknown request."""
    return [RecordedExchange(file.content, STREAM_HEAD)]
