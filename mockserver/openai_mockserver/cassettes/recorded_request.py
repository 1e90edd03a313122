"""A request as it is recorded, without its secrets: the side of a comparison, whoever's it is.

Rules of this file: a request that arrives passes the same redaction as one that was recorded, so
that what was taken out tells none apart. A form is its parameters, because each client makes up a
boundary for each; what is no text is its size and its hash.
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

__all__ = ["RequestKey", "key_of_exchange", "key_of_request", "recorded_key"]

_DEEPEST = 2 * DEEPEST  # what recursion can walk, whoever calls

_MOST_TEXT = 100_000  # bytes of an uploaded file that is shown and evened out as text


@dataclass(frozen=True, slots=True, weakref_slot=True)
class RequestKey:
    """What tells requests apart.

    Args:
        method: as in ``POST``.
        path: without host and query, decoded.
        query: without the question mark.
        headers: names and values.
        content: the body as it is recorded, under ``json``, ``text`` or ``base64``; or nothing.
        body: what it says: a JSON value, the parameters of a form, a text, or the size and the hash
            of what is none of these; None for no body.
    """

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content: Mapping[str, Any] | None = None
    body: Any = None

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of the query, by name."""
        return sorted(parse_qsl(self.query, keep_blank_values=True))

    @property
    def streams(self) -> bool:
        """Whether a stream is asked for."""
        asked = self.body.get("stream") if isinstance(self.body, Mapping) else None
        return bool(asked) and asked != "false"  # as a form says it

    def to_request(self) -> Request:
        """The request, for a function that compares it."""
        return Request(
            self.method, self.path, self.headers, _encode_content(self.content or {}), self.query
        )


def key_of_exchange(exchange: Exchange, redactor: Redactor | None = None) -> RequestKey | None:
    """The key of the request that an exchange states; None if it states none.

    Args:
        exchange: the exchange, whose secrets may have been kept.
        redactor: takes them out, as out of the requests that it is compared with.

    Raises:
        StreamFileError: if the request is nested too deeply to be walked by recursion.
    """
    request = exchange.about.get("request")
    if not isinstance(request, Mapping) or not ("url" in request or "json" in request):
        return None
    if is_deeper(request.get("json"), _DEEPEST):
        raise StreamFileError("a request in it is nested too deeply")
    path, query = _split_url(str(request.get("url") or detect_path(exchange.script)))
    headers = [(str(name), str(value)) for name, value in request.get("headers") or ()]
    method = str(request.get("method", "POST")).upper()
    body = _encode_content(request)
    return key_of_request(method, decode_path(path), query, headers, body, redactor)


def key_of_request(
    method: str,
    path: str,
    query: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    redactor: Redactor | None = None,
) -> RequestKey:
    """The key of a request as it arrives: its secrets are taken out as they are from recordings."""
    pairs = tuple(headers)
    redaction = (redactor or _usual_redactor()).stream(pairs, query)
    # First the body, as where it is recorded: a secret that it gives may stand in the path too.
    content = redaction.body(body) if body else None
    return RequestKey(
        method,
        redaction.url(path),
        redaction.url(f"?{query}")[1:] if query else "",
        tuple(redaction.headers(pairs)),
        content,
        None if content is None else _read_body(content, pairs),
    )


@cache
def _usual_redactor() -> Redactor:
    from openai_mockserver.cassettes.redact import Redactor  # only recordings need it

    return Redactor()


_latest = threading.local()


def recorded_key(request: Request) -> RequestKey:
    """The key under which a request would be recorded, made once however many rules look at it.

    Of each thread only the latest is kept: a call that is kept must not keep its body thrice.
    """
    seen = getattr(_latest, "request", None)
    if seen is None or seen() is not request:
        _latest.key = key_of_request(
            request.method, request.path, request.query, request.headers.raw, request.body
        )
        _latest.request = ref(request)
    key: RequestKey = _latest.key
    return key


_HOST = re.compile(r"[^/]*[.:<{]")


def _split_url(url: str) -> tuple[str, str]:
    """The path and the query of a URL; what is after ``#`` is not sent.

    Tools that record may leave out the scheme, or the whole host, or have put a word in its place.

    >>> _split_url("https://api.openai.com/v1/models?after=m#stream")
    ('/v1/models', 'after=m')
    >>> _split_url("<API_BASE>/models"), _split_url("//v1/models"), _split_url("v1/models")
    (('/models', ''), ('//v1/models', ''), ('/v1/models', ''))
    """
    before, _, query = url.partition("#")[0].partition("?")
    _, scheme, rest = before.partition("://")
    if not scheme and not _HOST.match(before):
        return f"/{before.removeprefix('/')}", query
    return f"/{(rest or before).partition('/')[2]}", query


def _encode_content(content: Mapping[str, Any]) -> bytes:
    """The bytes of a body as it is recorded."""
    if "json" in content:
        return msgspec.json.encode(content["json"])
    if "text" in content:
        return _encode_text(str(content["text"]))
    return b64decode(str(content.get("base64", "")))


def _encode_text(text: str) -> bytes:
    """The bytes of a body that is recorded as a text.

    Up to version 0.1 the text of a recording had a character for each byte, whatever the bytes
    were: that is seen by bytes that would be UTF-8, and by control characters that no text has.
    """
    encoded = text.encode(errors="surrogatepass")
    if len(encoded) == len(text):
        return encoded
    try:
        octets = text.encode("latin-1")
    except UnicodeEncodeError:
        return encoded
    try:
        octets.decode()
    except UnicodeDecodeError:
        return octets if any("\x80" <= letter <= "\x9f" for letter in text) else encoded
    return octets


def _read_body(content: Mapping[str, Any], headers: Iterable[tuple[str, str]]) -> Any:
    """What a body says: see `RequestKey`."""
    if "json" in content:
        return content["json"]
    octets = _encode_content(content)
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    if is_form(kind):
        try:
            return _describe_files(parse_form(octets, kind))
        except FormError:
            pass
    return content["text"] if "text" in content else _describe_octets(octets)


def _describe_files(value: Any) -> Any:
    """Parameters of a form as JSON has them, with what tells its files apart."""
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
