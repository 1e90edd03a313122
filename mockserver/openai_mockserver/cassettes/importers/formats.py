"""The formats of other tools that can be imported, and the import of a file.

Rules of this file: a format is a row of `FORMATS`: its name, a function that recognises its
content, and a function that reads it. Nothing is redacted here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from openai_mockserver.cassettes.importers.ai_sdk import is_ai_sdk, read_ai_sdk
from openai_mockserver.cassettes.importers.aimock import is_aimock, read_aimock
from openai_mockserver.cassettes.importers.azure_proxy import is_azure_proxy, read_azure_proxy
from openai_mockserver.cassettes.importers.bodies import (
    is_answer,
    is_event_stream,
    is_ollama_stream,
    read_answer,
    read_event_stream,
    read_ollama_stream,
)
from openai_mockserver.cassettes.importers.chunks import (
    has_array,
    has_chunks,
    has_named_chunks,
    read_array,
    read_chunks,
)
from openai_mockserver.cassettes.importers.curl import (
    is_printed_response,
    is_trace,
    is_verbose_output,
    read_printed_response,
    read_trace,
    read_verbose_output,
)
from openai_mockserver.cassettes.importers.datadog import is_datadog, read_datadog
from openai_mockserver.cassettes.importers.document import read_document
from openai_mockserver.cassettes.importers.exchange import make_exchange
from openai_mockserver.cassettes.importers.file import RecordedFile, has_keys, read_content
from openai_mockserver.cassettes.importers.go_vcr import is_go_vcr, read_go_vcr
from openai_mockserver.cassettes.importers.har import is_har, read_har
from openai_mockserver.cassettes.importers.httpmock import is_httpmock, read_httpmock
from openai_mockserver.cassettes.importers.httprr import is_httprr, read_httprr
from openai_mockserver.cassettes.importers.llmock import is_llmock, read_llmock
from openai_mockserver.cassettes.importers.mockoon import is_mockoon, read_mockoon
from openai_mockserver.cassettes.importers.nock import is_nock, read_nock
from openai_mockserver.cassettes.importers.postman import is_postman, read_postman
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    RecordedExchange,
    limit_unpacking,
)
from openai_mockserver.cassettes.importers.req_llm import is_req_llm, read_req_llm
from openai_mockserver.cassettes.importers.seinfeld import is_seinfeld, read_seinfeld
from openai_mockserver.cassettes.importers.stream_file import (
    is_named_stream_file,
    is_stream_file,
    read_stream_file,
)
from openai_mockserver.cassettes.importers.vcr import read_ruby_vcr, read_vcr
from openai_mockserver.cassettes.importers.wiremock import is_wiremock, read_wiremock
from openai_mockserver.cassettes.stream_file import Exchange
from openai_mockserver.exceptions import StreamFileError

__all__ = ["find_format", "import_file"]


def find_format(path: Path) -> str | None:
    """Return the name of a file's format; None if it is unknown, or the file cannot be read.

    Args:
        path: the file.
    """
    try:
        file = RecordedFile(path, read_content(path))
        return next((form.name for form in FORMATS if form.recognises(file)), None)
    except (ImportProblem, RecursionError):
        return None


def import_file(path: Path | str) -> list[Exchange]:
    """Return the exchanges in a file that this tool or another one recorded.

    The content decides the format.

    Raises:
        StreamFileError: if the format is unknown or the file invalid or empty.
    """
    file = Path(path)
    try:
        with limit_unpacking():
            return _import_exchanges(RecordedFile(file, read_content(file)))
    except ImportProblem as error:
        raise StreamFileError(f"{path}: {error}") from None
    except RecursionError:
        raise StreamFileError(f"{path}: it is nested too deeply") from None


_VOWELS = tuple("AEIOUaeiou")


def _import_exchanges(file: RecordedFile) -> list[Exchange]:
    form = next((form for form in FORMATS if form.recognises(file)), None)
    if form is None:
        names = ", ".join(dict.fromkeys(form.name for form in FORMATS))
        raise ImportProblem(f"its format is unknown; supported formats are {names}")
    try:
        recordings = form.read(file)
    except ImportProblem as error:
        article = "an" if form.name.startswith(_VOWELS) else "a"
        raise ImportProblem(f"it looks like {article} {form.name}, but {error}") from None
    if not recordings:
        raise ImportProblem(f"this {form.name} contains no response")
    return [
        recording
        if isinstance(recording, Exchange)
        else make_exchange(recording, _describe_import(recording, file, number, form))
        for number, recording in enumerate(recordings, 1)
    ]


def _describe_import(
    recording: RecordedExchange, file: RecordedFile, number: int, form: Format
) -> dict[str, Any]:
    name = file.stem if number == 1 else f"{file.stem}-{number}"
    description = f"imported from {form.name}"
    note = recording.note or form.note
    return {"name": name, "description": description + (note and f": {note}")}


class Format(NamedTuple):
    """A format: its name, how to recognise and read it, and a note for the description."""

    name: str
    recognises: Callable[[RecordedFile], bool]
    read: Callable[[RecordedFile], Sequence[RecordedExchange | Exchange]]
    note: str = ""


_PAYLOADS_ONLY = "its payloads only, without an added [DONE]"

# The order matters: a format comes before those that would also recognise its files.
FORMATS = (
    Format("stream file", is_stream_file, read_stream_file),
    Format("event stream", is_event_stream, read_event_stream),
    Format("response as curl -i prints it", is_printed_response, read_printed_response),
    Format("output of curl -v", is_verbose_output, read_verbose_output),
    Format("output of curl --trace", is_trace, read_trace),
    Format("httprr trace", is_httprr, read_httprr),
    Format("httpmock file", is_httpmock, read_httpmock),
    Format("go-vcr cassette", is_go_vcr, read_go_vcr),
    Format("vcrpy cassette", has_keys("interactions"), read_vcr),
    Format("Ruby VCR cassette", has_keys("http_interactions"), read_ruby_vcr),
    Format("HAR", is_har, read_har),
    Format("recording document", has_keys("schema", "request", "response"), read_document),
    Format("Azure test-proxy session", is_azure_proxy, read_azure_proxy),
    Format("Braintrust cassette", is_seinfeld, read_seinfeld),
    Format("req_llm fixture", is_req_llm, read_req_llm),
    Format("nock file", is_nock, read_nock),
    Format("Postman collection", is_postman, read_postman),
    Format("Mockoon environment", is_mockoon, read_mockoon),
    Format("llmock cassette", is_llmock, read_llmock),
    Format("Datadog cassette", is_datadog, read_datadog),
    Format("WireMock mapping", is_wiremock, read_wiremock),
    Format("aimock file", is_aimock, read_aimock),
    Format("list of AI SDK stream parts", is_ai_sdk, read_ai_sdk),
    Format("stream of Ollama", is_ollama_stream, read_ollama_stream),
    Format("answer in JSON", is_answer, read_answer),
    Format("Vercel AI SDK chunks", has_named_chunks, read_chunks, _PAYLOADS_ONLY),
    Format("JSON array of chunks", has_array, read_array, _PAYLOADS_ONLY),
    Format("JSON lines of chunks", has_chunks, read_chunks, _PAYLOADS_ONLY),
    Format("stream file", is_named_stream_file, read_stream_file),
)
