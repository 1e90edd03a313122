"""HAR files from browsers and from Polly.js."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, convert_document, has_keys
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    RecordedExchange,
    build_request,
    check_headers,
    check_status,
    convert_entries,
    decode_base64,
)


class _PostData(msgspec.Struct):
    text: str | None = None


class _HarRequest(msgspec.Struct):
    method: str
    url: str
    headers: Any = None
    post_data: _PostData | None = msgspec.field(default=None, name="postData")


class _Content(msgspec.Struct):
    text: str | None = None
    encoding: str | None = None
    kind: str | None = msgspec.field(default=None, name="mimeType")
    size: int = 0
    binary: bool = msgspec.field(default=False, name="_isBinary")


class _HarResponse(msgspec.Struct):
    status: int
    headers: Any = None
    content: _Content = msgspec.field(default_factory=_Content)


class _Entry(msgspec.Struct):
    request: _HarRequest
    response: _HarResponse


class _Log(msgspec.Struct):
    entries: list[_Entry]


class _Har(msgspec.Struct):
    log: _Log


def read_har(file: RecordedFile) -> list[RecordedExchange]:
    """Read the entries of a HAR file that have a response."""
    # A request without a response has the status 0.
    har: _Har = convert_document(file.document, _Har)
    entries = [one for one in har.log.entries if one.response.status]
    return convert_entries(entries, _convert_entry)


def _convert_entry(entry: _Entry) -> RecordedExchange:
    request, response = entry.request, entry.response
    post_text = (request.post_data and request.post_data.text) or ""
    built_request = build_request(
        request.method, request.url, check_headers(request.headers), post_text.encode()
    )
    body = _decode_content(response.content)
    if not body and response.content.text is None and _lacks_answer(request, response):
        raise ImportProblem(
            f"it lacks the body of the response to {request.method} {request.url}; browsers leave "
            "out event streams, unfinished bodies and those they no longer store"
        )
    return RecordedExchange(
        body, check_headers(response.headers), check_status(response.status), built_request
    )


def _lacks_answer(request: _HarRequest, response: _HarResponse) -> bool:
    """Return whether a missing body is a model's answer, and not a picture or a page."""
    if request.method.upper() in ("HEAD", "OPTIONS") or response.status in (204, 304):
        return False
    headers = {name.lower(): value for name, value in check_headers(response.headers)}
    kind = response.content.kind or headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        return True
    length = str(response.content.size or headers.get("content-length") or 0)
    return kind.startswith("application/json") and length.strip("0") != ""


def _decode_content(content: _Content) -> bytes:
    text = content.text or ""
    if content.encoding != "base64" and not content.binary:
        return text.encode()
    pieces = _decode_pieces(text) if text.lstrip().startswith("[") else [text]
    decode = bytes.fromhex if _is_hex("".join(pieces), content.encoding) else decode_base64
    return b"".join(map(decode, pieces))


def _decode_pieces(text: str) -> list[str]:
    """Decode the list in which Polly.js stores each read of a compressed body."""
    try:
        return msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ImportProblem(f"a body is not a list of base64 pieces: {error}") from None


_HEX = re.compile(r"(?:[0-9a-f]{2})*")


def _is_hex(text: str, encoding: str | None) -> bool:
    """Return whether a body is in hex, as in older recordings, some of which claim base64."""
    if encoding == "base64" and not text.startswith(("1f8b", "78")):
        return False
    return _HEX.fullmatch(text) is not None


def is_har(file: RecordedFile) -> bool:
    """Return whether the file is a HAR document."""
    return has_keys("log")(file) and isinstance(file.document["log"], dict)
