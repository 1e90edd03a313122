"""Files that are the body of a response: an event stream, Ollama's lines, or an answer in JSON."""

from __future__ import annotations

import msgspec
import msgspec.json

from openai_mockserver import sse
from openai_mockserver.cassettes.importers.exchange import FIELD
from openai_mockserver.cassettes.importers.file import BOM, RecordedFile
from openai_mockserver.cassettes.importers.recording import STREAM_HEAD, RecordedExchange


def is_event_stream(file: RecordedFile) -> bool:
    """Return whether the content is the body of an event stream."""
    has_suffix = file.path.suffix.lower() == ".sse"
    return bool(FIELD.match(file.content) and (has_suffix or sse.decode(file.content)))


def read_event_stream(file: RecordedFile) -> list[RecordedExchange]:
    """Read a body, as the response of an unknown request."""
    return [RecordedExchange(file.content, STREAM_HEAD)]


def is_ollama_stream(file: RecordedFile) -> bool:
    """Return whether the first line is a chunk of Ollama's own API."""
    try:
        chunk = msgspec.json.decode(file.lines[0][1])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return isinstance(chunk, dict) and "model" in chunk and isinstance(chunk.get("done"), bool)


def read_ollama_stream(file: RecordedFile) -> list[RecordedExchange]:
    """Read the lines, which are the body as it is."""
    body = file.content.removeprefix(BOM)
    return [RecordedExchange(body, (("Content-Type", "application/x-ndjson"),))]


# The objects that a model's answer is, each with the member that holds what it says.
_ANSWERS = {"chat.completion": "choices", "text_completion": "choices", "response": "output"}


def is_answer(file: RecordedFile) -> bool:
    """Return whether the file is a complete answer of a model in JSON."""
    document = file.document
    kind = document.get("object") if isinstance(document, dict) else None
    member = _ANSWERS.get(kind) if isinstance(kind, str) else None
    return member is not None and bool(document.get(member))


def read_answer(file: RecordedFile) -> list[RecordedExchange]:
    """Read the answer, which is the body as it is."""
    body = file.content.removeprefix(BOM)
    return [RecordedExchange(body, (("Content-Type", "application/json"),))]
