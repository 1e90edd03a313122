"""HAR files, of browsers and of Polly.js."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import msgspec.json

from openai_mockserver.cassettes.importers.file import RecordedFile, convert_document, has_keys
from openai_mockserver.cassettes.importers.recording import (
    ImportProblem,
    Recorded,
    check_status,
    checked_pairs,
    decode_base64,
    request_json,
)

# HAR, of browsers and of Polly.js


class _PostData(msgspec.Struct):
    text: str | None = None


class _HarRequest(msgspec.Struct):
    method: str
    url: str
    headers: Any = None
    posted: _PostData | None = msgspec.field(default=None, name="postData")


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


def read_har(file: RecordedFile) -> list[Recorded]:
    # A request that got no answer has the status 0.
    return [
        _recorded(one)
        for one in convert_document(file.document, _Har).log.entries
        if one.response.status
    ]


def _recorded(one: _Entry) -> Recorded:
    asked, answer = one.request, one.response
    posted = (asked.posted and asked.posted.text) or ""
    request = request_json(asked.method, asked.url, checked_pairs(asked.headers), posted.encode())
    body = _har_body(answer.content)
    if not body and answer.content.text is None and _should_speak(asked, answer):
        raise ImportProblem(
            f"the body of the response to {asked.method} {asked.url} is not in it; browsers leave "
            "out what is still arriving or no longer kept, and the bodies of event streams"
        )
    return Recorded(body, checked_pairs(answer.headers), check_status(answer.status), request)


def _should_speak(asked: _HarRequest, answer: _HarResponse) -> bool:
    """Whether it is a model's answer that is missing: of pictures and pages nobody minds."""
    if asked.method.upper() in ("HEAD", "OPTIONS") or answer.status in (204, 304):
        return False
    headers = {name.lower(): value for name, value in checked_pairs(answer.headers)}
    kind = answer.content.kind or headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        return True
    length = str(answer.content.size or headers.get("content-length") or 0)
    return kind.startswith("application/json") and length.strip("0") != ""


def _har_body(content: _Content) -> bytes:
    text = content.text or ""
    if content.encoding != "base64" and not content.binary:
        return text.encode()
    pieces = _pieces(text) if text.lstrip().startswith("[") else [text]
    read = bytes.fromhex if _is_hex("".join(pieces), content.encoding) else decode_base64
    return b"".join(map(read, pieces))


def _pieces(text: str) -> list[str]:
    """Polly.js keeps the reads of a compressed body, each on its own."""
    try:
        return msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ImportProblem(f"a body is not a list of base64 pieces: {error}") from None


_HEX = re.compile(r"(?:[0-9a-f]{2})*")


def _is_hex(text: str, encoding: str | None) -> bool:
    """Older recordings are in hex; some of these say base64, but begin as what is compressed."""
    if encoding == "base64" and not text.startswith(("1f8b", "78")):
        return False
    return _HEX.fullmatch(text) is not None


def is_har(file: RecordedFile) -> bool:
    return has_keys("log")(file) and isinstance(file.document["log"], dict)
