"""The formats that recordings can be exported to.

Rules of this file: a format is a row of `FORMATS`: its name for the command, and its function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from openai_mockserver import sse
from openai_mockserver.cassettes.exporters.chunks import write_chunks
from openai_mockserver.cassettes.exporters.curl import write_curl
from openai_mockserver.cassettes.exporters.event_stream import write_event_streams
from openai_mockserver.cassettes.exporters.har import write_har
from openai_mockserver.cassettes.exporters.recording import Export, ExportProblem
from openai_mockserver.cassettes.exporters.vcr import write_vcr
from openai_mockserver.cassettes.exporters.wiremock import write_wiremock
from openai_mockserver.cassettes.stream_file import Exchange, explain_withheld
from openai_mockserver.exceptions import StreamFileError

__all__ = ["FORMATS", "export_exchanges"]


class Format(NamedTuple):
    """A format: what its files contain, and how to write them."""

    description: str
    write: Callable[[Sequence[Exchange], str], Export]


FORMATS = {
    "vcrpy": Format("a cassette of vcrpy (YAML)", write_vcr),
    "har": Format("HAR 1.2", write_har),
    "sse": Format("the body of each event stream", write_event_streams),
    "jsonl": Format("one chunk on each line", write_chunks),
    "curl": Format("a command for curl, and the response as curl -i prints it", write_curl),
    "wiremock": Format("stub mappings of WireMock (JSON)", write_wiremock),
}
"""The formats by name."""


def export_exchanges(exchanges: Sequence[Exchange], name: str, stem: str) -> Export:
    """Return the files of a recording in another format.

    Args:
        exchanges: the exchanges of the recording, without their secrets.
        name: the format, a key of `FORMATS`.
        stem: the recording's name without a suffix; file names begin with it.

    Raises:
        StreamFileError: if the format cannot express an exchange at all.
    """
    try:
        export = FORMATS[name].write(exchanges, stem)
    except ExportProblem as error:
        raise StreamFileError(str(error)) from None
    except RecursionError:
        raise StreamFileError("a request in it is nested too deeply") from None
    return Export(export.files, (*export.notes, *_explain_losses(exchanges)))


def _explain_losses(exchanges: Sequence[Exchange]) -> Iterator[str]:
    """Yield a sentence for whatever no other format can express."""
    for number, exchange in enumerate(exchanges, 1):
        end = "client left" if exchange.client_left else exchange.script.end
        # Clients leave at [DONE], some before the end of the body has come.
        has_all = exchange.client_left and sse.DONE in exchange.script.steps
        if end not in ("finish", "close") and not has_all:
            yield f"exchange {number} ends with {end}, which only a stream file can express"
        yield from explain_withheld(exchange)
