"""Responses as ``curl -i`` and ``http --print=hb`` print them."""

from __future__ import annotations

from openai_mockserver.cassettes.importers.file import BOM, RecordedFile
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    RecordedExchange,
    check_status,
)
from openai_mockserver.cassettes.importers.wire import Message, read_head, read_status


def is_printed_response(file: RecordedFile) -> bool:
    """Return whether the content begins with HTTP's status line."""
    return file.content.removeprefix(BOM).startswith(b"HTTP/")


def read_printed_response(file: RecordedFile) -> list[RecordedExchange]:
    """Read the last response; earlier ones come from a proxy, a redirect or ``100 Continue``."""
    content = file.content.removeprefix(BOM)
    last: Message | None = None
    status = 0
    while (head := read_head(content, last.body_at if last else 0)) is not None:
        next_status = read_status(head.start)
        if next_status is None:
            break
        last, status = head, next_status
    if last is None:
        raise ImportProblem("its head does not end with a blank line")
    return [RecordedExchange(content[last.body_at :], last.headers, check_status(status))]
