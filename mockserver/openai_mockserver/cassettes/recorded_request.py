"""The key of a request: what a comparison sees of it, without its secrets.

Rules of this file: an arriving request passes the same redaction as a recorded one, so that
redacted values make no difference. A form is compared by its parameters, because clients choose a
new boundary for each; a binary body is compared by its size and hash.
"""

from __future__ import annotations

import re
import threading
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from weakref import ref

import msgspec.json

from openai_mockserver.api.detection import detect_path
from openai_mockserver.api.multipart import File, FormError, is_form, parse_form
from openai_mockserver.api.routes import decode_path
from openai_mockserver.bounded_input import DEEPEST, is_deeper
from openai_mockserver.exceptions import StreamFileError
from openai_mockserver.request import Request

if TYPE_CHECKING:
    from openai_mockserver.cassettes.redact import Redactor
    from openai_mockserver.cassettes.stream_file import Exchange

__all__ = [
    "RequestKey",
    "build_exchange_key",
    "build_request_key",
    "encode_content",
    "get_request_key",
    "split_url",
]

_DEEPEST = 2 * DEEPEST  # levels that recursion can walk from any depth of the caller

_MOST_TEXT = 100_000  # bytes: a longer uploaded file is compared by its hash, not as text


@dataclass(frozen=True, slots=True, weakref_slot=True)
class RequestKey:
    """What a comparison sees of a request.

    Args:
        method: the method, as ``POST``.
        path: the decoded path without host and query.
        query: the query without the question mark.
        headers: names and values.
        content: the body as a recording has it, under ``json``, ``text`` or ``base64``; None for no
            body.
        body: the meaning of the body: a JSON value, the parameters of a form, a text, or the size
            and hash of any other bytes; None for no body.
    """

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content: Mapping[str, Any] | None = None
    body: Any = None

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of the query, sorted by name."""
        return sorted(parse_qsl(self.query, keep_blank_values=True))

    @property
    def is_stream(self) -> bool:
        """Whether the request asks for a stream."""
        value = self.body.get("stream") if isinstance(self.body, Mapping) else None
        return bool(value) and value != "false"  # the value in a form

    def to_request(self) -> Request:
        """Return the request, for a user's function that compares it."""
        return Request(
            self.method, self.path, self.headers, encode_content(self.content or {}), self.query
        )


def build_exchange_key(exchange: Exchange, redactor: Redactor | None = None) -> RequestKey | None:
    """Build the key of the request in an exchange; None if the exchange contains no request.

    Args:
        exchange: the exchange; it may still contain secrets.
        redactor: removes them, as it does from the requests that are compared with it.

    Raises:
        StreamFileError: if the request is nested too deeply for recursion.
    """
    request = exchange.about.get("request")
    if not isinstance(request, Mapping) or not ("url" in request or "json" in request):
        return None
    if is_deeper(request.get("json"), _DEEPEST):
        raise StreamFileError("a request in it is nested too deeply")
    path, query = split_url(str(request.get("url") or detect_path(exchange.script)))
    headers = [(str(name), str(value)) for name, value in request.get("headers") or ()]
    method = str(request.get("method", "POST")).upper()
    body = encode_content(request)
    return build_request_key(method, decode_path(path), query, headers, body, redactor)


def build_request_key(
    method: str,
    path: str,
    query: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    redactor: Redactor | None = None,
) -> RequestKey:
    """Build the key of an arriving request; its secrets are removed as they are in recordings."""
    pairs = tuple(headers)
    redaction = (redactor or _default_redactor()).begin(pairs, query)
    # The body comes first, as in a recorder: its secrets may also occur in the path.
    content = redaction.redact_body(body) if body else None
    return RequestKey(
        method,
        redaction.redact_url(path),
        redaction.redact_url(f"?{query}")[1:] if query else "",
        tuple(redaction.redact_headers(pairs)),
        content,
        None if content is None else _read_body(content, pairs),
    )


@cache
def _default_redactor() -> Redactor:
    from openai_mockserver.cassettes.redact import (
        Redactor,  # imported late: only comparisons with recordings need it
    )

    return Redactor()


_latest = threading.local()


def get_request_key(request: Request) -> RequestKey:
    """Return the key of a request, computed once for all rules that compare it.

    Each thread caches only its latest key, so that a stored call does not hold three copies of its
    body.
    """
    cached_request = getattr(_latest, "request", None)
    if cached_request is None or cached_request() is not request:
        _latest.key = build_request_key(
            request.method, request.path, request.query, request.headers.raw, request.body
        )
        _latest.request = ref(request)
    key: RequestKey = _latest.key
    return key


_HOST = re.compile(r"[^/]*[.:<{]")


def split_url(url: str) -> tuple[str, str]:
    """Split a URL into path and query, without the fragment, which clients do not send.

    Recording tools may leave out the scheme or the host, or put a placeholder in its place.

    >>> split_url("https://api.openai.com/v1/models?after=m#stream")
    ('/v1/models', 'after=m')
    >>> split_url("<API_BASE>/models"), split_url("//v1/models"), split_url("v1/models")
    (('/models', ''), ('//v1/models', ''), ('/v1/models', ''))
    """
    before, _, query = url.partition("#")[0].partition("?")
    _, scheme, rest = before.partition("://")
    if not scheme and not _HOST.match(before):
        return f"/{before.removeprefix('/')}", query
    return f"/{(rest or before).partition('/')[2]}", query


def encode_content(content: Mapping[str, Any]) -> bytes:
    """Return the bytes of a recorded body."""
    if "json" in content:
        return msgspec.json.encode(content["json"])
    if "text" in content:
        return _encode_text(str(content["text"]))
    return b64decode(str(content.get("base64", "")))


def _encode_text(text: str) -> bytes:
    """Return the bytes of a body that is recorded as text.

    Up to version 0.1 a recording's text had one character for each byte. Such a text is recognized
    by bytes that are valid UTF-8, or by control characters that no text contains.
    """
    utf8_bytes = text.encode(errors="surrogatepass")
    if len(utf8_bytes) == len(text):
        return utf8_bytes
    try:
        latin1_bytes = text.encode("latin-1")
    except UnicodeEncodeError:
        return utf8_bytes
    try:
        latin1_bytes.decode()
    except UnicodeDecodeError:
        return latin1_bytes if any("\x80" <= letter <= "\x9f" for letter in text) else utf8_bytes
    return latin1_bytes


def _read_body(content: Mapping[str, Any], headers: Iterable[tuple[str, str]]) -> Any:
    """Return the meaning of a body; see `RequestKey`."""
    if "json" in content:
        return content["json"]
    octets = encode_content(content)
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    if is_form(kind):
        try:
            return _describe_files(parse_form(octets, kind))
        except FormError:
            pass
    return content["text"] if "text" in content else _describe_octets(octets)


def _describe_files(value: Any) -> Any:
    """Return the parameters of a form as JSON; files become descriptions."""
    if isinstance(value, File):
        return {"filename": value.name, "content_type": value.content_type} | _describe_file(value)
    if isinstance(value, list):
        return [_describe_files(one) for one in value]
    if isinstance(value, dict):
        return {name: _describe_files(one) for name, one in value.items()}
    return value


def _describe_file(file: File) -> dict[str, Any]:
    if len(file) <= _MOST_TEXT:
        try:
            return {"text": file.decode()}
        except UnicodeDecodeError:
            pass
    return _describe_octets(file)


def _describe_octets(octets: bytes) -> dict[str, Any]:
    return {"bytes": len(octets), "sha256": sha256(octets).hexdigest()}
