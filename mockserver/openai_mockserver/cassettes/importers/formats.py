"""The formats of other tools that can be imported, and the import of a file.

Rules of this file: a format is a row of `FORMATS`: its name, how its content is recognised, and how
it is read. Nothing is redacted here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from openai_mockserver.cassettes.importers.chunks import (
    has_array,
    has_chunks,
    has_named_chunks,
    read_array,
    read_chunks,
)
from openai_mockserver.cassettes.importers.document import read_document
from openai_mockserver.cassettes.importers.event_stream import (
    is_event_stream,
    is_printed_response,
    read_event_stream,
    read_printed_response,
)
from openai_mockserver.cassettes.importers.exchange import make_exchange
from openai_mockserver.cassettes.importers.file import RecordedFile, has_keys, read_content
from openai_mockserver.cassettes.importers.go_vcr import is_go_vcr, read_go_vcr
from openai_mockserver.cassettes.importers.har import is_har, read_har
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    Recorded,
    bounded_unpacking,
)
from openai_mockserver.cassettes.importers.stream_file import (
    is_named_stream_file,
    is_stream_file,
    read_stream_file,
)
from openai_mockserver.cassettes.importers.vcr import read_ruby_vcr, read_vcr
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.exceptions import StreamFileError

__all__ = ["import_file", "is_recording"]


def is_recording(path: Path) -> bool:
    """Whether a file's content is of a format that is known; what cannot be read is of none.

    Args:
        path: the file.
    """
    try:
        file = RecordedFile(path, read_content(path))
        return any(form.recognises(file) for form in FORMATS)
    except (ImportProblem, RecursionError):
        return False


def import_file(path: Path | str) -> list[Exchange]:
    """The exchanges that another tool, or this one, recorded in a file.

    The format is known by the content. Raises StreamFileError where there is nothing to import.
    """
    file = Path(path)
    try:
        with bounded_unpacking():
            return _import(RecordedFile(file, read_content(file)))
    except ImportProblem as error:
        raise StreamFileError(f"{path}: {error}") from None
    except RecursionError:
        raise StreamFileError(f"{path}: it is nested too deeply") from None


def _import(file: RecordedFile) -> list[Exchange]:
    form = next((form for form in FORMATS if form.recognises(file)), None)
    if form is None:
        known = ", ".join(dict.fromkeys(form.name for form in FORMATS))
        raise ImportProblem(f"this is no recording that is known; known are {known}")
    try:
        recorded = form.read(file)
    except ImportProblem as error:
        raise ImportProblem(f"it looks like a {form.name}, but {error}") from None
    if not recorded:
        raise ImportProblem(f"this {form.name} holds no response")
    return [
        one if isinstance(one, Exchange) else make_exchange(one, _about(file, number, form))
        for number, one in enumerate(recorded, 1)
    ]


def _about(file: RecordedFile, number: int, form: Format) -> dict[str, Any]:
    name = file.stem if number == 1 else f"{file.stem}-{number}"
    description = f"imported from {form.name}"
    return {"name": name, "description": description + (form.note and f": {form.note}")}


class Format(NamedTuple):
    name: str
    recognises: Callable[[RecordedFile], bool]
    read: Callable[[RecordedFile], Sequence[Recorded | Exchange]]
    note: str = ""


_EXACTLY = "exactly its payloads, no [DONE] is added"

# In this order: a format comes before those that would take its files for theirs.
FORMATS = (
    Format("stream file", is_stream_file, read_stream_file),
    Format("event stream", is_event_stream, read_event_stream),
    Format("response as curl -i prints it", is_printed_response, read_printed_response),
    Format("go-vcr cassette", is_go_vcr, read_go_vcr),
    Format("vcrpy cassette", has_keys("interactions"), read_vcr),
    Format("Ruby VCR cassette", has_keys("http_interactions"), read_ruby_vcr),
    Format("HAR", is_har, read_har),
    Format("recording document", has_keys("schema", "request", "response"), read_document),
    Format("Vercel AI SDK chunks", has_named_chunks, read_chunks, _EXACTLY),
    Format("JSON array of chunks", has_array, read_array, _EXACTLY),
    Format("JSON lines of chunks", has_chunks, read_chunks, _EXACTLY),
    Format("stream file", is_named_stream_file, read_stream_file),
)
