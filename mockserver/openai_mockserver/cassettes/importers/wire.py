"""Messages as they are on the wire: a start line, headers and a body.

Rules of this file: lines may end with CRLF or LF, because recordings are edited and normalised.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from openai_mockserver.cassettes.importers.recording import Pairs


class Message(NamedTuple):
    """The head of a message, and where its body begins."""

    start: str
    headers: Pairs
    body_at: int


_HEAD = re.compile(rb"([^\r\n]+)\r?\n((?:[^\r\n]+\r?\n)*)\r?\n")


def read_head(content: bytes, at: int = 0) -> Message | None:
    """Read the head of a message; None if it does not end with a blank line.

    Args:
        content: the bytes.
        at: where the head begins.
    """
    if (match := _HEAD.match(content, at)) is None:
        return None
    lines = match[2].decode("latin-1").splitlines()
    return Message(match[1].decode("latin-1"), read_fields(lines), match.end())


def read_fields(lines: list[str]) -> Pairs:
    """Read header lines; those without a colon are left out."""
    pairs = (line.partition(":") for line in lines)
    return tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)


def read_status(start: str) -> int | None:
    """Return the status in a status line; None if it is none."""
    match = re.match(r"HTTP/[0-9.]+ ([0-9]{1,4})", start)
    return None if match is None else int(match[1])


def remove_chunking(body: bytes, headers: Pairs) -> bytes:
    """Return a body without the chunked coding, if it has it and the headers name it."""
    codings = [value for name, value in headers if name.lower() == "transfer-encoding"]
    if not any("chunked" in value.lower() for value in codings):
        return body
    pieces: list[bytes] = []
    at = 0
    while match := _CHUNK_SIZE.match(body, at):
        size, start = int(match[1], 16), match.end()
        if size == 0:
            return b"".join(pieces)
        pieces.append(body[start : start + size])
        end = _LINE_END.match(body, start + size)
        if end is None:
            break
        at = end.end()
    return body  # it was recorded without its coding


_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LINE_END = re.compile(rb"\r?\n")
