"""Definitions that nock records and loads: a JSON list of requests and their replies."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, decode_content
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    Pairs,
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    convert_entries,
    decode_hex,
    encode_value,
    has_coding,
)

_NULL = msgspec.Raw(b"null")


class _Definition(msgspec.Struct, rename="camel"):
    scope: str
    method: str = "GET"
    path: Any = "/"
    port: int | str | None = None
    status: int | None = None
    reply: int | None = None  # the status, in old versions
    body: msgspec.Raw = _NULL
    response: msgspec.Raw = _NULL
    raw_headers: Any = None
    headers: Any = None
    reqheaders: Any = None
    response_is_binary: bool | None = None
    content_type: str | None = None


def is_nock(file: RecordedFile) -> bool:
    """Return whether the file is a list of nock's definitions, or one of them."""
    document = file.document
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and "scope" in first and bool(_MEMBERS & first.keys())


_MEMBERS = {"path", "method", "response", "reply"}


def read_nock(file: RecordedFile) -> list[RecordedExchange]:
    """Read nock's definitions."""
    is_list = isinstance(file.document, list)
    definitions = (
        decode_content(file, list[_Definition]) if is_list else [decode_content(file, _Definition)]
    )
    return convert_entries(definitions, _convert_definition)


def _convert_definition(definition: _Definition) -> RecordedExchange:
    status = definition.reply if definition.status is None else definition.status
    headers = _read_headers(definition.raw_headers) or _read_headers(definition.headers)
    if definition.content_type is not None and not _has_header(headers, "content-type"):
        headers = (*headers, ("Content-Type", definition.content_type))
    request = None
    if isinstance(definition.path, str):  # and not a pattern
        request = build_request(
            definition.method,
            _build_url(definition),
            check_headers(definition.reqheaders),
            _encode_request(definition.body),
        )
    body = _decode_response(definition, headers)
    return RecordedExchange(body, headers, check_status(200 if status is None else status), request)


def _build_url(definition: _Definition) -> str:
    """Return the URL of a request; the scope leaves out the port that a scheme implies."""
    scope = definition.scope.rstrip("/")
    host = scope.partition("://")[2] or scope
    if definition.port is not None and ":" not in host:
        scope += f":{definition.port}"
    return f"{scope}{definition.path}"


def _read_headers(headers: Any) -> Pairs:
    """Read headers: pairs, a mapping, or names and values in turn in one list."""
    if isinstance(headers, list) and all(isinstance(one, str) for one in headers):
        if len(headers) % 2:
            raise ImportProblem("rawHeaders has a name without a value")
        headers = list(zip(headers[::2], headers[1::2], strict=True))
    return check_headers(headers)


def _has_header(headers: Pairs, name: str) -> bool:
    return any(name == header.lower() for header, _ in headers)


def _encode_request(body: msgspec.Raw) -> bytes:
    """Return a request's body; ``*`` stands for any."""
    content = encode_value(body)
    return b"" if content == b"*" else content


_HEX_OF_GZIP = re.compile(rb'\[\s*"1f8b')


def _decode_response(definition: _Definition, headers: Pairs) -> bytes:
    """Return a response's body: reads in hex if it is compressed, hex, text, or JSON."""
    value = bytes(definition.response)
    if definition.response_is_binary:
        if value.startswith(b'"'):
            return decode_hex(msgspec.json.decode(value, type=str))
        if not value.startswith(b"["):
            raise ImportProblem("a binary response must be hex")
    is_packed = has_coding(headers) or _HEX_OF_GZIP.match(value)
    if value.startswith(b"[") and (definition.response_is_binary or is_packed):
        try:
            return b"".join(map(decode_hex, msgspec.json.decode(value, type=list[str])))
        except msgspec.ValidationError as error:
            raise ImportProblem(f"a compressed response must be a list of hex: {error}") from None
    return encode_value(definition.response)
