"""Recordings of the test proxy of the Azure SDKs, and of OpenAI's .NET library."""

from __future__ import annotations

import codecs
import re
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, decode_content, has_keys
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    Pairs,
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    convert_entries,
    decode_base64,
    encode_value,
    get_media_type,
)

_NULL = msgspec.Raw(b"null")


class _Entry(msgspec.Struct, rename="pascal"):
    request_uri: str
    status_code: int
    request_method: str = "GET"
    request_headers: Any = None
    request_body: msgspec.Raw = _NULL
    response_headers: Any = None
    response_body: msgspec.Raw = _NULL


class _Session(msgspec.Struct, rename="pascal"):
    entries: list[_Entry]


def is_azure_proxy(file: RecordedFile) -> bool:
    """Return whether the file is a session of the test proxy."""
    return has_keys("Entries")(file)


def read_azure_proxy(file: RecordedFile) -> list[RecordedExchange]:
    """Read a session of the test proxy."""
    return convert_entries(decode_content(file, _Session).entries, _convert_entry)


def _convert_entry(entry: _Entry) -> RecordedExchange:
    request_headers = check_headers(entry.request_headers)
    headers = check_headers(entry.response_headers)
    request = build_request(
        entry.request_method,
        entry.request_uri,
        request_headers,
        _decode_body(entry.request_body, request_headers),
    )
    body = _decode_body(entry.response_body, headers)
    return RecordedExchange(body, headers, check_status(entry.status_code), request)


def _decode_body(body: msgspec.Raw, headers: Pairs) -> bytes:
    """Return a body: a list is its lines, an object is JSON, and a string is text or base64.

    The content type decides, as in the proxy.
    """
    value = bytes(body)
    if value.startswith(b"["):
        try:
            lines = msgspec.json.decode(value, type=list[str])
        except msgspec.ValidationError as error:
            raise ImportProblem(f"a body must be a list of lines: {error}") from None
        text = "".join(lines)
    elif value.startswith(b'"'):
        text = msgspec.json.decode(value, type=str)
    else:
        return encode_value(body)
    if _is_text(headers):
        return _encode_text(text, headers)
    try:
        return decode_base64(text)
    except ImportProblem:
        return text.encode()  # its content type was removed


_TEXT = re.compile(r"text/|.*[/+](?:json|xml|x-www-form-urlencoded|javascript|x-ndjson)\Z")


def _is_text(headers: Pairs) -> bool:
    return _TEXT.match(get_media_type(headers)) is not None


def _encode_text(text: str, headers: Pairs) -> bytes:
    """Return text in the encoding that the content type names, or in UTF-8."""
    value = next((value for name, value in headers if name.lower() == "content-type"), "")
    charset = re.search(r"charset=[\"']?([\w-]+)", value, re.I)
    try:
        return text.encode(codecs.lookup(charset[1] if charset else "utf-8").name)
    except (LookupError, UnicodeError):
        return text.encode()
