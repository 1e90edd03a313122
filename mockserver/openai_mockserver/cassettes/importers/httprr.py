"""Traces of Go's httprr: pairs of a request and a response as on the wire, after their sizes."""

from __future__ import annotations

import re
from typing import NamedTuple

from openai_mockserver.cassettes.importers.file import BOM, RecordedFile
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    RecordedExchange,
    build_request,
    check_status,
    convert_entries,
)
from openai_mockserver.cassettes.importers.wire import read_head, read_status, remove_chunking

_FIRST_LINE = re.compile(rb"httprr trace v([0-9]+)\r?\n")
_REST = re.compile(rb"\s*\S")
_SIZES = re.compile(rb"([0-9]{1,12}) ([0-9]{1,12})\r?\n")


class _Pair(NamedTuple):
    request: bytes
    response: bytes


def is_httprr(file: RecordedFile) -> bool:
    """Return whether the file begins as a trace."""
    return file.content.removeprefix(BOM).startswith(b"httprr trace v")


def read_httprr(file: RecordedFile) -> list[RecordedExchange]:
    """Read the pairs of a trace."""
    content = file.content.removeprefix(BOM)
    first = _FIRST_LINE.match(content)
    if first is None or first[1] != b"1":
        raise ImportProblem("only version 1 of traces is supported")
    return convert_entries(_split_pairs(content, first.end()), _convert_pair)


def _split_pairs(content: bytes, at: int) -> list[_Pair]:
    pairs: list[_Pair] = []
    while _REST.match(content, at):
        match = _SIZES.match(content, at)
        if match is None:
            raise ImportProblem(f"{_describe_pair(content, at, pairs)} does not begin with sizes")
        middle = match.end() + int(match[1])
        end = middle + int(match[2])
        if end > len(content):
            raise ImportProblem(f"{_describe_pair(content, at, pairs)} is longer than the file")
        pairs.append(_Pair(content[match.end() : middle], content[middle:end]))
        at = end
    return pairs


def _describe_pair(content: bytes, at: int, pairs: list[_Pair]) -> str:
    line = content.count(b"\n", 0, at) + 1
    return f"line {line}: entry {len(pairs) + 1}"


def _convert_pair(pair: _Pair) -> RecordedExchange:
    request, response = read_head(pair.request), read_head(pair.response)
    if request is None or response is None:
        raise ImportProblem("a head does not end with a blank line")
    status = read_status(response.start)
    method, _, target = request.start.partition(" ")
    if status is None or not target:
        raise ImportProblem("it is no request with a response; its sizes may be out of date")
    url = target.rpartition(" HTTP/")[0] or target
    if url.startswith("/"):
        host = next((value for name, value in request.headers if name.lower() == "host"), "")
        url = f"https://{host}{url}" if host else url
    request_body = remove_chunking(pair.request[request.body_at :], request.headers)
    return RecordedExchange(
        remove_chunking(pair.response[response.body_at :], response.headers),
        response.headers,
        check_status(status),
        build_request(method, url, request.headers, request_body),
    )
